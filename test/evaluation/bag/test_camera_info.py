"""Which calibration belongs to the images of a bag, and the directions that it gives."""

from bag_command import RANDOM, evaluate, rows, summary
import cv2
import numpy as np
import pytest

from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.camera_info import CAMERA_INFO, camera_info_topic, find_camera
from siamx_ros.evaluation.bag.frame_table import frame_table
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.writer import BagWriter

IMAGES = '/camera/image/compressed'
BESIDE = '/camera/camera_info'
WIDTH, HEIGHT, FOCAL = 64, 48, 50.0
DISTORTION = [-0.4, 0.2, 0.0, 0.0, 0.0]


def info(width=WIDTH, height=HEIGHT, focal=FOCAL, frame='camera', binning=0, distortion=(0.0,) * 5,
         projection=0.0):
    types = messages.typestore().types
    centre = width / 2 - 0.5, height / 2 - 0.5
    k = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    p = np.zeros((3, 4))
    p[:, :3] = k
    p[0, 0] = p[1, 1] = projection
    return types[CAMERA_INFO](
        header=messages.header(1, frame), height=height, width=width,
        distortion_model='plumb_bob', d=np.array(distortion), k=k.reshape(-1),
        r=np.eye(3).reshape(-1), p=p.reshape(-1), binning_x=binning, binning_y=binning,
        roi=types['sensor_msgs/msg/RegionOfInterest'](
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False))


@pytest.fixture
def with_infos(tmp_path, bag):
    """Makes a bag with camera_info messages: topic -> list of messages."""
    def make(infos):
        path = tmp_path / 'with_infos'
        with Bag(bag) as source, BagWriter(path) as writer:
            for topic, kind in source.topics.items():
                writer.add_topic(topic, kind)
                for time, raw, connection in source.messages(topic):
                    writer.write(topic, time, source.decode(raw, connection))
            for topic, each in infos.items():
                writer.add_topic(topic, CAMERA_INFO)
                for number, message in enumerate(each):
                    writer.write(topic, number + 1, message)
        return path
    return make


def found(path, **options):
    with Bag(path) as bag:
        return find_camera(bag, IMAGES, frame_table(bag, IMAGES), **options)


@pytest.mark.parametrize('messages_', [
    [info()], [info(binning=4, width=256, height=192, focal=200.0)], [info(frame='')],
    [info(frame='/camera')], [info(focal=0.0), info()]])
def test_the_calibration_of_these_images(with_infos, messages_):
    """Also of a sensor that is binned, of ROS 1, and when the driver was not ready at first."""
    camera = found(with_infos({BESIDE: messages_}))
    assert (camera.topic, camera.problem) == (BESIDE, '')
    np.testing.assert_allclose(camera.model.ray(WIDTH / 2, HEIGHT / 2), 0, atol=1e-9)
    assert camera.model.ray(WIDTH / 2 + 10, HEIGHT / 2)[0] == pytest.approx(10 / FOCAL)


@pytest.mark.parametrize('message, sentence', [
    (info(width=256, height=192, focal=200.0),
     'camera_info is for 256x192, the images are 64x48'),
    (info(frame='depth'), "camera_info is in frame 'depth', the images in 'camera'"),
    (info(focal=0.0), 'camera_info is not calibrated')])
def test_a_calibration_that_is_not_the_images(with_infos, caplog, message, sentence):
    camera = found(with_infos({BESIDE: [message], '/other/camera_info': [info()]}))
    assert camera.model is None and camera.topic == ''
    assert f'{BESIDE}: {sentence}' in camera.problem and camera.problem in caplog.text


def test_a_calibration_elsewhere_counts_if_it_alone_fits(with_infos, caplog):
    depth, left = info(width=848, height=480), info()
    assert found(with_infos({'/depth/camera_info': [depth], '/left': [left]})).topic == '/left'
    assert 'not evaluated' not in caplog.text


def test_of_two_calibrations_that_fit_none_is_guessed(with_infos):
    camera = found(with_infos({'/right': [info()], '/left': [info(focal=60.0)]}))
    assert camera.model is None and camera.problem == (
        f'/left and /right fit the images, and none is {BESIDE}')


def test_rectified_images_have_a_projection(with_infos):
    path = with_infos({BESIDE: [info(distortion=DISTORTION, projection=40.0)]})
    assert found(path, rectified=True).model.ray(42, 24)[0] == pytest.approx(10 / 40)


def test_where_the_calibration_of_images_is():
    assert camera_info_topic('/image_raw') == '/camera_info'
    assert camera_info_topic('/front/color/image_raw/compressed') == '/front/color/camera_info'


def test_errors_of_the_direction_are_those_of_this_camera(tmp_path, with_infos, static):
    """Of a lens with distortion, against OpenCV's own undistortion of the centres."""
    message = info(distortion=DISTORTION)
    path, out = with_infos({BESIDE: [message]}), tmp_path / 'out'
    assert evaluate(path, *RANDOM, '--out', out) == 0
    lines = rows(out)
    boxes = np.array([[float(cell) for cell in row[2:6] + row[14:18]] for row in lines[1:]])
    boxes = boxes[np.isfinite(boxes).all(1)]
    centres = boxes.reshape(-1, 2, 4)[..., :2] + boxes.reshape(-1, 2, 4)[..., 2:] / 2 - 0.5
    rays = cv2.undistortPoints(
        centres.reshape(-1, 1, 2), message.k.reshape(3, 3), np.array(DISTORTION))
    angles = np.degrees(np.arctan(rays[:, 0, 0])).reshape(-1, 2)
    expected = np.median(np.abs(angles[:, 0] - angles[:, 1]))
    found = summary(out)
    assert found['camera'] == {'from': BESIDE, 'problem': None}
    with Bag(out / 'bag') as results:
        bearings = [results.decode(raw, connection).bearing
                    for _, raw, connection in results.messages('/siamx_tracker/target')]
    np.testing.assert_allclose(np.degrees(bearings[1:])[:len(angles)], -angles[0, 0], atol=0.02)
    median = found['figures']['bearing']['bearing_error_median_deg']
    assert median == pytest.approx(expected, abs=0.02) and median > 1


def test_without_a_calibration_there_are_no_directions(tmp_path, with_infos, static):
    out = tmp_path / 'out'
    path = with_infos({BESIDE: [info(frame='depth')]})
    assert evaluate(path, *RANDOM, '--out', out) == 0
    found = summary(out)
    assert 'bearing' not in found['figures'] and "frame 'depth'" in found['camera']['problem']
