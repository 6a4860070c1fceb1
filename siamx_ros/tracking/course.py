"""How a target moved while nothing disturbed it: it tells apart two that look alike and meet."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
import math

import numpy as np

from siamx_ros.geometry import BoundingBox


@dataclass(frozen=True)
class Rule:
    """When places make a course.

    Attributes:
        newest: places that are kept, those noted last.
        least: fewer make none.
        seconds: how long it holds after the last of them.
        span: the same, relative to the time from the first to the last.
        straight: how far they may lie beside it, root mean square, relative to the target's size.
    """

    newest: int
    least: int
    seconds: float = math.inf
    span: float = math.inf
    straight: float = math.inf


ALONE = Rule(newest=10, least=2, seconds=2.0)
"""For places where no other target touched it."""
CLEAR = Rule(newest=12, least=6, span=0.5, straight=0.2)
"""For places where nothing else looked like it."""


class Course:
    """Places of one target in images where nothing disturbed it."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._places: deque[tuple[float, float, float, float]] = deque(maxlen=rule.newest)

    def note(self, stamp: float, box: BoundingBox) -> None:
        """Take in where the target was, in image pixels, at a time in seconds."""
        if self._places and stamp <= self._places[-1][0]:
            self.clear()
        self._places.append((stamp, *box.centre, math.sqrt(box.area)))

    def clear(self) -> None:
        """Forget all places."""
        self._places.clear()

    def expected(self, stamp: float) -> tuple[float, float] | None:
        """The centre if the target goes on as before, image pixels; None where that is unknown."""
        rule = self._rule
        if len(self._places) < rule.least:
            return None
        places = np.array(self._places)
        times, centres, size = places[:, 0], places[:, 1:3], places[-1, 3]
        ahead = stamp - times[-1]
        if not 0 < ahead <= min(rule.seconds, rule.span * (times[-1] - times[0])):
            return None
        times = times - times.mean()
        velocity = times @ centres / (times @ times)
        beside = centres - centres.mean(0) - np.outer(times, velocity)
        if np.sqrt((beside ** 2).sum(1).mean()) > rule.straight * size:
            return None
        return tuple((centres[-1] + ahead * velocity).tolist())
