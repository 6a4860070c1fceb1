"""How a target moved while it was alone: it tells apart two that look alike and have met."""

from __future__ import annotations

from collections import deque

import numpy as np

from siamx_ros.geometry import BoundingBox

PLACES = 10
"""Newest places from which a course is made."""
LONGEST = 2.0
"""How long a course holds after the last of them, seconds."""


class Course:
    """Places of one target in images where no other touched it."""

    def __init__(self) -> None:
        self._places: deque[tuple[float, float, float]] = deque(maxlen=PLACES)

    def note(self, stamp: float, box: BoundingBox) -> None:
        """Take in where the target was, in image pixels, at a time in seconds."""
        if self._places and stamp <= self._places[-1][0]:
            self._places.clear()
        self._places.append((stamp, *box.centre))

    def expected(self, stamp: float) -> tuple[float, float] | None:
        """The centre if the target goes on as before, image pixels; None where that is unknown."""
        if len(self._places) < 2:
            return None
        places = np.array(self._places)
        times, last = places[:, 0] - places[:, 0].mean(), places[-1]
        ahead = stamp - last[0]
        if not 0 < ahead <= LONGEST:
            return None
        velocity = times @ places[:, 1:] / (times @ times)
        return tuple((last[1:] + ahead * velocity).tolist())
