"""Qualities of service that several nodes share."""

from __future__ import annotations

import math
import time
from typing import Any, Callable

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

BEST_EFFORT, LATCHED = ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.TRANSIENT_LOCAL
KEPT_PATIENCE_S = 1.0
"""How long what a latched publisher keeps may take to arrive; it may keep nothing."""


def latched(depth: int = 1, **more: Any) -> QoSProfile:
    """Reliable, and who comes late gets the newest messages, too.

    Args:
        depth: how many are kept, by the publisher for who comes late, by the subscriber until they
            are taken.
        more: policies besides.
    """
    return QoSProfile(depth=depth, durability=DurabilityPolicy.TRANSIENT_LOCAL, **more)


class HeardTopic:
    """A topic that is heard whatever its publishers offer, also what a latched one said before.

    There is one volatile subscription from the start. A transient local one, and beside a reliable
    one one of best effort, exist only while the graph shows a publisher that needs it: asking for
    everything at once makes both sides warn, with any ordinary publisher, that nothing arrives.

    Args:
        depth: history depth; of what was said before, the newest counts.
        reliable: what the first subscription asks for. False: best effort, which every publisher
            matches. True, for what must not be lost: no message of a reliable publisher goes
            unprotected, not even one that it sends as soon as it has found a subscription. The
            price is one warning in the node of a publisher that offers best effort only.
    """

    def __init__(self, node: Any, kind: type, topic: str, callback: Callable[[Any], object], *,
                 depth: int = 1, reliable: bool = False) -> None:
        self._node, self._what, self._callback = node, (kind, topic), callback
        self._depth, self._kept_until = depth, -math.inf
        self._further: dict[Any, Any] = {}
        self._first: Any = None  # an event may come from another thread before it is made
        self._first = node.create_subscription(
            kind, topic, callback, QoSProfile(depth=depth) if reliable else self._best_effort(),
            event_callbacks=SubscriptionEventCallbacks(
                matched=self.look, incompatible_qos=self.look if reliable else None))
        self.look()

    @property
    def topic(self) -> str:
        """Resolved name of the topic."""
        return self._first.topic_name

    @property
    def awaits_kept(self) -> bool:
        """Whether what a latched publisher said before may still be on its way."""
        return time.monotonic() < self._kept_until

    def look(self, _event: Any = None) -> None:
        """Subscribe as the publishers of this moment need it.

        Events call it; call it regularly, too, for the graph may know of a publisher later.
        """
        if self._first is None:
            return
        wanted = self._wanted()
        for need in self._further.keys() - wanted:
            self._node.destroy_subscription(self._further.pop(need))
        for need in wanted - self._further.keys():
            self._further[need] = self._add(need)

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in (self._first, *self._further.values()):
            self._node.destroy_subscription(subscription)
        self._first, self._further = None, {}

    def _wanted(self) -> set:
        """What publishers need that the first subscription does not give."""
        offers = [publisher.qos_profile for publisher in
                  self._node.get_publishers_info_by_topic(self._what[1])]
        unprotected = {offer.reliability for offer in offers} & {BEST_EFFORT}
        kept = {offer.durability for offer in offers if offer.reliability != BEST_EFFORT}
        asks = self._first.qos_profile.reliability
        return unprotected - {asks} | kept & {LATCHED}

    def _add(self, need: Any) -> Any:
        """A further subscription; that it does not match all publishers is no news."""
        callback, quality = self._callback, self._best_effort()
        if need == LATCHED:
            callback, quality = self._take_kept, latched()
            self._kept_until = time.monotonic() + KEPT_PATIENCE_S
        return self._node.create_subscription(
            *self._what, callback, quality,
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False))

    def _best_effort(self) -> QoSProfile:
        return QoSProfile(depth=self._depth, reliability=BEST_EFFORT)

    def _take_kept(self, message: Any) -> None:
        self._kept_until = -math.inf
        self._callback(message)
