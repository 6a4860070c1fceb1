"""The feeds of the page: images wait for their answer, unknown is None, nothing piles up."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.panel.image_feed import WAITING_IMAGES, ImageFeed, to_picture
from siamx_ros.panel.panel_config import PanelConfig
from siamx_ros.panel.state_feed import OFFLINE, StateFeed, box_values


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def target(**fields) -> SimpleNamespace:
    position = SimpleNamespace(x=60.0, y=40.0)
    box = SimpleNamespace(center=SimpleNamespace(position=position), size_x=20.0, size_y=30.0)
    values = {'target_id': '1', 'state': 2, 'valid': True, 'box_source': 1, 'bbox': box,
              'confidence': 0.875, 'range': 2.0, 'range_stddev': 0.1, 'bearing': math.nan}
    header = SimpleNamespace(stamp=SimpleNamespace(sec=99, nanosec=900_000_000))
    return SimpleNamespace(header=header, **{**values, **fields})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed(clock) -> StateFeed:
    return StateFeed(clock, clock)


def test_before_anything_is_heard(feed):
    now = feed.snapshot()
    assert now['state'] == OFFLINE and now['confidence'] is None and now['follower'] is None
    json.dumps(now, allow_nan=False)


def test_measured_values(feed, clock):
    feed.on_target(target())
    clock.now += 0.1
    now = feed.snapshot()
    assert (now['state'], now['confidence'], now['range']) == ('TRACKING', 0.875, 2.0)
    assert now['bearing'] is None, 'NaN is not known'
    assert now['age'] == pytest.approx(0.2)
    assert feed.snapshot()['rate'] == 0.5
    json.dumps(now, allow_nan=False)


def test_the_age_grows_and_silence_is_shown(feed, clock):
    feed.on_target(target())
    clock.now += 1.0
    assert feed.snapshot()['age'] == pytest.approx(1.1)
    clock.now += 2.0
    now = feed.snapshot()
    assert now['state'] == OFFLINE and now['confidence'] is None and now['rate'] == 0
    feed.on_status(SimpleNamespace(state=6, message='no images'))
    now = feed.snapshot()
    assert (now['state'], now['reason']) == ('INPUT_STALE', 'no images')


def test_no_confidence_without_a_target(feed):
    feed.on_target(target(target_id='', state=0, valid=False, box_source=0, confidence=0.0))
    assert feed.snapshot()['confidence'] is None


def test_the_last_minute_is_kept_and_no_more(feed, clock):
    for _ in range(1000):
        clock.now += 0.25
        feed.on_target(target())
        feed.sample()
    kept = feed.history()
    assert len(kept) == 241
    assert kept[-1]['time'] - kept[0]['time'] == pytest.approx(60.0)
    assert kept[-1]['rate'] == pytest.approx(4.5, abs=0.6)
    assert len(feed._arrivals) < 12


def test_boxes(feed):
    assert box_values(target())['xywh'] == [50.0, 25.0, 20.0, 30.0]
    assert box_values(target())['measured'] and not box_values(target(box_source=2))['measured']
    assert box_values(None) is None and box_values(target(box_source=0)) is None
    broken = target()
    broken.bbox.size_x = math.nan
    assert box_values(broken) is None


def test_states_of_another_version_are_errors(feed):
    feed.on_target(target(state=99))
    assert feed.snapshot()['state'] == 'ERROR'
    feed.on_follower(SimpleNamespace(enabled=True, state=99, message='new'))
    assert feed.snapshot()['follower']['state'] == 'STANDING'


def test_the_follower_is_shown_until_it_falls_silent(feed, clock):
    feed.on_follower(SimpleNamespace(enabled=True, state=0, message='the range is not known'))
    assert feed.snapshot()['follower'] == {
        'enabled': True, 'state': 'STANDING', 'reason': 'the range is not known'}
    clock.now += 3.0
    assert feed.snapshot()['follower'] is None


def stamped(nanosec: int, sec: int = 1, **fields) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=sec, nanosec=nanosec)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), **fields)


def raw(image: np.ndarray) -> SimpleNamespace:
    return stamped(0, height=image.shape[0], width=image.shape[1], encoding='bgr8',
                   is_bigendian=0, step=image.shape[1] * 3, data=image.tobytes())


def compressed(image: np.ndarray, ending: str) -> SimpleNamespace:
    return stamped(0, format=ending, data=cv2.imencode(f'.{ending}', image)[1].tobytes())


def test_an_image_is_shown_with_the_answer_of_its_stamp():
    feed = ImageFeed()
    assert feed.add(stamped(1), 10.0) and feed.newest().target is None, 'nobody answers yet'
    assert not feed.answer(stamped(0), 10.0), 'of an image that was not seen'
    first, second = stamped(2), stamped(3)
    assert not feed.add(first, 10.1) and not feed.add(second, 10.2)
    assert feed.newest().message.header.stamp.nanosec == 1
    answer = stamped(3)
    assert feed.answer(answer, 10.3)
    assert feed.newest().message is second and feed.newest().target is answer
    assert not feed.answer(stamped(2), 10.3), 'an older image never comes back'


def test_an_answer_may_be_faster_than_its_image():
    feed, answers = ImageFeed(), [stamped(number) for number in range(1, 100)]
    for number, answer in enumerate(answers, 1):
        feed.answer(answer, 10.0)
        assert feed.add(stamped(number), 10.0) and feed.newest().target is answer
    for answer in answers:
        feed.answer(answer, 10.0)
    assert not feed.add(stamped(1), 10.1), 'too many to be kept'
    assert len(feed._early) == WAITING_IMAGES


def test_without_answers_images_are_shown_as_they_come():
    feed = ImageFeed()
    feed.answer(stamped(0), 10.0)
    assert not feed.add(stamped(1), 10.1)
    assert feed.add(stamped(2), 11.1)
    assert feed.newest().target is None and feed.newest().message.header.stamp.nanosec == 2


def test_images_that_are_never_answered_leave():
    feed = ImageFeed()
    feed.answer(stamped(0), 10.0)
    for number in range(1, 1000):
        feed.add(stamped(number), 10.1)
        feed.add(stamped(number), 10.1)
    assert len(feed._waiting) == WAITING_IMAGES
    assert feed.answer(stamped(995), 10.2)
    assert len(feed._waiting) == 4
    number = feed.newest().number
    feed.clear()
    assert feed.newest() is None and not feed._waiting
    feed.add(stamped(1), 20.0)
    assert feed.newest().number > number, 'no number is given twice'


def test_a_jpeg_of_the_right_size_is_left_as_it_is():
    image = np.full((240, 320, 3), 90, np.uint8)
    message = compressed(image, 'jpg')
    assert to_picture(message, PanelConfig(image_width=320)).jpeg == message.data
    smaller = to_picture(message, PanelConfig(image_width=160))
    assert smaller.size == (320, 240), 'boxes are in pixels of the camera'
    assert cv2.imdecode(np.frombuffer(smaller.jpeg, np.uint8), 1).shape == (120, 160, 3)


@pytest.mark.parametrize('make', [raw, lambda image: compressed(image, 'png')])
def test_other_images_are_encoded(make):
    image = np.zeros((60, 80, 3), np.uint8)
    image[:, :, 2] = 200
    picture = to_picture(make(image), PanelConfig(jpeg_quality=90))
    back = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), 1)
    assert picture.size == (80, 60) and back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() < 12


def test_the_wrong_encoding_of_a_driver_is_corrected():
    image = np.zeros((60, 80, 3), np.uint8)
    image[:, :, 2] = 200
    said_to_be_bgr = raw(image[:, :, ::-1].copy())
    picture = to_picture(said_to_be_bgr, PanelConfig(image_encoding_override='rgb8'))
    back = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), 1)
    assert np.abs(back.astype(int) - image).max() < 12


def test_what_cannot_be_read_is_reported():
    with pytest.raises(InputError):
        to_picture(stamped(0, format='jpeg', data=b'\xff\xd8 no image'), PanelConfig())
