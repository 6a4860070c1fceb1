"""A speed that changes within limits."""

from __future__ import annotations

from dataclasses import dataclass
import math

from siamx_ros.control.limits import FollowLimits


@dataclass(frozen=True)
class Rates:
    """How fast a speed may change, per second: away from zero, towards zero; and the jerk."""

    up: float
    down: float
    jerk: float


def turning_rates(limits: FollowLimits) -> Rates:
    """How fast a turning rate may change."""
    return Rates(limits.max_angular_acceleration, limits.max_angular_acceleration,
                 limits.max_angular_jerk)


class Profile:
    """One speed, signed; it passes through zero before it changes its sign."""

    def __init__(self) -> None:
        self.speed = self._growth = 0.0

    def next(self, wanted: float, rates: Rates, elapsed_s: float,
             urgent: float = math.inf) -> float:
        """The speed after ``elapsed_s``, as near to ``wanted`` as the rates allow.

        Towards a size of ``urgent`` it falls without regard to the jerk.
        """
        size = abs(self.speed)
        sign = math.copysign(1.0, self.speed if self.speed else wanted)
        goal = max(0.0, sign * wanted)
        rising = goal > size
        largest = min(rates.up if rising else rates.down,
                      math.sqrt(2 * rates.jerk * abs(goal - size)))
        grown = abs(self._growth) if rising == (self._growth > 0) else 0.0
        growth = min(largest, grown + rates.jerk * elapsed_s)
        step = min(growth * elapsed_s, abs(goal - size))
        if rising:
            self._growth, after = growth, size + step
        else:
            self._growth, after = -growth, size - step
        self.speed = sign * after
        return self.limit(max(urgent, size - rates.down * elapsed_s))

    def limit(self, largest: float) -> float:
        """Cut the speed to a size at once."""
        if abs(self.speed) > largest:
            self.speed, self._growth = math.copysign(largest, self.speed), 0.0
        return self.speed


def speed_to_stop_within(gap: float, reaction_s: float, deceleration: float) -> float:
    """Largest speed from which a robot stops within ``gap`` metres; 0 for none."""
    if gap <= 0:
        return 0.0
    lag = deceleration * reaction_s
    return math.sqrt(lag * lag + 2 * deceleration * gap) - lag
