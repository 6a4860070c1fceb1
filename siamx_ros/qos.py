"""Qualities of service that several nodes share."""

from __future__ import annotations

from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile


def latched(depth: int = 1, **more: Any) -> QoSProfile:
    """Reliable, and who comes late gets the newest messages, too.

    Args:
        depth: how many are kept, by the publisher for who comes late, by the subscriber until they
            are taken.
        more: policies besides.
    """
    return QoSProfile(depth=depth, durability=DurabilityPolicy.TRANSIENT_LOCAL, **more)
