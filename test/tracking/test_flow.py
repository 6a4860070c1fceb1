"""Optical flow from one sight of the target to the next, on patches whose motion is known."""

from dataclasses import replace
import math

import cv2
import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.image_region import cut_region
from siamx_ros.imaging import crop
from siamx_ros.tracking import flow
from siamx_ros.tracking.flow import Sight, is_carried
from siamx_ros.tracking.tracker import Tracker

FILL = (90.0, 90.0, 90.0)
BOX = BoundingBox(290, 210, 60, 60)


def texture(height, width, seed):
    """Blurred noise, BGR."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.convertScaleAbs(cv2.GaussianBlur(noise, (0, 0), 2), alpha=3, beta=-256)


GROUND, TARGET = texture(480, 640, 1), texture(60, 60, 2)


def scene(box=BOX, target=TARGET, turned=0.0):
    """The target in a box before the ground, turned by degrees about its centre."""
    size = round(box.w), round(box.h)
    turn = cv2.getRotationMatrix2D(((size[0] - 1) / 2, (size[1] - 1) / 2), turned, 1)
    shown = cv2.warpAffine(cv2.resize(target, size), turn, size, borderMode=cv2.BORDER_REFLECT_101)
    image = GROUND.copy()
    image[round(box.y):round(box.y) + size[1], round(box.x):round(box.x) + size[0]] = shown
    return image


def window_around(box, side=207):
    """A search window three times as large as the box, stretched like it."""
    return CropWindow(*box.centre, 3 * math.sqrt(box.area), side, math.sqrt(box.w / box.h))


def sight(image, box, window):
    return Sight.of(crop(image, window, FILL), window, box)


FIRST = sight(scene(), BOX, window_around(BOX))
MOVED = BoundingBox(300, 203, 60, 60)
GROWN = BoundingBox(287, 208, 66, 66)
AWAY = BoundingBox(330, 250, 60, 60)


@pytest.mark.parametrize('image, box, window, carried', [
    pytest.param(scene(MOVED), MOVED, window_around(BOX), True, id='moved'),
    pytest.param(scene(MOVED), MOVED, window_around(MOVED), True, id='and the window with it'),
    pytest.param(scene(MOVED), MOVED, window_around(MOVED, 255), True, id='a larger patch'),
    pytest.param(scene(GROWN), GROWN, window_around(GROWN), True, id='grown'),
    pytest.param(scene(turned=12), BOX, window_around(BOX), True, id='turned'),
    pytest.param((0.9 * scene()).astype(np.uint8), BOX, window_around(BOX), True, id='darker'),
    pytest.param(scene(), AWAY, window_around(BOX), False, id='elsewhere'),
    pytest.param(scene(target=texture(60, 60, 3)), BOX, window_around(BOX), False,
                 id='another one in its place'),
    pytest.param(scene(target=TARGET[::-1]), BOX, window_around(BOX), False, id='upside down'),
    pytest.param(scene(), BoundingBox(260, 180, 120, 120), window_around(BOX), False,
                 id='a box twice as large around what stayed')])
def test_a_target_is_carried_where_its_pixels_went(image, box, window, carried):
    assert is_carried(FIRST, sight(image, box, window)) is carried


def test_nothing_is_carried_from_or_to_what_is_not_known():
    assert not is_carried(None, FIRST) and not is_carried(FIRST, None)
    assert is_carried(FIRST, FIRST)


@pytest.mark.parametrize('box', [
    BOX, BoundingBox(300, 220, 1e-3, 1e-3), BoundingBox(5000, 5000, 30, 30)])
def test_what_shows_nothing_to_follow_is_not_carried(box):
    even = Sight.of(np.full((207, 207, 3), 90, np.uint8), window_around(BOX), box)
    assert not is_carried(even, even)


def test_points_do_not_come_back_from_what_never_showed_them():
    """Half a size off on average: they go where chance leads, which is not told the way back."""
    points, errors = flow._grid(FIRST.inside), []
    for seed in range(10):
        first, second = (texture(207, 207, 2 * seed + each)[:, :, 0] for each in range(2))
        errors.append(np.median(flow._there_and_back(first, second, points, points)[1]))
    assert np.mean(errors) > 0.4 * FIRST.inside.w


def test_a_moved_box_is_where_its_points_went_but_for_a_few():
    points = flow._grid(BOX)
    found = 1.2 * (points - np.array(BOX.centre)) + np.array(BOX.centre) + (7, -4)
    found[:20] += 500
    moved = flow._moved(BOX, points, found.astype(np.float32))
    assert moved.centre == pytest.approx((327, 236), abs=3)
    assert moved.w / BOX.w == pytest.approx(1.2, abs=0.15)
    assert flow._moved(BOX, points, np.zeros_like(points)).area > 0


def test_a_sight_is_of_its_image_whatever_becomes_of_that():
    """A camera may write its next image into the same memory."""
    image, window = scene(), window_around(BOX)
    kept, region = sight(image, BOX, window), Sight.of(cut_region(image, window, FILL), window, BOX)
    before = kept.grey.copy(), region.grey.copy()
    image[:] = 0
    assert np.array_equal(kept.grey, before[0]) and np.array_equal(region.grey, before[1])


@pytest.mark.parametrize('window', [
    window_around(BOX), window_around(BoundingBox(-20, 3.3, 150, 90)),
    replace(window_around(BOX), side=500.0), CropWindow(320, 240, 200, 100).on_pixels()])
def test_a_region_looks_like_the_patch_that_is_made_of_it(window):
    image = scene()
    patch, region = (Sight.of(cut(image, window, FILL), window, BOX) for cut in (crop, cut_region))
    assert patch.grey.shape == region.grey.shape
    assert np.abs(patch.grey.astype(int) - region.grey).mean() < 1.5


def patterned(number, seed):
    """A red square of 40 pixels, whose green makes a pattern, on grey; it moves."""
    image, x, y = np.full((480, 640, 3), 100, np.uint8), 185 + 5 * number, 183 + 3 * number
    image[y:y + 40, x:x + 40] = 0, 0, 255
    image[y:y + 40, x:x + 40, 1] = texture(40, 40, seed)[:, :, 1]
    return image


@pytest.mark.parametrize('settings, lost, states', [
    ({}, False, 'TTTTUU'), ({'n_flow': 0}, False, 'TTUUUU'), ({'n_flow': 1}, False, 'TTTUUU'),
    ({}, True, 'TTUUUU')])
def test_a_doubtful_target_is_tracked_while_its_pixels_move_along(engine, settings, lost, states):
    """Confidence falls with the third image; with the fifth, something else is in its place."""
    confidences = iter([0.95] * 3 * lost + [0.95, 0.95, 0.3, 0.3, 0.3, 0.3])
    config = TrackerConfig().replace({
        'online_weight': 0.0, 'n_doubt': 0, 'backward_every': 0, 'n_confirm': 2, **settings})
    tracker = Tracker(engine, config, lambda *indicators: next(confidences))
    tracker.init(patterned(0, 1), BoundingBox(185, 183, 40, 40))
    if lost:
        tracker.lose()
        assert [tracker.update(patterned(0, 1)).valid for _ in range(3)] == [False, True, True]
    found = [tracker.update(patterned(number, 1 if number < 5 else 2)) for number in range(1, 7)]
    assert ''.join(result.state.name[0] for result in found) == states
