"""The colours of a target's upper and lower half, such as shirt and trousers, to know it again."""

from __future__ import annotations

import math

import numpy as np

from siamx_ros.geometry import BoundingBox
from siamx_ros.reduced_image import AnyImage, ReducedImage

BANDS = ((0.2, 0.45), (0.55, 0.85))
"""From where to where upper and lower half are looked at, shares of the box's height: no head, no
belt, no feet."""
ACROSS = 0.6
"""Share of the box's width, about its middle, that is looked at."""
ROWS, COLUMNS = 14, 24
"""Points of each band."""
LEAST_POINTS = 40
DARK = 4.0
"""Mean grey level below which a half has no hue."""
BRIGHTNESS = 0.3
"""Weight of how much darker one half is than the other (natural logarithm) against hues."""
DIFFERS = 0.06
"""Colours that differ by more are those of another."""
NEW = 0.015
"""Colours that differ by more from all known ones are remembered, too: of another side, in another
light."""
FIRST, REMEMBERED = 8, 40
"""How many are kept for ever, and how many there are at most."""
DOUBLED_S = 120.0
"""After this long, twice the difference is allowed, for the light may have changed; and so on."""


class Points:
    """Where a box of an image is looked at."""

    def __init__(self, box: BoundingBox) -> None:
        half = ACROSS / 2
        columns = box.centre[0] + box.w * np.linspace(-half, half, COLUMNS)
        rows = np.concatenate([box.y + box.h * np.linspace(*band, ROWS) for band in BANDS])
        self._x, self._y = np.meshgrid(columns, rows)

    def of(self, values: AnyImage) -> np.ndarray:
        """Values of an image at these points, the upper band first; NaN beyond the border."""
        array, factor = (values.pixels, values.factor) if isinstance(values, ReducedImage) else (
            values, 1)
        x, y = (np.floor(at / factor).astype(int) for at in (self._x, self._y))
        height, width = array.shape[:2]
        found = array[y.clip(0, height - 1), x.clip(0, width - 1)].astype(np.float32)
        found[(x < 0) | (x >= width) | (y < 0) | (y >= height)] = np.nan
        return found


def colours(image: AnyImage, depth: np.ndarray, box: BoundingBox,
            reach: tuple[float, float]) -> np.ndarray | None:
    """Hues of upper and lower half and how their brightness differs: 5 numbers.

    They do not depend on the brightness of the light.

    Args:
        image: H x W x 3 uint8 BGR, or blocks of it.
        depth: H x W metres, registered to the image.
        reach: least and largest depth of what belongs to the target.

    Returns:
        None where too little of a half is seen, or it is black.
    """
    points = Points(box)
    there = points.of(depth)
    pixels = points.of(image) + 1
    seen = (there >= reach[0]) & (there <= reach[1]) & np.isfinite(pixels).all(2)
    halves = [pixels[part][seen[part]] for part in (slice(ROWS), slice(ROWS, None))]
    if min(map(len, halves)) < LEAST_POINTS:
        return None
    upper, lower = (float(half.mean()) for half in halves)
    if min(upper, lower) < DARK:
        return None
    hues = [(half / half.sum(1, keepdims=True)).mean(0)[1:] for half in halves]
    return np.array([*hues[0], *hues[1], BRIGHTNESS * math.log(lower / upper)])


class TargetColours:
    """Remembers how one target looked, from all sides that were seen."""

    def __init__(self) -> None:
        self._known: list[np.ndarray] = []

    def clear(self) -> None:
        """Forget the target."""
        self._known.clear()

    def learn(self, seen: np.ndarray) -> None:
        """Take colours that are surely the target's."""
        if self._known and self._difference(seen) <= NEW:
            return
        if len(self._known) >= REMEMBERED:
            del self._known[FIRST]
        self._known.append(seen)

    def alike(self, seen: np.ndarray, gap: float) -> bool:
        """Whether colours can be the target's, so many seconds after it was seen."""
        return not self._known or self._difference(seen) <= DIFFERS * (1 + gap / DOUBLED_S)

    def _difference(self, seen: np.ndarray) -> float:
        return min(float(np.abs(known - seen).max()) for known in self._known)
