"""Eq. (9) on scripted trajectories."""

import math

import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.patch_geometry import SquareGeometry, StretchedGeometry
from siamx_ros.tracking.motion import (
    SMOOTH_GROWTH, SMOOTH_SHIFT, Observation, displacement, drifted_centre, goes_on, is_fast,
    is_steady, velocity)

FAST = TrackerConfig()
LITERAL = FAST.replace({'momentum_gate': 'confidence'})
IMAGE = (640, 480)


def seen(x, y, reliable=True, jumped=False, size=20.0):
    return Observation(BoundingBox.from_centre(x, y, size, size), reliable, jumped)


def test_displacement():
    history = [seen(100, 100), seen(130, 90)]
    assert displacement(history) == velocity(history) == pytest.approx((30, -10))


@pytest.mark.parametrize('history', [
    [seen(1, 1)], [seen(1, 1, reliable=False), seen(9, 9)],
    [seen(1, 1), seen(9, 9, reliable=False)],
    [seen(1, 1), seen(9, 9, jumped=True)], [seen(1, 1, jumped=True), seen(9, 9)]])
def test_no_displacement_without_two_reliable_steps(history):
    assert displacement(history) == (0, 0) and all(map(math.isnan, velocity(history)))


@pytest.mark.parametrize('history, place, expected', [
    ([seen(100, 100)], 100 + 19.9 * SMOOTH_SHIFT, True),
    ([seen(100, 100)], 100 + 20.1 * SMOOTH_SHIFT, False),
    ([seen(70, 100), seen(100, 100)], 130, True), ([seen(70, 100), seen(100, 100)], 100, True),
    ([seen(70, 100), seen(100, 100)], 115, False), ([seen(70, 100), seen(100, 100)], 70, False),
    ([seen(70, 100, reliable=False), seen(100, 100, reliable=False)], 130, True)])
def test_a_track_goes_on_at_rest_or_with_its_last_step(history, place, expected):
    """Relative to a target of 20 pixels; also while it is in doubt, when no velocity is known."""
    assert goes_on(history, BoundingBox.from_centre(place, 100, 20, 20)) == expected


@pytest.mark.parametrize('growth, expected', [
    (SMOOTH_GROWTH - 0.01, True), (SMOOTH_GROWTH + 0.01, False),
    (1 / SMOOTH_GROWTH + 0.01, True), (1 / SMOOTH_GROWTH - 0.01, False)])
def test_a_track_goes_on_at_about_its_size(growth, expected):
    box = BoundingBox.from_centre(100, 100, 20 * growth, 20 * growth)
    assert goes_on([seen(100, 100)], box) == expected


def test_fast_means_further_than_its_size_on_either_axis():
    box = BoundingBox(0, 0, 20, 40)
    assert is_fast((20.1, 0), box) and is_fast((0, -40.1), box)
    assert not is_fast((20, 40), box)


@pytest.mark.parametrize('history, steady', [
    ([seen(100, 100), seen(109, 91)], True),
    ([seen(100, 100), seen(110, 100)], False), ([seen(100, 100), seen(100, 90)], False),
    ([seen(100, 100)], False), ([seen(100, 100), seen(100, 100, reliable=False)], False),
    ([seen(100, 100), seen(100, 100, jumped=True)], False)])
def test_steady_is_known_to_move_less_than_an_eighth_of_the_window(history, steady):
    assert is_steady(history, 80.0, reach=40.0) == steady


@pytest.mark.parametrize('delay, steady', [(1.0, True), (1.9, True), (2.0, False)])
def test_steady_is_what_has_not_moved_far_by_now(delay, steady):
    assert is_steady([seen(100, 100), seen(105, 100)], 80.0, 40.0, delay) == steady


@pytest.mark.parametrize('reach, steady', [(10.1, True), (10.0, False)])
def test_steady_is_what_the_small_window_reaches_twice_over(reach, steady):
    assert is_steady([seen(100, 100), seen(105, 100)], 80.0, reach) == steady


@pytest.mark.parametrize('start, end, side, config, expected', [
    pytest.param(100, 130, 80.0, FAST, 160, id='fast'),
    pytest.param(100, 110, 80.0, FAST, 110, id='slow'),
    pytest.param(100, 110, 80.0, LITERAL, 120, id='whatever its speed'),
    pytest.param(100, 130, 80.0, FAST.replace({'momentum': 0.5}), 145, id='half the gain'),
    pytest.param(100, 300, 80.0, FAST, 330, id='the box stays in the window'),
    pytest.param(600, 635, 400.0, FAST, 640, id='the centre stays in the image')])
def test_the_window_drifts_with_the_last_step(start, end, side, config, expected):
    history = [seen(start, 100), seen(end, 100)]
    assert drifted_centre(history, (side, side), IMAGE, config) == pytest.approx((expected, 100))


@pytest.mark.parametrize('geometry', [SquareGeometry(), StretchedGeometry(2.0, 5.0)])
@pytest.mark.parametrize('step', [(200, 0), (0, 300), (-200, -300)])
def test_the_window_still_holds_the_last_box_whatever_its_shape(geometry, step):
    boxes = [BoundingBox.from_centre(*place, 30, 120)
             for place in ((2500, 2500), (2500 + step[0], 2500 + step[1]))]
    window = geometry.search_window(boxes[1], FAST.search_size)
    centre = drifted_centre([Observation(box, True, False) for box in boxes],
                            (window.width, window.height), (5000, 5000), FAST)
    assert centre != boxes[1].centre
    (x0, y0, x1, y1), last = window.moved_to(*centre).box.corners, boxes[1].corners
    assert x0 <= last[0] + 1e-6 and y0 <= last[1] + 1e-6 and last[2] <= x1 + 1e-6
    assert last[3] <= y1 + 1e-6
    for moved, length, side, along in zip(
            np.subtract(centre, boxes[1].centre), (window.width, window.height), (30, 120), step):
        assert abs(moved) == pytest.approx(min(abs(along), (length - side) / 2)), 'as far as it may'
