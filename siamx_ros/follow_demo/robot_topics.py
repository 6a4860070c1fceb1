"""What a robot says and hears over ROS: images, camera_info, depth, the clock, TF, and cmd_vel."""

from __future__ import annotations

import math
from typing import Any

from geometry_msgs.msg import TransformStamped, Twist
import numpy as np
from rclpy.qos import DurabilityPolicy, QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo
from tf2_msgs.msg import TFMessage

from siamx_ros.client.probe import Probe, stamp
from siamx_ros.simulation.frame import CameraConfig
from siamx_ros.simulation.robot import Pose

NAMESPACE = '/follow_demo'
"""Of all nodes and topics but the clock and TF."""
CAMERA_FRAME, BASE_FRAME, ODOM_FRAME = 'camera_optical_frame', 'base_link', 'odom'
STATIC = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
EPOCH_S = 1000.0
"""ROS time at which the simulated time begins, seconds: 0 would mean that there is no time."""


class RobotTopics:
    """The simulated robot's side of ROS, on the node of a probe."""

    def __init__(self, probe: Probe, camera: CameraConfig) -> None:
        self._probe, self._camera = probe, camera
        node = probe.node
        self._clock = node.create_publisher(Clock, '/clock', 10)
        self._info = node.create_publisher(CameraInfo, f'{NAMESPACE}/camera_info', 10)
        self._tf = node.create_publisher(TFMessage, '/tf', 10)
        self._static = node.create_publisher(TFMessage, '/tf_static', STATIC)
        self._static.publish(TFMessage(transforms=[mounting(camera)]))
        probe.listen(Twist, f'{NAMESPACE}/cmd_vel', 1000)

    @property
    def heard(self) -> list[tuple[float, float]]:
        """Velocities (m/s, rad/s) that came on cmd_vel, in order."""
        return [(m.linear.x, m.angular.z) for m in list(self._probe.heard['cmd_vel'])]

    @property
    def is_heard(self) -> bool:
        """Whether somebody takes the calibration."""
        return self._info.get_subscription_count() > 0

    @property
    def count(self) -> int:
        """How many velocities came."""
        return len(self._probe.heard['cmd_vel'])

    def publish_clock(self, now_s: float) -> None:
        """Say which time it is, simulated seconds."""
        self._clock.publish(Clock(clock=stamp(ros_ns(now_s))))

    def publish_pose(self, now_s: float, pose: Pose) -> None:
        """Say where the base is."""
        transform = _transform(now_s, ODOM_FRAME, BASE_FRAME, (pose.x, pose.y, 0.0))
        transform.transform.rotation.z = math.sin(pose.heading / 2)
        transform.transform.rotation.w = math.cos(pose.heading / 2)
        self._tf.publish(TFMessage(transforms=[transform]))

    def publish_camera_info(self, stamp_s: float) -> None:
        """The calibration of the image of a stamp."""
        self._info.publish(camera_info(self._camera, stamp_s))


def ros_ns(now_s: float) -> int:
    """Simulated seconds as ROS time in nanoseconds."""
    return round((EPOCH_S + now_s) * 1e9)


def camera_info(camera: CameraConfig, stamp_s: float) -> CameraInfo:
    """The calibration of the simulated camera."""
    focal, cx, cy = camera.focal, camera.width / 2 - 0.5, camera.height / 2 - 0.5
    message = CameraInfo(
        width=camera.width, height=camera.height, distortion_model='plumb_bob', d=[0.0] * 5,
        k=[focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0], r=np.eye(3).ravel().tolist(),
        p=[focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0])
    message.header.stamp, message.header.frame_id = stamp(ros_ns(stamp_s)), CAMERA_FRAME
    return message


def mounting(camera: CameraConfig) -> TransformStamped:
    """Where the camera's optical frame is on the base: x right, y down, z ahead, tilted up."""
    transform = _transform(0.0, BASE_FRAME, CAMERA_FRAME,
                           (camera.forward, 0.0, camera.mount_height))
    half = math.radians(camera.pitch) / 2
    up, level = math.sin(half), math.cos(half)
    rotation = transform.transform.rotation
    rotation.x, rotation.y = -0.5 * (level - up), 0.5 * (level - up)
    rotation.z, rotation.w = -0.5 * (level + up), 0.5 * (level + up)
    return transform


def _transform(now_s: float, parent: str, child: str, place: tuple[float, float, float]) -> Any:
    message = TransformStamped(child_frame_id=child)
    message.header.stamp, message.header.frame_id = stamp(ros_ns(now_s)), parent
    where = message.transform.translation
    where.x, where.y, where.z = place
    return message
