"""Images wait for the answer with their stamp, and never pile up."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.panel.image_feed import WAITING_IMAGES, ImageFeed, to_picture


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
    image = np.full((60, 80, 3), 90, np.uint8)
    message = compressed(image, 'jpg')
    assert to_picture(message, 80, 50).jpeg == message.data
    smaller = to_picture(message, 40, 50)
    assert smaller.size == (80, 60), 'boxes are in pixels of the camera'
    assert cv2.imdecode(np.frombuffer(smaller.jpeg, np.uint8), 1).shape == (30, 40, 3)


@pytest.mark.parametrize('make', [raw, lambda image: compressed(image, 'png')])
def test_other_images_are_encoded(make):
    image = np.zeros((60, 80, 3), np.uint8)
    image[:, :, 2] = 200
    picture = to_picture(make(image), 960, 90)
    back = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), 1)
    assert picture.size == (80, 60) and back.shape == image.shape
    assert np.abs(back.astype(int) - image).max() < 12


def test_what_cannot_be_read_is_reported():
    with pytest.raises(InputError):
        to_picture(stamped(0, format='jpeg', data=b'\xff\xd8 no image'), 960, 90)
