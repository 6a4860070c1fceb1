"""A camera anywhere on the base: bearings and ranges against points carried by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from siamx_ros.control.mounting import ON_BASE, Mounting

LOOKING = {
    'ahead': (-0.5, 0.5, -0.5, 0.5), 'left': (-math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)),
    'back': (-0.5, -0.5, 0.5, 0.5), 'ahead, upside down': (-0.5, -0.5, -0.5, -0.5)}
"""Quaternions x, y, z, w of optical frames."""


def optical(mounting: Mounting, point) -> tuple[float, float, float]:
    """Bearing, elevation and range of a point of the base frame, seen by the camera."""
    x, y, z = mounting.rotation.T @ (np.asarray(point, float) - mounting.translation)
    return (-math.atan2(x, z), -math.atan2(y, math.hypot(x, z)),
            math.sqrt(x * x + y * y + z * z))


def test_a_camera_that_counts_as_the_base():
    assert ON_BASE.seen(0.3, 0.0, 2.0) == pytest.approx((0.3, 2.0))
    assert ON_BASE.seen(0.3, 0.4, 2.0) == pytest.approx((0.3, 2.0 * math.cos(0.4)))
    assert ON_BASE.rate(0.3, 0.1, 0.2) == pytest.approx(0.2)
    assert np.allclose(Mounting.from_quaternion((0, 0, 0), LOOKING['ahead']).rotation,
                       ON_BASE.rotation)


@pytest.mark.parametrize('way, point, bearing', [
    ('ahead', (3.0, 1.0, 0.5), math.atan2(1, 3)), ('left', (0.5, 3.0, 0.2), math.atan2(3, 0.5)),
    ('back', (-3.0, 1.0, 0.5), math.atan2(1, -3)),
    ('ahead, upside down', (3.0, 1.0, 0.5), math.atan2(1, 3))])
def test_a_point_is_where_it_is_however_the_camera_is_mounted(way, point, bearing):
    mounting = Mounting.from_quaternion((-0.2, 0.15, 1.1), LOOKING[way])
    seen = mounting.seen(*optical(mounting, point))
    assert seen == pytest.approx((bearing, math.hypot(*point[:2])))
    assert np.allclose(mounting.rotation @ mounting.rotation.T, np.eye(3))


@pytest.mark.parametrize('tilt', [0.3, -0.5])
def test_a_tilted_camera(tilt):
    """Turned about the base's y: down where positive."""
    half = np.array([[math.cos(tilt), 0, math.sin(tilt)], [0, 1, 0],
                     [-math.sin(tilt), 0, math.cos(tilt)]])
    mounting = Mounting(half @ ON_BASE.rotation, np.array([0.1, 0.0, 0.8]))
    seen = optical(mounting, (3.0, 1.0, 0.3))
    assert mounting.seen(*seen) == pytest.approx((math.atan2(1, 3), math.hypot(3, 1)))


def test_upside_down_turns_the_rate_round_and_no_range_leaves_the_direction():
    mounting = Mounting.from_quaternion((0, 0, 0.5), LOOKING['ahead, upside down'])
    assert mounting.rate(0.2, 0.0, 0.5) == pytest.approx(-0.5)
    bearing, distance = mounting.seen(0.2, 0.0, math.nan)
    assert bearing == pytest.approx(-0.2) and math.isnan(distance)
    assert math.isnan(mounting.seen(math.nan, 0.0, 2.0)[0])


def test_a_quaternion_need_not_be_of_unit_length():
    long = tuple(3 * part for part in LOOKING['back'])
    assert np.allclose(Mounting.from_quaternion((0, 0, 0), long).rotation,
                       Mounting.from_quaternion((0, 0, 0), LOOKING['back']).rotation)
