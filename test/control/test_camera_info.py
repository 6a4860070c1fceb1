"""Whether a camera_info is that of the images, and the rays it gives for a part of the sensor."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from siamx_ros.control.camera_model import CameraModel, same_frame
from siamx_ros.errors import InputError

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
