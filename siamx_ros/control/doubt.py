"""How much speed is left while something is in doubt."""

from __future__ import annotations

import math

ONSET_S = 0.1
"""The deceleration grows for so long, seconds: a robot that brakes at once frightens people."""


class Doubt:
    """Bounds a speed from when a doubt begins, to zero at the latest moment that is allowed.

    The bound is as high as the brakes allow, so that a doubt of a few images costs little.

    Args:
        grace: how long nothing new is no doubt, seconds.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._speed: float | None = None

    def bound(self, now: float, certain: float, doubtful: bool, end: float, speed: float,
              deceleration: float) -> float:
        """Largest speed now; infinity without a doubt.

        Args:
            now: seconds.
            certain: when there was no doubt for the last time, seconds; -inf for never.
            doubtful: whether what came last is in doubt.
            end: how long after ``certain`` the speed is zero, seconds.
            speed: at the moment; the bound starts there.
            deceleration: what the brakes can do, m/s^2.
        """
        if not doubtful and now - certain <= self._grace:
            self._speed = None
            return math.inf
        if self._speed is None:
            self._speed = speed
        return braked(self._speed, certain + end - now, deceleration)

    def clear(self) -> None:
        """There is none any more."""
        self._speed = None

    @property
    def begun(self) -> bool:
        """Whether the last bound was one."""
        return self._speed is not None


def braked(speed: float, left: float, deceleration: float) -> float:
    """What may be left of a speed so many seconds before the robot must stand."""
    if left <= 0:
        return 0.0
    onset = min(ONSET_S, math.sqrt(2 * speed * ONSET_S / deceleration))
    full = max(0.0, speed / deceleration - ONSET_S / 2)
    if left <= full:
        return deceleration * left
    braking = max(0.0, onset + full - left)
    return speed - deceleration * braking ** 2 / (2 * ONSET_S)
