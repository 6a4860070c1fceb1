"""Subscriptions: images that arrive whatever the publisher's QoS, calibration, depth."""

from __future__ import annotations

from typing import Any, Callable

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from siamx_ros.node_config import ImageTopic, NodeConfig
from siamx_ros.qos import HeardTopic

DEPTH_IMAGES = 5
"""History depth of the depth subscription: a later one must not push out the one of an image."""
COMPRESSED = '/compressed'
"""What image_transport appends to the topic of the raw images."""
UNKNOWN = '_NODE_NAME_UNKNOWN_'
"""What rmw calls a node whose endpoints it knows, but not its name."""


class AdaptiveSubscription:
    """A topic of images that arrive whatever the publisher's quality of service.

    With ``reliability: auto`` they are asked for reliably, since best effort loses large messages;
    when a publisher offers best effort only, the subscription is made again as best effort,
    which matches every publisher, and once all that are left are reliable, reliably again.

    Args:
        depth: history depth; every message that waits adds latency.
        reliability: auto, reliable or best_effort.
    """

    def __init__(self, node: Any, kind: type, topic: str, callback: Callable, *, depth: int = 1,
                 reliability: str = 'auto') -> None:
        self._node, self._depth, self._reliability = node, depth, reliability
        self._what = kind, topic, callback
        self._switch = False
        self.best_effort = reliability == 'best_effort'
        self._subscription = self._subscribe()

    @property
    def topic(self) -> str:
        """Resolved name of the topic."""
        return self._subscription.topic_name

    def check(self) -> None:
        """Subscribe again where the publishers need or allow it; call this regularly."""
        if self._switch:
            self._subscribe_as('the publisher offers best effort only', best_effort=True)
        elif self._reliability == 'auto' and self.best_effort and self._all_are_reliable():
            self._subscribe_as('the publisher is reliable', best_effort=False)

    def describe(self) -> str:
        """One sentence on topic, QoS and publishers: why nothing comes."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return f'nobody publishes {self.topic} (subscribed as {self._asked_for})'
        offers = ', '.join(
            f'{_name(p)} ({p.qos_profile.reliability.name.lower().replace("_", " ")})'
            for p in publishers)
        return f'{self.topic}, subscribed as {self._asked_for}, is published by {offers}'

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)

    def _subscribe_as(self, why: str, best_effort: bool) -> None:
        self._switch, self.best_effort = False, best_effort
        self.close()
        self._subscription = self._subscribe()
        self._node.get_logger().info(
            f'{self.topic}: {why}; subscribed again as {self._asked_for}')

    @property
    def _asked_for(self) -> str:
        return 'best effort' if self.best_effort else 'reliable'

    def _all_are_reliable(self) -> bool:
        """Whether there are publishers, and all of them reliable ones."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        return bool(publishers) and all(
            each.qos_profile.reliability == ReliabilityPolicy.RELIABLE for each in publishers)

    def _subscribe(self):
        reliability = (
            ReliabilityPolicy.BEST_EFFORT if self.best_effort else ReliabilityPolicy.RELIABLE)
        return self._node.create_subscription(
            *self._what, QoSProfile(depth=self._depth, reliability=reliability),
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=self._on_incompatible))

    def _on_incompatible(self, event) -> None:
        if event.last_policy_kind != QoSPolicyKind.RELIABILITY or self.best_effort:
            return
        if self._reliability == 'auto':
            self._switch = True
            return
        self._node.get_logger().warning(
            f'image_reliability is {self._reliability}, but {self.describe()}')


def subscribe_images(node: Any, config: ImageTopic, callback: Callable) -> AdaptiveSubscription:
    """Subscribe to a camera's images, raw or compressed as the settings say."""
    what = (Image, 'image') if config.image_transport == 'raw' else (
        CompressedImage, _unless_remapped(
            node, 'image/compressed', node.resolve_topic_name('image') + COMPRESSED))
    return AdaptiveSubscription(node, *what, callback, reliability=config.image_reliability)


def _unless_remapped(node: Any, name: str, topic: str) -> str:
    """What to subscribe to: a topic derived from another, unless a rule remaps ``name`` itself."""
    plain = node.resolve_topic_name(name, only_expand=True)
    return topic if node.resolve_topic_name(name) == plain else name


class CameraInput:
    """The node's input topics, subscribed while it is active.

    Args:
        node: makes the subscriptions; ``camera_info`` is the one beside the images, by the rule of
            image_transport, unless it is remapped itself.
        config: transport, reliability and whether depth is wanted.
        on_image, on_info, on_depth: called with each message.
    """

    def __init__(self, node: Any, config: NodeConfig, *, on_image: Callable, on_info: Callable,
                 on_depth: Callable) -> None:
        self._node = node
        self._images = [subscribe_images(node, config, on_image)]
        if config.use_depth:
            self._images.append(
                AdaptiveSubscription(node, Image, 'depth', on_depth, depth=DEPTH_IMAGES))
        parent = self._images[0].topic.removesuffix(COMPRESSED).rpartition('/')[0]
        self._info = HeardTopic(node, CameraInfo, _unless_remapped(
            node, 'camera_info', f'{parent}/camera_info'), on_info)

    @property
    def info_topic(self) -> str:
        """Resolved name of the topic of the calibration."""
        return self._info.topic

    def check(self) -> None:
        """Subscribe as the publishers need it; call this regularly."""
        self._info.look()
        for images in self._images:
            images.check()

    def describe(self) -> str:
        """One sentence on the image topic, its QoS and publishers: why no images come."""
        return self._images[0].describe()

    def close(self) -> None:
        """Unsubscribe from everything."""
        for images in self._images:
            images.close()
        self._info.close()


def _name(publisher: Any) -> str:
    """The node of a publisher; the middleware may find the publisher before the node."""
    if publisher.node_name == UNKNOWN:
        return 'a node whose name has not arrived yet'
    return f'{publisher.node_namespace.rstrip("/")}/{publisher.node_name}'
