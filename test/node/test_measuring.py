"""Bearing, range and pose over DDS: right numbers, NaN where nothing is known."""

from __future__ import annotations

import math
import time

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from measuring_rig import (
    BOX, FOCAL, calibrate, publish_depth, seen, show_depth, until, with_depth, with_info)
from node_rig import SCRIPTED_NODE
import numpy as np
import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

from siamx_ros.client.probe import BEST_EFFORT
from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import TrackedTarget as T
from siamx_ros.qos import latched

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def shared(make_rig):
    """A node that uses depth, with publishers of depth and calibration, and a pose listener."""
    rig = with_depth(with_info(make_rig({'use_depth': True, 'depth_slop': 0.04})))
    rig.probe.listen(PoseStamped, f'{rig.namespace}/siamx_tracker/target_pose', 10)
    return rig


def test_unknown_is_nan_never_zero(make_rig):
    rig = make_rig()
    idle = rig.show()
    assert math.isnan(idle.vx) and math.isnan(idle.vy)
    assert rig.init().success
    first = rig.probe.wait(lambda: [m for m in rig.probe.heard['target'] if m.target_id])[0]
    late = rig.show(step=1.0)
    for target in (idle, first, late):
        for name in ('bearing', 'elevation', 'bearing_rate', 'range', 'range_stddev', 'vx', 'vy'):
            assert math.isnan(getattr(target, name)), name
        assert target.range_source == T.RANGE_NONE
    assert (first.valid, late.valid) == (True, True)
    target = rig.show()
    assert (target.vx, target.vy) == pytest.approx((90.0, -45.0), rel=1e-4)


def test_bearing_is_positive_left_and_elevation_up(rig):
    target = seen(rig)
    assert target.bearing == pytest.approx(-math.atan((100 - 80) / FOCAL), abs=1e-5)
    assert target.elevation == pytest.approx(
        math.atan2((60 - 40) / FOCAL, math.hypot(1, 20 / FOCAL)), abs=1e-5)
    assert until(rig, lambda m: math.isfinite(m.bearing_rate)).bearing_rate == \
        pytest.approx(0.0, abs=1e-5), 'the box stands still'


def test_rectified_images_are_seen_through_p_without_distortion(make_rig):
    rig = with_info(make_rig({'image_rectified': True}))
    rig.show()
    assert rig.init(BOX).success
    calibrate(rig, distortion=(-0.35, 0.0, 0.0, 0.0, 0.0), rectified_focal=160.0)
    target = until(rig, lambda m: math.isfinite(m.bearing))
    assert target.bearing == pytest.approx(-math.atan(20 / 160), abs=1e-5)
    calibrate(rig)
    until(rig, lambda m: math.isnan(m.bearing))


def test_range_and_pose_from_depth(rig):
    seen(rig)
    depth = np.full((120, 160), 7.0, np.float32)
    depth[20:60, 90:110] = 2.0
    depth[30:34, 90:110] = np.nan
    target = show_depth(rig, depth, '32FC1')
    ray = np.array([20 / FOCAL, -20 / FOCAL, 1.0])
    assert target.range_source == T.RANGE_DEPTH
    assert target.range == pytest.approx(2.0 * np.linalg.norm(ray), rel=1e-4)
    assert 0 < target.range_stddev < 0.1
    pose = rig.probe.answer(rig.clock_ns, 'target_pose')
    point = pose.pose.position
    np.testing.assert_allclose((point.x, point.y, point.z), ray * 2.0, rtol=1e-4)
    assert pose.header == target.header and pose.pose.orientation.w == 1.0
    detection = rig.probe.answer(rig.clock_ns, 'detections').detections[0]
    assert detection.results[0].pose.pose.position == point
    variance = detection.results[0].pose.covariance[0]
    assert variance == pytest.approx(target.range_stddev ** 2, rel=1e-3)


def test_the_depth_of_the_image_s_own_moment_counts(rig):
    """Newer depth images are there before an image is tracked, as with a slow tracker."""
    seen(rig)
    moment = rig.next_stamp(1.0)
    for _ in range(2):  # the first may go unheard
        for distance, late_s in ((9.0, -0.2), (2.0, 0.01), (5.0, 0.1), (7.0, 0.2)):
            publish_depth(rig, np.full((120, 160), distance, np.float32), '32FC1',
                          moment + round(late_s * 1e9))
    assert rig.show(step=0).range == pytest.approx(2.0 * math.sqrt(1.02), rel=1e-4)


@pytest.mark.serial
def test_inputs_that_do_not_fit_are_reported(make_rig):
    """As diagnostics with a level, once in the log, and no more when they fit."""
    calibration = 'camera_info is for 640x120, the images are 160x120'
    depth = "depth is in frame 'other', the images in 'camera_optical_frame'"

    def diagnosis(wanted: list[str]):
        def measured(status, values):
            rig.clock_ns = time.time_ns() - 10**9  # however many are shown, none of the future
            show_depth(rig, np.full((120, 160), 2.0, np.float32), '32FC1',
                       frame_id='other' if wanted[1] else 'camera_optical_frame')
            return [values['calibration'], values['depth']] == wanted
        return rig.diagnosis(measured)[0]
    rig = with_depth(with_info(make_rig({'use_depth': True})))
    rig.clock_ns -= 10**9
    seen(rig)
    calibrate(rig, width=640)
    status = diagnosis([calibration, depth])
    assert status.level == DiagnosticStatus.WARN
    assert status.message == f'{calibration}; {depth}'
    assert rig.probe.wait(lambda: rig.show() and calibration in rig.log and depth in rig.log)
    calibrate(rig)
    assert diagnosis(['', '']).level == DiagnosticStatus.OK
    assert rig.log.count(calibration) == rig.log.count(depth) == 1


