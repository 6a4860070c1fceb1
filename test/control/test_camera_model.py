"""Whether a camera_info is that of the images, and the rays of all models and parts of a sensor."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from siamx_ros.control.bearing import angles, range_from_height
from siamx_ros.control.box_height import Height
from siamx_ros.control.camera_model import CameraModel, same_frame
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox

DISTORTION = [-0.3, 0.1, 0.001, -0.002, 0.0]


def camera_info(*, width=640, height=480, frame_id='camera', bins=(0, 0), roi=(0, 0, 0, 0),
                capitals=False, **fields):
    """A message with focal lengths 500 and 510 of the full sensor."""
    matrix = [500.0, 0.0, 331.5, 0.0, 510.0, 235.5, 0.0, 0.0, 1.0]
    letters = {'k': matrix, 'd': DISTORTION, 'p': [
        480.0, 0.0, 325.5, -30.0, 0.0, 490.0, 236.5, 0.0, 0.0, 0.0, 1.0, 0.0]}
    x, y, w, h = roi
    return SimpleNamespace(
        header=SimpleNamespace(frame_id=frame_id), width=width, height=height,
        distortion_model=fields.pop('distortion_model', 'plumb_bob'), binning_x=bins[0],
        binning_y=bins[1],
        roi=SimpleNamespace(x_offset=x, y_offset=y, width=w, height=h), **fields,
        **{name.upper() if capitals else name: value for name, value in letters.items()
           if name not in fields})


@pytest.mark.parametrize('bins, roi, size', [
    ((0, 0), (0, 0, 0, 0), (640, 480)), ((1, 1), (0, 0, 640, 480), (640, 480)),
    ((2, 2), (0, 0, 0, 0), (320, 240)), ((4, 2), (0, 0, 0, 0), (160, 240)),
    ((0, 0), (100, 50, 320, 240), (320, 240)), ((2, 2), (100, 50, 321, 241), (160, 120)),
    ((2, 2), (100, 50, 321, 241), (161, 121))])
@pytest.mark.parametrize('rectified', [False, True])
def test_a_part_of_the_sensor_sees_along_the_rays_of_the_whole(bins, roi, size, rectified):
    """Edge x of the part is edge roi.x + x * binning of the sensor."""
    full = CameraModel.from_camera_info(camera_info(), 640, 480, 'camera', rectified=rectified)
    part = CameraModel.from_camera_info(
        camera_info(bins=bins, roi=roi), *size, 'camera', rectified=rectified)
    for x, y in ((0.0, 0.0), (37.5, 81.0), (150.0, 119.5)):
        on_sensor = roi[0] + x * max(1, bins[0]), roi[1] + y * max(1, bins[1])
        assert np.isfinite(part.ray(x, y)).all()
        np.testing.assert_allclose(part.ray(x, y), full.ray(*on_sensor), atol=1e-5)


@pytest.mark.parametrize('fields, size, sentence', [
    ({'width': 1280, 'height': 960}, (640, 480),
     'camera_info is for 1280x960, the images are 640x480'),
    ({'bins': (2, 2)}, (640, 480),
     'camera_info is for 320x240 (binning 2x2 of 640x480), the images are 640x480'),
    ({'roi': (0, 0, 320, 240)}, (640, 480), 'camera_info is for 320x240, the images are 640x480'),
    ({'roi': (100, 50, 640, 480)}, (640, 480), 'the region of interest of camera_info, 640x480 at '
     '(100, 50), does not lie in its 640x480'),
    ({'frame_id': 'depth'}, (640, 480), "camera_info is in frame 'depth', the images in 'camera'"),
    ({'k': [0.0] * 9}, (640, 480), 'camera_info is not calibrated: focal length in K or size is '
     'not positive'),
    ({'width': 0, 'height': 0}, (640, 480), 'camera_info is not calibrated: focal length in K or '
     'size is not positive'),
    ({'d': [0.1] * 3}, (640, 480),
     "camera_info has 3 distortion coefficients for the model 'plumb_bob'"),
    ({'d': [0.1] * 100}, (640, 480),
     "camera_info has 100 distortion coefficients for the model 'plumb_bob'"),
    ({'d': [math.nan] * 5}, (640, 480), 'camera_info holds numbers that are not finite'),
    ({'d': [0.1] * 3, 'distortion_model': 'equidistant'}, (640, 480),
     "camera_info has 3 distortion coefficients for the model 'equidistant'")])
def test_a_camera_info_that_is_not_the_images_is_refused(fields, size, sentence):
    with pytest.raises(InputError) as refusal:
        CameraModel.from_camera_info(camera_info(**fields), *size, 'camera')
    assert str(refusal.value) == sentence


def test_ros_1_writes_capitals_and_a_slash():
    old = CameraModel.from_camera_info(
        camera_info(capitals=True, frame_id='/camera'), 640, 480, 'camera')
    new = CameraModel.from_camera_info(camera_info(), 640, 480, 'camera')
    assert old.ray(10, 20) == new.ray(10, 20)


@pytest.mark.parametrize('first, second, same', [
    ('a', 'a', True), ('/a', 'a', True), ('', 'a', True), ('a', '', True), ('a', 'b', False),
    ('a/b', 'b', False)])
def test_frames_that_may_be_one(first, second, same):
    assert same_frame(first, second) == same


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
