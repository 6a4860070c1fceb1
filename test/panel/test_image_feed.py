"""The images that the page shows: each waits for its answer, and none for ever."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
from exif import oriented
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.panel.image_feed import (
    EARLY_ANSWERS, WAITING_BYTES, WAITING_IMAGES, ImageFeed, Shown, to_picture)
from siamx_ros.panel.panel_config import PanelConfig


def stamped(nanosec: int, sec: int = 1, **fields) -> SimpleNamespace:
    stamp = SimpleNamespace(sec=sec, nanosec=nanosec)
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp), **{'data': b'', **fields})


def raw(image: np.ndarray) -> SimpleNamespace:
    return stamped(0, height=image.shape[0], width=image.shape[1], encoding='bgr8',
                   is_bigendian=0, step=image.shape[1] * 3, data=image.tobytes())


def compressed(image: np.ndarray, ending: str) -> SimpleNamespace:
    return stamped(0, format=ending, data=cv2.imencode(f'.{ending}', image)[1].tobytes())


def test_an_image_is_shown_with_the_answer_of_its_stamp():
    feed = ImageFeed()
    assert feed.add(stamped(1), 10.0) and feed.newest().target is None, 'nobody answers yet'
    assert feed.answer(stamped(1), 10.0) and feed.newest().target is not None, 'but now'
    first, second = stamped(2), stamped(3)
    assert not feed.add(first, 10.1) and not feed.add(second, 10.2)
    assert feed.newest().message.header.stamp.nanosec == 1
    answer = stamped(3)
    assert feed.answer(answer, 10.3)
    assert feed.newest().message is second and feed.newest().target is answer
    assert not feed.answer(stamped(2), 10.3), 'an older image never comes back'
    assert not feed.answer(stamped(3), 10.3), 'and none twice'


def test_an_answer_may_be_faster_than_its_image():
    feed, answers = ImageFeed(), [stamped(number) for number in range(1, 100)]
    for number, answer in enumerate(answers, 1):
        feed.answer(answer, 10.0)
        assert feed.add(stamped(number), 10.0) and feed.newest().target is answer
    for number in range(101, 200):
        feed.answer(stamped(number), 10.0)
    assert not feed.add(stamped(101), 10.1), 'too many to be kept'
    assert len(feed._early) == EARLY_ANSWERS


def test_without_answers_images_are_shown_as_they_come():
    feed = answered_feed()
    assert not feed.add(stamped(1), 10.1)
    assert feed.add(stamped(2), 11.1)
    assert feed.newest().target is None and feed.newest().message.header.stamp.nanosec == 2


def answered_feed() -> ImageFeed:
    """A feed of which one image was answered at 10.0."""
    feed = ImageFeed()
    feed.add(stamped(0), 10.0)
    feed.answer(stamped(0), 10.0)
    return feed


def shows(feed: ImageFeed, rate: float, each: float, start: float = 0.0, *,
          other_camera: bool = False) -> list[tuple[float, Shown]]:
    """What is shown, and when, within 20 s.

    Args:
        rate: images of the camera per second.
        each: how long the tracker takes, seconds; it then takes the newest image, or the next.
        other_camera: whether the tracker sees another camera, with stamps of its own.
    """
    count, free, taken = round(20 * rate), 0.0, []
    while free < 20:
        number = int(free * rate + 1e-6)
        taken.append((start + free + each, 1, number))
        free = max(free + each, (number + 1) / rate)
    shown = []
    for now, is_answer, number in sorted(
            [(start + number / rate, 0, number) for number in range(count)] + taken):
        message = stamped(number, int(start) + (is_answer and other_camera))
        if (feed.answer if is_answer else feed.add)(message, now):
            shown.append((now, feed.newest()))
    for _, one in shown:
        assert one.target is None or one.target.header == one.message.header, 'a wrong box'
    return shown


@pytest.mark.parametrize('rate, each', [(30, 0.05), (30, 0.26), (30, 0.3), (60, 0.2), (30, 0.5),
                                        (15, 0.9), (0.4, 0.2)])
def test_a_tracker_may_take_its_time(rate, each):
    """Up to :data:`ANSWER_PATIENCE_S`, and however many images come meanwhile."""
    shown = [(now, one) for now, one in shows(ImageFeed(), rate, each) if now > 3]
    period = max(each, 1 / rate)
    assert len([one for _, one in shown if one.target]) >= 17 / (period + 1 / rate) - 1
    assert rate < 1 or all(one.target for _, one in shown)


@pytest.mark.parametrize('each, other_camera', [(1.5, False), (0.1, True), (0.3, True)])
def test_images_whose_answers_come_too_late_or_never_are_shown_as_they_come(each, other_camera):
    shown = shows(answered_feed(), 30, each, 10.1, other_camera=other_camera)
    late = [one for now, one in shown if now > 11.1]
    assert len(late) >= 18.9 * 30 - 1 and not any(one.target for one in late)


@pytest.mark.parametrize('each', [0.05, 0.3, 0.8])
def test_a_tracker_that_is_back_is_waited_for_again(each):
    feed = answered_feed()
    shows(feed, 30, 0.1, 100.0, other_camera=True)
    shown = shows(feed, 30, each, 200.0)
    assert all(one.target for now, one in shown if now > 200 + 2 * each)
    assert len(shown) > 18 / (each + 1 / 30)


def test_images_that_wait_are_bounded_by_their_age_and_their_size():
    feed = answered_feed()
    for number in range(1, 3000):
        feed.add(stamped(number), 10 + number / 500)
    assert len(feed._recent) == 501, 'those of the last second'
    feed, large, larger = answered_feed(), bytes(WAITING_BYTES // 20), bytes(WAITING_BYTES)
    for number in range(1, 100):
        feed.add(stamped(number, data=large), 10.1)
    assert len(feed._recent) == 20
    for number in range(100, 120):
        feed.add(stamped(number, data=larger), 10.1)
    assert len(feed._recent) == WAITING_IMAGES, 'however large they are'


def test_nothing_is_left_after_the_last_page_is_closed():
    feed = answered_feed()
    for number in range(1, 9):
        feed.add(stamped(number), 10.1)
    assert feed.answer(stamped(4), 10.2)
    number = feed.newest().number
    feed.clear()
    assert feed.newest() is None and not feed.answer(stamped(7), 10.3)
    feed.add(stamped(1), 20.0)
    assert feed.newest().number > number, 'no number is given twice'


def test_a_jpeg_of_the_right_size_is_left_as_it_is():
    image = np.full((240, 320, 3), 90, np.uint8)
    message = compressed(image, 'jpg')
    assert to_picture(message, PanelConfig(image_width=320)).jpeg == message.data
    smaller = to_picture(message, PanelConfig(image_width=160))
    assert smaller.size == (320, 240), 'boxes are in pixels of the camera'
    assert cv2.imdecode(np.frombuffer(smaller.jpeg, np.uint8), 1).shape == (120, 160, 3)


def test_a_browser_does_not_turn_a_jpeg():
    image = np.full((240, 320, 3), 90, np.uint8)
    jpeg = bytes(compressed(image, 'jpg').data)
    on_its_side = SimpleNamespace(data=oriented(jpeg), format='jpeg')
    whole = to_picture(on_its_side, PanelConfig(image_width=320))
    assert whole.jpeg == jpeg and whole.size == (320, 240)
    smaller = to_picture(on_its_side, PanelConfig(image_width=160))
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
