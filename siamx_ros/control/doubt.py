"""How much speed is left while something is in doubt."""

from __future__ import annotations

import math


class Doubt:
    """Bounds a speed from when a doubt begins, to zero at the latest moment that is allowed.

    The bound falls slowly at first, so that a doubt of a few images costs little.
    """

    def __init__(self) -> None:
        self._since: float | None = None
        self._speed = 0.0

    def bound(self, now: float, certain: float, doubtful: bool, grace: float, end: float,
              speed: float) -> float:
        """Largest speed now; infinity without a doubt.

        Args:
            now: seconds.
            certain: when there was no doubt for the last time, seconds; -inf for never.
            doubtful: whether what came last is in doubt.
            grace: how long nothing new is no doubt, seconds.
            end: how long after ``certain`` the speed is zero, seconds.
            speed: at the moment; the bound starts there.
        """
        if not doubtful and now - certain <= grace:
            self._since = None
            return math.inf
        if certain == -math.inf:
            self._since = now
            return 0.0
        if self._since is None:
            self._since = now if doubtful else certain + grace
            self._speed = speed
        span = certain + end - self._since
        share = (now - self._since) / span if span > 0 else 1.0
        return self._speed * max(0.0, 1 - share * share)

    @property
    def begun(self) -> bool:
        """Whether the last bound was one."""
        return self._since is not None
