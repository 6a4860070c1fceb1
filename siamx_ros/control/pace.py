"""The speed that keeps the distance, before anything is in doubt."""

from __future__ import annotations

import math

from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import FollowReason, Verdict
from siamx_ros.control.ranging import KNOWN

LEAVING_S = 0.2
"""A robot that has arrived sets out once the target is further away for so long, seconds."""
STILL = 0.05
"""Speeds below this count as standing, m/s; twice as much of a target, which is estimated."""


class Pace:
    """Matches the target's speed, and stands in a dead band once it has arrived.

    Attributes:
        arrived: whether the robot stands at the distance to keep.
    """

    def __init__(self) -> None:
        self.arrived, self._near_at = False, -math.inf

    def speed(self, now: float, distance: float, target_speed: float, robot_speed: float,
              limits: FollowLimits) -> tuple[float, Verdict]:
        """Speed to drive at, m/s, and why it is zero; ``now`` in ROS seconds."""
        excess = distance - limits.distance
        self.arrived = self._has_arrived(now, excess, target_speed, robot_speed, limits.dead_band)
        if self.arrived:
            return 0.0, Verdict(FollowReason.ARRIVED, f'the target is {distance:.1f} m away')
        slowing = math.sqrt(2 * limits.max_deceleration * max(0.0, excess))
        wanted = limits.feed_forward * target_speed + min(limits.linear_gain * excess, slowing)
        return max(0.0, min(wanted, limits.max_linear)), KNOWN

    def _has_arrived(self, now: float, excess: float, target_speed: float, robot_speed: float,
                     band: float) -> bool:
        if excess <= band:
            self._near_at = now
        if self.arrived:
            return now - self._near_at <= LEAVING_S
        return excess <= band / 2 and robot_speed < STILL and target_speed < 2 * STILL
