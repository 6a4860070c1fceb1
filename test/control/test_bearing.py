"""Rays of fisheye cameras: right where there is one, unknown where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from siamx_ros.control.bearing import Camera, angles


def fisheye(focal: float, d: list[float]) -> Camera:
    k = [focal, 0.0, 640.0, 0.0, focal, 360.0, 0.0, 0.0, 1.0]
    return Camera.from_calibration(1280, 720, k, d, 'equidistant')


@pytest.mark.parametrize('degrees', [0.0, 10.0, 45.0, 70.0, 85.0])
def test_angles_follow_the_model(degrees):
    """theta_d = theta (1 + k1 theta^2 + ...), to the right of the middle."""
    theta, d = math.radians(degrees), [-0.02, 0.01, -0.02, 0.004]
    bent = theta * (1 + sum(k * theta ** (2 * i) for i, k in enumerate(d, 1)))
    bearing, elevation = angles(fisheye(280.0, d).ray(640.5 + 280.0 * bent, 360.5))
    assert bearing == pytest.approx(-theta, abs=1e-3) and elevation == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('focal, d, x', [
    (400.0, [-0.1, 0.0, 0.0, 0.0], 1200.0), (280.0, [-0.02, 0.01, -0.02, 0.004], 1100.0),
    (200.0, [0.0] * 4, 1000.0)])
def test_a_point_without_a_ray_forwards_is_unknown(focal, d, x):
    """Never the other side: a robot would turn away from its target."""
    assert np.isnan(fisheye(focal, d).ray(x, 360.5)).all()
