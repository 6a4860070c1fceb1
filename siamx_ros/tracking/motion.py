"""Momentum compensation: where the search centre drifts (paper, Eq. 9)."""

from __future__ import annotations

from dataclasses import dataclass
import math

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox

STEADY_SHARE = 1 / 8
"""Motion from one image to the next below which a target is steady, relative to the side of the
search window."""
REACHABLE = 1 / 2
"""The same, relative to how far the small search window reaches."""
SMOOTH_SHIFT = 0.3
"""How far from where it is expected a target that goes on smoothly lies, relative to its size."""
SMOOTH_GROWTH = 1.25
"""How many times larger or smaller it looks."""


@dataclass(frozen=True)
class Observation:
    """One past frame: its box, whether it was reliable (conf >= th), whether it was a jump."""

    box: BoundingBox
    reliable: bool
    jumped: bool = False


def velocity(history: list[Observation]) -> tuple[float, float]:
    """First half of Eq. (9): d = S_c(t-1) - S_c(t-2) in pixels per frame.

    NaN unless both frames were reliable and neither was a re-localisation: a jump is no velocity.
    """
    if len(history) < 2:
        return math.nan, math.nan
    older, newer = history[-2:]
    if not (older.reliable and newer.reliable) or older.jumped or newer.jumped:
        return math.nan, math.nan
    (x0, y0), (x1, y1) = older.box.centre, newer.box.centre
    return x1 - x0, y1 - y0


def displacement(history: list[Observation]) -> tuple[float, float]:
    """The velocity to drift with, pixels per frame: zero where it is not known."""
    shift = velocity(history)
    return (0.0, 0.0) if math.isnan(shift[0]) else shift


def goes_on(history: list[Observation], box: BoundingBox) -> bool:
    """Whether a box continues a track smoothly: at rest or with the last step, at its size.

    Args:
        history: past frames, newest last; at least one.
        box: what was seen after them.
    """
    last = history[-1].box
    (x, y), (older_x, older_y) = last.centre, history[0].box.centre
    distance = min(math.dist(box.centre, place)
                   for place in ((x, y), (2 * x - older_x, 2 * y - older_y)))
    growth = math.sqrt(box.area / last.area)
    return (distance <= SMOOTH_SHIFT * math.sqrt(last.area)
            and 1 / SMOOTH_GROWTH <= growth <= SMOOTH_GROWTH)


def is_fast(shift: tuple[float, float], box: BoundingBox) -> bool:
    """The condition in the text of Sec. IV: displacement larger than the target, on either axis."""
    return abs(shift[0]) > box.w or abs(shift[1]) > box.h


def is_steady(history: list[Observation], side: float, reach: float, delay: float = 1.0) -> bool:
    """Whether the target is known to have moved so little by now that a small window shows it.

    Args:
        history: past frames, newest last.
        side: of the whole search window, pixels.
        reach: how far from its middle the small window finds a target, pixels.
        delay: time since the newest frame, relative to that between the two before.
    """
    return max(map(abs, velocity(history))) * delay < min(STEADY_SHARE * side, REACHABLE * reach)


def drifted_centre(history: list[Observation], window: tuple[float, float],
                   image_size: tuple[int, int], config: TrackerConfig) -> tuple[float, float]:
    """Second half of Eq. (9): the search centre for the next frame.

    Args:
        history: past frames, newest last; at least one.
        window: width and height of the search window, pixels. The drift along each axis is at most
            half of what the window is longer than the last seen box, which it then still holds.
        image_size: (width, height); the centre stays inside.
    """
    box = history[-1].box
    shift = displacement(history)
    if config.momentum_gate == 'fast' and not is_fast(shift, box):
        shift = (0.0, 0.0)
    centre = []
    for start, step, length, size, limit in zip(
            box.centre, shift, window, (box.w, box.h), image_size):
        bound = max(0.0, (length - size) / 2)
        step = min(max(step * config.momentum, -bound), bound)
        centre.append(min(max(start + step, 0.0), float(limit)))
    return centre[0], centre[1]
