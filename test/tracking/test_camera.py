"""The shift of the whole image by the camera's motion."""

import cv2
import numpy as np
import pytest

from siamx_ros.reduced_image import ReducedImage
from siamx_ros.tracking.camera import CameraShift


@pytest.fixture(scope='module')
def wall():
    """900 x 500 pixels of blobs of about 15 pixels."""
    blobs = np.random.default_rng(1).integers(0, 255, (34, 60, 3), np.uint8)
    return cv2.resize(blobs, (900, 500), interpolation=cv2.INTER_CUBIC)


def part(wall, x, y):
    return np.ascontiguousarray(wall[y:y + 400, x:x + 600])


@pytest.mark.parametrize('dx, dy', [(0, 0), (12, 0), (-35, 5), (20, 45)])
def test_a_camera_that_turns_moves_all_that_stands_still(wall, dx, dy):
    camera = CameraShift()
    for image in (part(wall, 100, 20), part(wall, 100 - dx, 20), part(wall, 100 - dx, 20 + dy)):
        camera.see(image)
    assert camera.total == pytest.approx((dx, -dy), abs=1.0)


def test_who_walks_through_a_still_picture_does_not_move_it(wall):
    camera = CameraShift()
    for step in range(10):
        image = part(wall, 100, 20)
        image[100:300, 20 + 30 * step:120 + 30 * step] = (30, 90, 200)
        camera.see(image)
    assert camera.total == pytest.approx((0, 0), abs=5.0), 'of 270 that he walks'


def test_another_picture_and_one_without_anything_are_no_shift(wall):
    camera = CameraShift()
    camera.see(part(wall, 100, 20))
    camera.see(np.full((400, 600, 3), 90, np.uint8))
    camera.see(np.full((400, 600, 3), 90, np.uint8))
    camera.see(np.random.default_rng(2).integers(0, 255, (400, 600, 3), np.uint8))
    assert camera.total == pytest.approx((0, 0), abs=0.5)


def test_blocks_of_pixels_do_in_their_place(wall):
    camera = CameraShift()
    for x in (100, 80, 60):
        blocks = cv2.resize(part(wall, x, 20), (150, 100), interpolation=cv2.INTER_AREA)
        camera.see(ReducedImage(blocks, 4, (600, 400)))
    assert camera.total == pytest.approx((40, 0), abs=1.5)
    total = camera.total
    camera.see(ReducedImage(cv2.resize(part(wall, 20, 20), (75, 50)), 8, (600, 400)))
    assert camera.total == total, 'blocks of another size: the next image goes on'


@pytest.mark.parametrize('shape', [(1, 600, 3), (400, 1, 3), (2, 2, 3)])
def test_a_line_of_pixels_is_an_image(shape):
    camera = CameraShift()
    for _ in range(2):
        camera.see(np.full(shape, 90, np.uint8))
    assert camera.total == pytest.approx((0, 0), abs=1e-6)


def test_it_says_whether_images_could_be_compared(wall):
    camera = CameraShift()
    whole = part(wall, 100, 20)
    blocks = ReducedImage(cv2.resize(whole, (75, 50)), 8, (600, 400))
    assert [camera.see(image) for image in (whole, whole, blocks, blocks, whole)] == [
        False, True, False, True, False]


def test_whole_images_and_blocks_are_not_compared_even_if_their_views_are_of_one_size(wall):
    camera = CameraShift()
    whole = cv2.resize(wall, (1920, 1080))
    for factor in (1, 8, 4, 1):
        size = 1920 // factor, 1080 // factor
        image = whole if factor == 1 else ReducedImage(
            cv2.resize(whole, size, interpolation=cv2.INTER_AREA), factor, (1920, 1080))
        assert not camera.see(image), factor
    assert camera.total == (0.0, 0.0)
