"""A box that turns round at once: it may have slid onto somebody who walks the other way."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from siamx_ros.geometry import BoundingBox

BEFORE, AFTER = 8, 4
"""Places that show how the target moved before, and how the box moves now."""
LEAST_WAY = 1.0
"""How far the target must have come before, relative to its size."""
STRAIGHT = 0.2
"""How far those places may lie beside a line, root mean square, relative to its size."""
BACK = 0.5
"""How fast the box must go back, relative to how fast the target came."""


@dataclass(frozen=True)
class Turn:
    """A box turned round at once; the target may have gone straight on.

    Attributes:
        stamp: when that was seen, seconds.
        until: how long the target's motion of before holds.
        since, place, velocity: that motion: from a place (x, y), at a time, in pixels a second.
    """

    stamp: float
    until: float
    since: float
    place: np.ndarray
    velocity: np.ndarray

    def at(self, stamp: float) -> tuple[float, float]:
        """Where the target is then, if it went straight on."""
        return tuple((self.place + (stamp - self.since) * self.velocity).tolist())


class TurnCheck:
    """The places of one box in the newest images: who walks does not turn round at once."""

    def __init__(self) -> None:
        self._places: deque[tuple[float, ...]] = deque(maxlen=BEFORE + AFTER)

    def clear(self) -> None:
        """Forget all places."""
        self._places.clear()

    def note(self, stamp: float, box: BoundingBox) -> Turn | None:
        """Take in where the box is, image pixels, at a time in seconds; a turn that this shows.

        After one, places are gathered afresh.
        """
        if self._places and stamp <= self._places[-1][0]:
            self.clear()
        self._places.append((stamp, *box.centre, box.w, box.h))
        if len(self._places) < BEFORE + AFTER:
            return None
        places = np.array(self._places)
        before, now = places[:BEFORE], places[BEFORE:]
        size = before[:, 3:].mean(0)
        velocity, beside = _line(before)
        came, goes = velocity / size, _line(now)[0] / size
        way = np.linalg.norm(came) * (before[-1, 0] - before[0, 0])
        if (way < LEAST_WAY or np.sqrt(((beside / size) ** 2).sum(1).mean()) > STRAIGHT
                or goes @ came > -BACK * (came @ came)):
            return None
        self.clear()
        return Turn(stamp, 2 * stamp - places[0, 0], before[:, 0].mean(), before[:, 1:3].mean(0),
                    velocity)


def _line(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Velocity of the straight motion through places, and how far each lies beside it, pixels."""
    times, away = places[:, 0] - places[:, 0].mean(), places[:, 1:3] - places[:, 1:3].mean(0)
    velocity = times @ away / (times @ times)
    return velocity, away - np.outer(times, velocity)
