"""What a robot says and hears over ROS: images, camera_info, depth, the clock, TF, and cmd_vel."""

from __future__ import annotations

import math
from typing import Any

from geometry_msgs.msg import TransformStamped, Twist, TwistStamped
import numpy as np
from rclpy.duration import Duration
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage

from siamx_ros.client.probe import Probe, nanoseconds, stamp
from siamx_ros.follower.follower_config import FollowerConfig
from siamx_ros.follower.transforms import mounting as placed
from siamx_ros.messages.conversions import fill_image
from siamx_ros.messages.from_msg import result_of
from siamx_ros.msg import TrackedTarget
from siamx_ros.qos import latched
from siamx_ros.simulation.episode import Report
from siamx_ros.simulation.frame import MASK_SHARE, CameraConfig, CameraFrame
from siamx_ros.simulation.robot import Pose

NAMESPACE = '/follow_demo'
"""Of all nodes and topics but the clock and TF."""
CAMERA_FRAME, BASE_FRAME, ODOM_FRAME = 'camera_optical_frame', 'base_link', 'odom'
DEPTH_TOPIC = f'{NAMESPACE}/depth'
ACKNOWLEDGED_S = 10.0
"""How long a depth image may take to arrive, seconds."""
EPOCH_S = 1000.0


class RobotTopics:
    """The simulated robot's side of ROS, on the node of a probe.

    It hears what a follower sends by default: TwistStamped where ROS_DISTRO is later than Jazzy,
    else Twist.

    Args:
        depth: whether it gives depth images, too.
        epoch_s: ROS time at which the simulated time begins, seconds; more than 0, which would
            mean that there is no time.

    Attributes:
        epoch_s: as given.
    """

    def __init__(self, probe: Probe, camera: CameraConfig, depth: bool,
                 epoch_s: float = EPOCH_S) -> None:
        self._probe, self._camera, self.epoch_s = probe, camera, epoch_s
        self._mounting = placed(mounting(camera).transform)
        node = probe.node
        self._clock = node.create_publisher(Clock, '/clock', 10)
        self._info = node.create_publisher(CameraInfo, f'{NAMESPACE}/camera_info', 10)
        self._depth = node.create_publisher(Image, DEPTH_TOPIC, 5) if depth else None
        self._tf = node.create_publisher(TFMessage, '/tf', 10)
        self._static = node.create_publisher(TFMessage, '/tf_static', latched())
        self._static.publish(TFMessage(transforms=[mounting(camera)]))
        self._stamped = FollowerConfig().stamped
        probe.listen(TwistStamped if self._stamped else Twist, f'{NAMESPACE}/cmd_vel', 1000)
        self._taken = 0

    def fresh(self) -> tuple[float, float] | None:
        """The last velocity (m/s, rad/s) on cmd_vel; None if none came since it was asked for."""
        if self.count == self._taken:
            return None
        self._taken = self.count
        message = self._probe.heard['cmd_vel'][-1]
        twist = message.twist if self._stamped else message
        return twist.linear.x, twist.angular.z

    @property
    def count(self) -> int:
        """How many velocities came."""
        return len(self._probe.heard['cmd_vel'])

    def ns(self, now_s: float) -> int:
        """Simulated seconds as ROS time in nanoseconds."""
        return round((self.epoch_s + now_s) * 1e9)

    def report(self, message: TrackedTarget) -> Report:
        """What the tracker says as what is scored, as the base sees it."""
        stamp_s = nanoseconds(message.header.stamp) * 1e-9 - self.epoch_s
        elevation = message.elevation if math.isfinite(message.elevation) else 0.0
        return Report(stamp_s, result_of(message),
                      *self._mounting.seen(message.bearing, elevation, message.range))

    def publish_clock(self, now_s: float) -> None:
        """Say which time it is, simulated seconds."""
        self._clock.publish(Clock(clock=stamp(self.ns(now_s))))

    def publish_pose(self, now_s: float, pose: Pose) -> None:
        """Say where the base is."""
        transform = _transform(self.ns(now_s), ODOM_FRAME, BASE_FRAME, (pose.x, pose.y, 0.0))
        transform.transform.rotation.z = math.sin(pose.heading / 2)
        transform.transform.rotation.w = math.cos(pose.heading / 2)
        self._tf.publish(TFMessage(transforms=[transform]))

    def publish_beside(self, frame: CameraFrame, stamp_ns: int) -> None:
        """What goes with an image of a stamp: its calibration and, if there is one, its depth."""
        self._info.publish(camera_info(self._camera, stamp_ns))
        if self._depth is not None:
            self._depth.publish(depth_image(frame, stamp_ns))

    def wait_for_depth(self) -> None:
        """Wait until whoever takes depth images has the last one."""
        if self._depth is not None:
            self._depth.wait_for_all_acked(Duration(seconds=ACKNOWLEDGED_S))


def depth_image(frame: CameraFrame, stamp_ns: int) -> Image:
    """The depth of an image, as large as the image."""
    message = Image()
    fill_image(message, frame.depth.repeat(MASK_SHARE, 0).repeat(MASK_SHARE, 1), '16UC1')
    message.header.stamp, message.header.frame_id = stamp(stamp_ns), CAMERA_FRAME
    return message


def camera_info(camera: CameraConfig, stamp_ns: int) -> CameraInfo:
    """The calibration of the simulated camera."""
    focal, cx, cy = camera.focal, camera.width / 2 - 0.5, camera.height / 2 - 0.5
    message = CameraInfo(
        width=camera.width, height=camera.height, distortion_model='plumb_bob', d=[0.0] * 5,
        k=[focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0], r=np.eye(3).ravel().tolist(),
        p=[focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0])
    message.header.stamp, message.header.frame_id = stamp(stamp_ns), CAMERA_FRAME
    return message


def mounting(camera: CameraConfig) -> TransformStamped:
    """Where the camera's optical frame is on the base: x right, y down, z ahead, tilted up."""
    transform = _transform(0, BASE_FRAME, CAMERA_FRAME,
                           (camera.forward, 0.0, camera.mount_height))
    half = math.radians(camera.pitch) / 2
    up, level = math.sin(half), math.cos(half)
    rotation = transform.transform.rotation
    rotation.x, rotation.y = -0.5 * (level - up), 0.5 * (level - up)
    rotation.z, rotation.w = -0.5 * (level + up), 0.5 * (level + up)
    return transform


def _transform(stamp_ns: int, parent: str, child: str, place: tuple[float, float, float]) -> Any:
    message = TransformStamped(child_frame_id=child)
    message.header.stamp, message.header.frame_id = stamp(stamp_ns), parent
    where = message.transform.translation
    where.x, where.y, where.z = place
    return message
