"""Publishers of the node, and what is drawn only while somebody looks."""

from __future__ import annotations

import time
from typing import Any

import cv2
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32
from vision_msgs.msg import Detection2DArray

from siamx_ros import drawing
from siamx_ros.msg import TrackedTarget, TrackerStatus
from siamx_ros.ros import filling
from siamx_ros.ros.conversions import fill_image
from siamx_ros.ros.measuring import Measurement
from siamx_ros.ros.session import Outcome
from siamx_ros.ros.settings import NodeConfig
from siamx_ros.ros.status import Status


class Outputs:
    """All publishers; every method may be called from any one thread at a time."""

    def __init__(self, node: Any, config: NodeConfig) -> None:
        self._node = node
        self._seq = 0
        self._drawn = -float('inf')
        latched = QoSProfile(
            depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL,
            deadline=Duration(seconds=2.0 / config.status_rate))
        lossy = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        create = node.create_publisher
        self._detections = create(Detection2DArray, '~/detections', 5)
        self._target = create(TrackedTarget, '~/target', 1)
        self._status = create(TrackerStatus, '~/status', latched)
        self._confidence = create(Float32, '~/confidence', 1)
        self._pose = create(PoseStamped, '~/target_pose', 1)
        self._debug = create(Image, '~/debug_image', lossy)
        self._debug_compressed = create(CompressedImage, '~/debug_image/compressed', lossy)
        self._heat_map = create(Image, '~/heatmap', lossy)
        self._diagnostics = create(DiagnosticArray, '/diagnostics', 1)

    def publish(self, outcome: Outcome, measured: Measurement, *, latency: float, dropped: int,
                config: NodeConfig) -> None:
        """Say everything about one image, in the order in which it is needed."""
        self._seq += 1
        self._target.publish(filling.target(
            outcome, measured, latency=latency, dropped=dropped, seq=self._seq))
        self._detections.publish(
            filling.detections(outcome, measured, uncertain=config.publish_uncertain))
        self._confidence.publish(Float32(data=float(outcome.result.confidence)))
        pose = filling.target_pose(outcome, measured)
        if pose is not None:
            self._pose.publish(pose)

    def publish_status(self, status: Status, now: float) -> None:
        """Publish the latched state."""
        published = self._node.get_clock().now().to_msg()
        self._status.publish(filling.status(
            status, now=now, published=published, seq=self._seq))

    def publish_diagnostics(self, message: DiagnosticArray) -> None:
        """Publish what the health of the node is."""
        self._diagnostics.publish(message)

    def draw(self, outcome: Outcome, heat_map: Any, config: NodeConfig) -> None:
        """Draw for those who look, at most ``debug_rate`` times a second."""
        looked_at = [publisher.get_subscription_count() > 0
                     for publisher in (self._debug, self._debug_compressed, self._heat_map)]
        now = time.monotonic()
        if outcome.image is None or not any(looked_at) or now - self._drawn < 1 / config.debug_rate:
            return
        self._drawn = now
        header = outcome.frame.msg.header
        if looked_at[0] or looked_at[1]:
            picture = drawing.draw_result(outcome.image, outcome.result, label=outcome.target_id)
            if config.debug_scale < 1:
                picture = cv2.resize(picture, None, fx=config.debug_scale, fy=config.debug_scale,
                                     interpolation=cv2.INTER_AREA)
            self._publish_picture(picture, header, raw=looked_at[0], compressed=looked_at[1])
        if looked_at[2] and heat_map is not None:
            message = Image(header=header)
            fill_image(message, heat_map, '32FC1')
            self._heat_map.publish(message)

    def _publish_picture(self, picture, header, *, raw: bool, compressed: bool) -> None:
        if raw:
            message = Image(header=header)
            fill_image(message, picture, 'bgr8')
            self._debug.publish(message)
        if compressed:
            _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
            self._debug_compressed.publish(
                CompressedImage(header=header, format='jpeg', data=data.tobytes()))
