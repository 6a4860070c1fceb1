"""Publishers of the node, and what is drawn only while somebody looks."""

from __future__ import annotations

from functools import partial
from threading import Lock
import time
from typing import Any, Callable

import cv2
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
import numpy as np
from rclpy.duration import Duration
from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32
from vision_msgs.msg import Detection2DArray

from siamx_ros import drawing
from siamx_ros.errors import InputError
from siamx_ros.messages.conversions import fill_image
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.measuring import Measurement
from siamx_ros.messages.outcome import Outcome
from siamx_ros.messages.status_board import StatusBoard
from siamx_ros.msg import TrackedTarget, TrackerStatus
from siamx_ros.node.message_builder import build
from siamx_ros.node_config import NodeConfig
from siamx_ros.qos import latched

OVERRIDABLE = (QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY)


class Publishers:
    """All publishers; methods may be called from the executor's and the worker's thread."""

    def __init__(self, node: Any, config: NodeConfig) -> None:
        self._node = node
        self._seq = 0
        self._lock = Lock()
        self._drawn = -float('inf')
        heartbeat = latched(deadline=Duration(seconds=2.0 / config.status_rate))
        lossy = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        create = partial(
            node.create_publisher, qos_overriding_options=QoSOverridingOptions(OVERRIDABLE))
        self._detections = create(Detection2DArray, '~/detections', 5)
        self._target = create(TrackedTarget, '~/target', 1)
        self._status = create(TrackerStatus, '~/status', heartbeat)
        self._confidence = create(Float32, '~/confidence', 1)
        self._pose = create(PoseStamped, '~/target_pose', 1)
        self._debug = create(Image, '~/debug_image', lossy)
        self._debug_compressed = create(CompressedImage, '~/debug_image/compressed', lossy)
        self._heat_map = create(Image, '~/heatmap', lossy)
        self._diagnostics = create(DiagnosticArray, '/diagnostics', 1)

    def publish(self, outcome: Outcome, measured: Measurement, *, latency: float, dropped: int,
                config: NodeConfig) -> None:
        """Say everything about one image, in the order in which it is needed."""
        with self._lock:
            self._seq += 1
            self._target.publish(build.target(
                outcome, measured, latency=latency, dropped=dropped, seq=self._seq))
        self._detections.publish(
            build.detections(outcome, measured, uncertain=config.publish_uncertain))
        self._confidence.publish(Float32(data=float(outcome.result.confidence)))
        pose = build.target_pose(outcome, measured)
        if pose is not None:
            self._pose.publish(pose)

    def publish_status(self, board: StatusBoard, now: float) -> None:
        """Publish the latched state as it is at this moment."""
        published = self._node.get_clock().now().to_msg()
        with self._lock:
            self._seq += 1
            self._status.publish(build.status(
                board.status, now=now, published=published, seq=self._seq))

    def publish_diagnostics(self, message: DiagnosticArray) -> None:
        """Publish what the health of the node is."""
        self._diagnostics.publish(message)

    def draw(self, outcome: Outcome, decode: Callable[[Frame], np.ndarray], heat_map: Any,
             config: NodeConfig) -> None:
        """Draw for those who look, at most ``debug_rate`` times a second.

        Args:
            outcome: what to draw; what the tracker did not need of the image is decoded here.
            decode: Frame -> image; raises InputError.
            heat_map: rows x columns float32, or None.
        """
        raw, compressed, heat = (
            publisher.get_subscription_count() > 0
            for publisher in (self._debug, self._debug_compressed, self._heat_map))
        now = time.monotonic()
        if not (raw or compressed or heat) or now - self._drawn < 1 / config.debug_rate:
            return
        self._drawn = now
        header = outcome.frame.msg.header
        if heat and heat_map is not None:
            self._publish_raw(self._heat_map, heat_map, '32FC1', header)
        if raw or compressed:
            picture = _picture(outcome, decode, config.debug_scale)
            if picture is not None:
                self._publish_picture(picture, header, raw=raw, compressed=compressed)

    def _publish_raw(self, publisher: Any, image: np.ndarray, encoding: str, header: Any) -> None:
        message = Image(header=header)
        fill_image(message, image, encoding)
        publisher.publish(message)

    def _publish_picture(self, picture: np.ndarray, header: Any, *, raw: bool,
                         compressed: bool) -> None:
        if raw:
            self._publish_raw(self._debug, picture, 'bgr8', header)
        if compressed:
            _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
            self._debug_compressed.publish(
                CompressedImage(header=header, format='jpeg', data=data.tobytes()))


def _picture(outcome: Outcome, decode: Callable[[Frame], np.ndarray],
             scale: float) -> np.ndarray | None:
    """The annotated image; None where it cannot be read."""
    image = outcome.image
    if not isinstance(image, np.ndarray):
        try:
            image = decode(outcome.frame)
        except InputError:
            return None
    picture = drawing.draw_result(image, outcome.result, label=outcome.target_id)
    for each in outcome.further:
        drawing.draw_further(picture, each.result, each.target_id)
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return picture
