"""Where the target is now, from images that are older than now, as the robot moves.

Angles and ranges are filtered free of the robot's own motion, so that their rates are those of the
target: the line of sight as an angle of the world, the range as a place on the robot's own way.
"""

from __future__ import annotations

from bisect import bisect_right
import math

KEPT_S = 3.0
"""How far back the robot's own motion is kept, seconds."""


class ConstantVelocity:
    """Kalman filter of one value and its rate.

    Args:
        noise: spectral density of the acceleration, value^2 / s^3.
        rate_deviation: how large the rate may be expected to be at the start.
    """

    def __init__(self, noise: float, rate_deviation: float) -> None:
        self._noise, self._rate_variance = noise, rate_deviation ** 2
        self.time: float | None = None
        self._value = self._rate = self._vv = self._vr = self._rr = 0.0

    def clear(self) -> None:
        """Forget everything."""
        self.time = None

    def start(self, time: float, value: float, deviation: float, rate: float = 0.0) -> None:
        """Begin with one measurement."""
        self.time, self._value, self._rate = time, value, rate
        self._vv, self._vr, self._rr = deviation ** 2, 0.0, self._rate_variance

    def at(self, time: float) -> tuple[float, float, float]:
        """Value, its deviation, and rate at a time that is not before the last measurement."""
        gap = max(0.0, time - self.time)
        value, variance, _, _ = self._ahead(gap)
        return value, math.sqrt(variance), self._rate

    def correct(self, time: float, value: float, deviation: float) -> None:
        """Take a measurement; one that is older than the last is ignored."""
        if time < self.time:
            return
        expected, vv, vr, rr = self._ahead(time - self.time)
        total = vv + deviation ** 2
        gain, rate_gain, miss = vv / total, vr / total, value - expected
        self.time = time
        self._value, self._rate = expected + gain * miss, self._rate + rate_gain * miss
        self._vv, self._vr, self._rr = (1 - gain) * vv, (1 - gain) * vr, rr - rate_gain * vr

    def _ahead(self, gap: float) -> tuple[float, float, float, float]:
        """Value, and variance of value, both and rate, after a time."""
        noise = self._noise
        vv = self._vv + gap * (2 * self._vr + gap * self._rr) + noise * gap ** 3 / 3
        vr = self._vr + gap * self._rr + noise * gap ** 2 / 2
        return self._value + gap * self._rate, vv, vr, self._rr + noise * gap


class OwnMotion:
    """How far the robot has turned and driven, from its commands, by ROS time.

    A command counts from ``delay`` seconds after it was given: what was commanded up to now is
    what the base will have done then.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._places: list[tuple[float, float]] = []

    def clear(self) -> None:
        """Forget everything."""
        self._times.clear()
        self._places.clear()

    def advance(self, time: float, turning: float, approach: float) -> None:
        """Take the commanded turn (rad/s) and approach (m/s) since the last call."""
        if not self._times:
            self._times.append(time)
            self._places.append((0.0, 0.0))
            return
        gap = time - self._times[-1]
        if gap <= 0:
            return
        yaw, way = self._places[-1]
        self._times.append(time)
        self._places.append((yaw + turning * gap, way + approach * gap))
        if time - self._times[0] > 2 * KEPT_S:
            old = bisect_right(self._times, time - KEPT_S)
            del self._times[:old], self._places[:old]

    def at(self, time: float) -> tuple[float, float]:
        """Radians turned and metres approached up to a time; the last known place beyond."""
        if not self._times:
            return 0.0, 0.0
        after = bisect_right(self._times, time)
        if after == 0:
            return self._places[0]
        if after == len(self._times):
            return self._places[-1]
        start, end = self._times[after - 1], self._times[after]
        share = (time - start) / (end - start)
        (yaw, way), (next_yaw, next_way) = self._places[after - 1], self._places[after]
        return yaw + share * (next_yaw - yaw), way + share * (next_way - way)


def wrapped(angle: float) -> float:
    """An angle between -pi and pi."""
    return math.remainder(angle, 2 * math.pi)