def test_range_from_a_known_height_unless_truncated(rig):
    assert rig.set_parameters(target_height=1.8).successful
    target = seen(rig)
    assert target.range_source == T.RANGE_KNOWN_HEIGHT and not target.truncated
    assert target.range == pytest.approx(1.8 * FOCAL / 40 * math.sqrt(1.02), rel=0.01)
    assert target.range_stddev == pytest.approx(0.3 * target.range, rel=0.02)
    seen(rig, lambda target: target.truncated and math.isnan(target.range),
         box=BoundingBox(90, 0, 20, 40))
    assert rig.set_parameters(target_height=0.0).successful


def test_no_pose_while_the_target_is_not_valid(rig, make_scene):
    assert rig.set_parameters(target_height=1.8).successful
    seen(rig)
    assert rig.probe.answer(rig.clock_ns, 'target_pose')
    lost = [rig.show(make_scene(confidence=0.1)) for _ in range(TrackerConfig().n_lost + 1)]
    found = rig.show()
    stamps = [pose.header.stamp for pose in rig.probe.heard['target_pose']]
    assert not any(m.header.stamp in stamps for m in [*lost, found])
    assert rig.set_parameters(target_height=0.0).successful


def test_a_calibration_that_was_said_once_is_heard_again(make_rig):
    rig = make_rig()
    rig.info = rig.probe.node.create_publisher(
        CameraInfo, f'{rig.namespace}/camera_info', latched())
    rig.probe.wait(rig.info.get_subscription_count)
    calibrate(rig)
    rig.show()
    assert rig.init(BOX).success and until(rig, lambda m: math.isfinite(m.bearing))
    for transition in ('deactivate', 'activate'):
        rig.transition(transition)
    assert rig.probe.wait(rig.probe.camera.get_subscription_count)
    rig.show()
    assert rig.init(BOX).success and until(rig, lambda m: math.isfinite(m.bearing))


@pytest.mark.parametrize('offer', [QoSProfile(depth=1), BEST_EFFORT, latched()],
                         ids=['reliable', 'best effort', 'latched'])
def test_no_publisher_of_camera_info_is_told_that_it_is_not_heard(make_rig, capfd, offer):
    rig = make_rig()
    rig.info = rig.probe.node.create_publisher(CameraInfo, f'{rig.namespace}/camera_info', offer)
    assert rig.probe.wait(rig.info.get_subscription_count)
    rig.show()
    assert rig.init(BOX).success

    def measured() -> bool:
        calibrate(rig)
        return math.isfinite(rig.show().bearing)
    assert rig.probe.wait(measured)
    assert 'incompatible QoS' not in rig.log + ''.join(capfd.readouterr())


@pytest.mark.parametrize('remaps, topic', [
    ({'image': '/front/image_raw'}, '/front/camera_info'),
    ({'image': '/front/image_raw', 'camera_info': '/calibration'}, '/calibration'),
    ({'image': '/front/image_raw', '/front/camera_info': 'camera_info'}, '{}/camera_info'),
    ({'image/compressed': '/front/image/compressed'}, '/front/camera_info'),
    ({}, '{}/camera_info')],
    ids=['beside the image', 'remapped', 'at the name without rules', 'compressed', 'no rule'])
def test_the_calibration_is_the_one_beside_the_image_unless_it_is_remapped(
        make_rig, remaps, topic):
    transport = 'compressed' if 'image/compressed' in remaps else 'raw'
    rules = [part for rule in remaps.items() for part in ('-r', ':='.join(rule))]
    rig = make_rig({'target_height': 1.8, 'image_transport': transport}, ready=False,
                   command=(*SCRIPTED_NODE, '--ros-args', *rules, '--'))
    topic, node = topic.format(rig.namespace), rig.probe.node
    assert rig.probe.wait(lambda: node.get_subscriptions_info_by_topic(topic), 60), rig.log


def test_a_calibration_that_does_not_come_is_reported(make_rig):
    rig = make_rig({'target_height': 1.8})
    rig.started()
    missing = f'no camera_info on {rig.namespace}/camera_info'

    rig.clock_ns -= 10**9

    def reported(status, values):
        rig.clock_ns = time.time_ns() - 10**9  # however many are shown, none of the future
        return rig.show() and values['calibration'] == status.message == missing
    assert rig.diagnosis(reported)[0].level == DiagnosticStatus.WARN
    assert rig.probe.wait(lambda: rig.show() and missing in rig.log)
    with_info(rig)

    def measured():
        calibrate(rig)  # again and again, as cameras do
        return math.isfinite(rig.show().bearing)
    assert rig.probe.wait(measured)
    assert rig.diagnosis(lambda status, values: rig.show() and not values['calibration'])


def test_depth_is_asked_for_reliably_and_comes_from_a_best_effort_camera_too(make_rig):
    rig = make_rig({'use_depth': True, 'fallback_hfov': 1.2})
    topic = f'{rig.namespace}/depth'
    node = rig.probe.node
    [asked] = rig.probe.wait(lambda: node.get_subscriptions_info_by_topic(topic))
    assert asked.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    rig.depth = node.create_publisher(Image, topic, BEST_EFFORT)
    assert rig.probe.wait(lambda: f'{topic}: the publisher offers best effort only' in rig.log)
    rig.show()
    assert rig.init(BOX).success
    target = show_depth(rig, np.full((120, 160), 2.0, np.float32), '32FC1')
    assert target.range_source == T.RANGE_DEPTH and target.range > 2.0
