"""Whether anybody hears the commands, and why not."""

from __future__ import annotations

import math
from typing import Any

PATIENCE_S = 1.0
"""For so long nobody need hear that the robot is to move: discovery takes its time, seconds."""


class Unheard:
    """Notices that the robot is to move and nobody hears it.

    Attributes:
        sentence: what is wrong, for people; empty if nothing is.
    """

    def __init__(self, node: Any, velocity: Any, topic: str) -> None:
        """Watch the publisher of a node's commands, and its topic as it was named."""
        self._node, self._velocity, self._topic = node, velocity, topic
        self._since, self._warned = math.inf, False
        self.sentence = ''

    def look(self, moves: bool, now: float) -> None:
        """Call it with each command; the log has one warning until somebody hears them.

        Args:
            moves: whether the robot is commanded to move.
            now: steady seconds.
        """
        heard = self._velocity.get_subscription_count() > 0
        self._warned = self._warned and not heard
        if heard or not moves:
            self._since, self.sentence = math.inf, ''
            return
        self._since = min(self._since, now)
        if now - self._since < PATIENCE_S or self.sentence:
            return
        self.sentence = self._why()
        if not self._warned:
            self._warned = True
            self._node.get_logger().warning(self.sentence)

    def _why(self) -> str:
        """Who listens to the topic, and to what."""
        takers = [taker.topic_type for taker in
                  self._node.get_subscriptions_info_by_topic(self._topic)]
        name, ours = self._velocity.topic_name, type_name(self._velocity.msg_type)
        others = sorted({kind for kind in takers if kind != ours})
        said = f'nobody hears the commands on {name} ({ours})'
        if others:
            return (f'{said}: the subscriber takes {", ".join(others)}; the parameter command '
                    'chooses the type')
        return f'{said}: its subscriber asks for another quality of service' if takers else said


def type_name(kind: type) -> str:
    """A message's type as the graph names it, such as ``geometry_msgs/msg/Twist``."""
    package, group, *_ = kind.__module__.split('.')
    return f'{package}/{group}/{kind.__name__}'
