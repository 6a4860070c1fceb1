"""Turning to look for a lost target: to where it left, then to the other side, and back."""

from __future__ import annotations

import math

from siamx_ros.control.limits import FollowLimits


class Search:
    """One search; it ends when it is back at the middle or its time is over."""

    def __init__(self) -> None:
        self._side = 0.0
        self._start = self._began = 0.0
        self._goals: list[float] | None = None

    def clear(self) -> None:
        """The target was seen again, or another one was chosen."""
        self._goals = None

    def left_at(self, bearing: float) -> None:
        """Where the target was last; NaN changes nothing."""
        if math.isfinite(bearing):
            self._side = math.copysign(1.0, bearing)

    def turn(self, now: float, turned: float, limits: FollowLimits) -> float:
        """Turning rate now, rad/s; 0 once the search has ended.

        Args:
            now: ROS seconds.
            turned: how far the robot has turned since any moment, rad.
        """
        if self._goals is None:
            side = self._side or 1.0
            self._start, self._began = turned, now
            self._goals = [side * limits.search_angle, -side * limits.search_angle, 0.0]
        if now - self._began > limits.search_time:
            self._goals = []
        while self._goals:
            left = self._goals[0] - (turned - self._start)
            if abs(left) > 0.03:
                rate = min(limits.search_rate, limits.angular_gain * abs(left) + 0.05)
                return math.copysign(rate, left)
            self._goals.pop(0)
        return 0.0
