"""Rays: of a fisheye camera right or unknown, of a rectified image those of P."""

from __future__ import annotations

import math

import numpy as np
import pytest

from siamx_ros.control.bearing import angles, range_from_height
from siamx_ros.control.box_height import Height
from siamx_ros.control.camera_model import CameraModel
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox

K = [500.0, 0.0, 319.5, 0.0, 500.0, 239.5, 0.0, 0.0, 1.0]
D = [-0.35, 0.0, 0.0, 0.0, 0.0]
P = [420.0, 0.0, 319.5, 0.0, 0.0, 420.0, 239.5, 0.0, 0.0, 0.0, 1.0, 0.0]


def fisheye(focal: float, d: list[float]) -> CameraModel:
    k = [focal, 0.0, 640.0, 0.0, focal, 360.0, 0.0, 0.0, 1.0]
    return CameraModel.from_calibration(1280, 720, k, d, 'equidistant')


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


@pytest.mark.parametrize('baseline', [0.0, -50.0])
def test_raw_and_rectified_image_give_one_bearing(baseline):
    """Column 550 rectified: atan(230.5 / 420) = 28.76 degrees to the right, so -28.76."""
    slope = 230.5 / 420
    raw_column = 319.5 + 500 * slope * (1 - 0.35 * slope ** 2)
    rectified = CameraModel.from_projection(640, 480, [*P[:3], baseline, *P[4:]])
    raw = CameraModel.from_calibration(640, 480, K, D, 'plumb_bob')
    bearing, elevation = angles(rectified.ray(550.5, 240.0))
    assert math.degrees(bearing) == pytest.approx(-28.76, abs=0.01) and elevation == 0
    assert angles(raw.ray(raw_column + 0.5, 240.0))[0] == pytest.approx(bearing, abs=1e-4)


@pytest.mark.parametrize('x, y, known', [
    (320.0, 240.0, True), (520.0, 380.0, True), (600.0, 60.0, False), (620.0, 40.0, False)])
def test_a_pinhole_model_is_not_used_beyond_where_it_turns_back(x, y, known):
    camera = CameraModel.from_calibration(
        640, 480, [320.0, 0, 319.5, 0, 320.0, 239.5, 0, 0, 1], [-0.33, 0.12, 0, 0, -0.02],
        'plumb_bob')
    assert np.isfinite(camera.ray(x, y)).all() == known
    distance, _ = range_from_height(camera, BoundingBox(x - 5, y - 20, 10, 40),
                                    Height(1.8, 0.1))
    assert math.isfinite(distance) == known and not distance > 100


@pytest.mark.parametrize('model', ['', 'double_sphere', 'omni'])
def test_the_coefficients_of_an_unknown_model_are_refused(model):
    with pytest.raises(InputError, match=f"distortion model '{model}'; known: plumb_bob"):
        CameraModel.from_calibration(640, 480, K, D[:4], model)
    assert CameraModel.from_calibration(640, 480, K, [0.0] * 4, model).ray(319.5, 240)[1] == 0


@pytest.mark.parametrize('model', ['Equidistant', 'kannala_brandt4'])
def test_other_names_of_the_fisheye_model(model):
    assert CameraModel.from_calibration(640, 480, K, D[:4], model).fisheye


@pytest.mark.parametrize('p, words', [
    ([0.0] * 12, 'focal length in P'), ([math.nan, *P[1:]], 'not finite')])
def test_a_p_that_is_not_filled_in_is_refused(p, words):
    with pytest.raises(InputError, match=words):
        CameraModel.from_projection(640, 480, p)
