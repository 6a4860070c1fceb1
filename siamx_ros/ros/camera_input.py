"""Subscriptions: images that arrive whatever the publisher's QoS, calibration, depth."""

from __future__ import annotations

from typing import Any, Callable

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from siamx_ros.ros.settings import NodeConfig

UNKNOWN = '_NODE_NAME_UNKNOWN_'
"""What rmw calls a node whose endpoints it knows, but not its name."""


class CameraInput:
    """The node's input topics, subscribed while it is active.

    With ``image_reliability: auto`` images are asked for reliably; when a publisher offers best
    effort only, the subscription is made again as best effort, which matches every publisher.

    Args:
        node: makes the subscriptions.
        config: transport, reliability and whether depth is wanted.
        on_image, on_info, on_depth: called with each message.
        depth: history depth of the image subscription; every image that waits adds latency.
    """

    def __init__(self, node: Any, config: NodeConfig, *, on_image: Callable, on_info: Callable,
                 on_depth: Callable, depth: int = 1) -> None:
        self._node, self._config, self._on_image = node, config, on_image
        self._depth = depth
        self._switch = False
        self.best_effort = config.image_reliability == 'best_effort'
        self._image = self._subscribe()
        info_qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._others = [node.create_subscription(CameraInfo, 'camera_info', on_info, info_qos)]
        if config.use_depth:
            depth_qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
            self._others.append(node.create_subscription(Image, 'depth', on_depth, depth_qos))

    @property
    def topic(self) -> str:
        """Resolved name of the image topic."""
        return self._image.topic_name

    def check(self) -> None:
        """Switch to best effort if a publisher asked for it; call this regularly."""
        if not self._switch:
            return
        self._switch = False
        self.best_effort = True
        self._node.destroy_subscription(self._image)
        self._image = self._subscribe()
        self._node.get_logger().info(
            f'{self.topic}: the publisher offers best effort only; subscribed again as best effort')

    def describe(self) -> str:
        """One sentence on topic, QoS and publishers: why no images come."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        asked = 'best effort' if self.best_effort else 'reliable'
        if not publishers:
            return f'nobody publishes {self.topic} (subscribed as {asked})'
        offers = ', '.join(
            f'{_name(p)} ({p.qos_profile.reliability.name.lower().replace("_", " ")})'
            for p in publishers)
        return f'{self.topic}, subscribed as {asked}, is published by {offers}'

    def close(self) -> None:
        """Unsubscribe from everything."""
        for subscription in (self._image, *self._others):
            self._node.destroy_subscription(subscription)

    def _subscribe(self):
        raw = self._config.image_transport == 'raw'
        reliability = (
            ReliabilityPolicy.BEST_EFFORT if self.best_effort else ReliabilityPolicy.RELIABLE)
        return self._node.create_subscription(
            Image if raw else CompressedImage, 'image' if raw else 'image/compressed',
            self._on_image, QoSProfile(depth=self._depth, reliability=reliability),
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible))

    def _on_incompatible(self, event) -> None:
        if event.last_policy_kind != QoSPolicyKind.RELIABILITY or self.best_effort:
            return
        if self._config.image_reliability == 'auto':
            self._switch = True
            return
        self._node.get_logger().warning(
            f'image_reliability is {self._config.image_reliability}, but {self.describe()}')


def _name(publisher: Any) -> str:
    """The node of a publisher; the middleware may find the publisher before the node."""
    if publisher.node_name == UNKNOWN:
        return 'a node whose name has not arrived yet'
    return f'{publisher.node_namespace.rstrip("/")}/{publisher.node_name}'
