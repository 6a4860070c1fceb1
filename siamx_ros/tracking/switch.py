"""Identity switches: a box that slid onto somebody who walks the other way, seen by its motion."""

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
SAME_PLACE = 0.5
"""Distance from where the other one is expected, relative to the size, within which it is seen."""


@dataclass(frozen=True)
class Motion:
    """Straight on from a place (x, y) at a time in seconds, by a velocity in pixels a second."""

    stamp: float
    place: np.ndarray
    velocity: np.ndarray

    def at(self, stamp: float) -> np.ndarray:
        """Where that leads to."""
        return self.place + (stamp - self.stamp) * self.velocity


@dataclass(frozen=True)
class Switch:
    """A box left its target for somebody else.

    Attributes:
        stamp: when that was seen, seconds.
        until: how long the two motions hold.
        target, other: how the target moved before, and how the box moves now.
    """

    stamp: float
    until: float
    target: Motion
    other: Motion

    def is_other(self, stamp: float, box: BoundingBox) -> bool:
        """Whether a box is where the other one is expected."""
        x, y = (box.centre - self.other.at(stamp)) / (box.w, box.h)
        return x * x + y * y < SAME_PLACE ** 2


class SwitchCheck:
    """The places of one box in the newest images: who walks does not turn round at once."""

    def __init__(self) -> None:
        self._places: deque[tuple[float, ...]] = deque(maxlen=BEFORE + AFTER)

    def clear(self) -> None:
        """Forget all places."""
        self._places.clear()

    def note(self, stamp: float, box: BoundingBox) -> Switch | None:
        """Take in where the box is, image pixels, at a time in seconds; a switch that this shows.

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
        (target, beside), (other, _) = _line(before), _line(now)
        came, goes = target.velocity / size, other.velocity / size
        way = np.linalg.norm(came) * (before[-1, 0] - before[0, 0])
        if (way < LEAST_WAY or np.sqrt(((beside / size) ** 2).sum(1).mean()) > STRAIGHT
                or goes @ came > -BACK * (came @ came)):
            return None
        self.clear()
        return Switch(stamp, stamp + stamp - places[0, 0], target,
                      Motion(stamp, now[-1, 1:3], other.velocity))


def _line(places: np.ndarray) -> tuple[Motion, np.ndarray]:
    """The straight motion through places, and how far each lies beside it, pixels."""
    stamp, middle = places[:, 0].mean(), places[:, 1:3].mean(0)
    times, away = places[:, 0] - stamp, places[:, 1:3] - middle
    velocity = times @ away / (times @ times)
    return Motion(stamp, middle, velocity), away - np.outer(times, velocity)
