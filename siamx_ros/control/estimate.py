"""Direction, distance and own motion of the target at the moment at which a command takes effect.

The robot's own motion is taken out by its commands; a base that does not follow them, because it
slips or is held, makes the target's motion wrong by as much, for as long.
"""

from __future__ import annotations

import math

from siamx_ros.control.prediction import ConstantVelocity, OwnMotion, wrapped

BEARING_ERROR = 0.02
"""Deviation of a measured bearing, rad."""
BEARING_NOISE, BEARING_RATE = 1.0, 0.5
"""How suddenly a line of sight turns, rad^2/s^3, and how fast it may at the start, rad/s."""
RANGE_NOISE, RANGE_RATE = 0.3, 0.7
"""The same of a target that walks, m^2/s^3 and m/s."""
LEAST_RANGE_ERROR = 0.02
"""A smaller deviation of a range is not believed, m."""
RANGE_JUMP, JUMP_DEVIATIONS = 0.6, 4.0
"""A range that is further off than both, metres and deviations, is not the target's at once."""
JUMPS = 3
"""After so many in a row it is."""
LONGEST_GAP_S = 1.0
"""After a longer gap the filters start again, seconds."""


class TargetEstimate:
    """Filters of line of sight and range, and the robot's own motion below them.

    Times are ROS seconds; ``delay`` is the time from a command until the base moves, seconds.
    """

    def __init__(self) -> None:
        self._own = OwnMotion()
        self._sight = ConstantVelocity(BEARING_NOISE, BEARING_RATE)
        self._way = ConstantVelocity(RANGE_NOISE, RANGE_RATE)
        self._nearest, self._deviation, self._jumps = math.inf, 0.0, 0

    def clear(self) -> None:
        """Forget the target, but not how the robot moved."""
        self._sight.clear()
        self._way.clear()
        self._nearest, self._jumps = math.inf, 0

    def restart(self) -> None:
        """Forget everything, as when the clock was set."""
        self.clear()
        self._own.clear()

    def move(self, now: float, linear: float, angular: float) -> None:
        """Take what was commanded since the last call, m/s and rad/s."""
        approach = linear
        if linear and self._sight.time is not None:
            bearing = wrapped(self._sight.at(now)[0] - self._own.at(now)[0])
            approach = linear * math.cos(bearing)
        self._own.advance(now, angular, approach)

    def turned(self, now: float) -> float:
        """How far the robot has turned, rad."""
        return self._own.at(now)[0]

    def see_bearing(self, stamp: float, bearing: float, rate: float, delay: float) -> None:
        """Take the bearing of one image, and its rate as the camera saw it (NaN: unknown)."""
        yaw = self._own.at(stamp - delay)[0]
        if self._sight.time is None or stamp - self._sight.time > LONGEST_GAP_S:
            before = self._own.at(stamp - delay - 0.1)[0]
            turning = (yaw - before) / 0.1
            start = max(-BEARING_RATE, min(BEARING_RATE, rate + turning)) \
                if math.isfinite(rate) else 0.0
            self._sight.start(stamp, bearing + yaw, BEARING_ERROR, start)
            return
        expected = self._sight.at(max(stamp, self._sight.time))[0]
        sight = expected + wrapped(bearing + yaw - expected)
        self._sight.correct(stamp, sight, BEARING_ERROR)

    def see_range(self, stamp: float, distance: float, deviation: float, delay: float) -> bool:
        """Take the range of one image; returns False where it is too far off to be believed."""
        way = distance + self._own.at(stamp - delay)[1]
        self._nearest, self._deviation = way, deviation
        deviation = max(deviation, LEAST_RANGE_ERROR)
        if self._way.time is None or stamp - self._way.time > LONGEST_GAP_S:
            self._way.start(stamp, way, deviation)
            return True
        expected, spread, _ = self._way.at(max(stamp, self._way.time))
        allowed = max(RANGE_JUMP, JUMP_DEVIATIONS * math.hypot(spread, deviation))
        if abs(way - expected) > allowed:
            self._jumps += 1
            if self._jumps < JUMPS:
                return False
            self._way.start(stamp, way, deviation)
        else:
            self._way.correct(stamp, way, deviation)
        self._jumps = 0
        return True

    def bearing(self, now: float, delay: float) -> tuple[float, float]:
        """Bearing when a command of now takes effect, and how fast the line of sight turns."""
        if self._sight.time is None:
            return math.nan, 0.0
        sight, _, rate = self._sight.at(now + delay)
        return wrapped(sight - self._own.at(now)[0]), rate

    def range(self, now: float, delay: float) -> tuple[float, float, float]:
        """Range when a command of now takes effect, the least that it may be, the target's speed.

        The speed is positive away from the robot; NaN, NaN, 0 where no range was seen.
        """
        if self._way.time is None:
            return math.nan, math.nan, 0.0
        way, spread, speed = self._way.at(now + delay)
        own = self._own.at(now)[1]
        low = min(way - max(spread, self._deviation), self._nearest - self._deviation)
        return way - own, low - own, speed
