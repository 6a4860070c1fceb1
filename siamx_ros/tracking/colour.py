"""How far what is seen has the target's colours, which tells it from others of the same shape.

Histograms in CIE Lab, whose a and b are brought to a common lightness, so that a change of exposure
costs little. Half of the memory is the first image's and stays, half follows slowly.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from siamx_ros.geometry import BoundingBox
from siamx_ros.reduced_image import AnyImage, area_of

SIDE = 24
"""Side of the patch whose pixels are counted."""
INSIDE = (0.7, 0.8)
"""Counted share of a box's width and height, around its centre: corners show the background."""
BINS = (2, 12, 12)
"""Of L, a and b."""
COLOUR_RANGE = 64.0
"""Values of a and b beyond this, to both sides of grey, count as this."""
LIGHTNESS, DARKEST = 50.0, 15.0
"""To which a and b are brought, and below which they are thought to be noise; L from 0 to 100."""
COUNTS = np.array(BINS)[:, None]
LAST_LOWER = COUNTS - 2
STRIDES = np.array([BINS[1] * BINS[2], BINS[2], 1])
CORNERS = (np.array(list(np.ndindex(2, 2, 2))) @ STRIDES)[:, None]
"""Indices of the eight bins around a pixel, relative to the lowest of them."""
RATE, USUAL_RATE = 0.1, 0.05
"""Share of a frame that teaches in the half that follows, and in the usual similarity."""
TOLERANCE = 0.05
"""How much below the usual a similarity may be before it is strange."""
STRENGTH, MOST = 15.0, 3.0
"""Doubt for each unit of similarity that is missing then, and the most there is: in another light
the target still can be found again."""


class ColourTemplate:
    """Colours of one target.

    Args:
        image: H x W x 3 uint8 BGR, or blocks of it.
        box: of the target, image pixels.
    """

    def __init__(self, image: AnyImage, box: BoundingBox) -> None:
        self._first = colour_histogram(image, box)
        self._recent = self._first.copy()
        self._usual = 0.0

    def compare(self, image: AnyImage, box: BoundingBox) -> float:
        """Bhattacharyya coefficient of the colours in ``box`` and the target's, 0 to 1."""
        known = (self._first + self._recent) / 2
        return float(np.sqrt(known * colour_histogram(image, box)).sum())

    def expect(self, similarity: float) -> None:
        """Take in what :meth:`compare` gave for the target itself."""
        self._usual += (USUAL_RATE if self._usual else 1.0) * (similarity - self._usual)

    def strangeness(self, similarity: float) -> float:
        """By how much less than usual a similarity is, as doubt in a logit, 0 to ``MOST``."""
        return min(max(STRENGTH * (self._usual - TOLERANCE - similarity), 0.0), MOST)

    def learn(self, image: AnyImage, box: BoundingBox) -> None:
        """Take in the colours at a confirmed box."""
        self._recent += RATE * (colour_histogram(image, box) - self._recent)


def colour_histogram(image: AnyImage, box: BoundingBox) -> np.ndarray:
    """Shares of all bins, each pixel divided among its eight nearest; zeros for a box outside.

    Args:
        image: H x W x 3 uint8 BGR, or blocks of it.
        box: image pixels; what of it is outside is left out.
    """
    inner = _inner_part(image, box)
    if inner.size == 0:
        return np.zeros(math.prod(BINS))
    rows, columns = (max(1, length // (2 * SIDE)) for length in inner.shape[:2])
    inner = np.ascontiguousarray(inner[::rows, ::columns])  # two a side are enough for a mean
    patch = cv2.resize(inner, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(patch.astype(np.float32) / 255, cv2.COLOR_BGR2LAB).reshape(-1, 3).T
    places = _places(lab)
    lower = np.minimum(places.astype(np.intp), LAST_LOWER)
    upper = places - lower
    light, a, b = np.stack([1 - upper, upper], 1)
    weights = light[:, None, None] * (a[:, None] * b)
    index = STRIDES @ lower + CORNERS
    return np.bincount(index.ravel(), weights.ravel(), math.prod(BINS)) / lab.shape[1]


def _places(lab: np.ndarray) -> np.ndarray:
    """Where pixels (3 x N) lie among the bins of each channel.

    Light scales a, b and L + 16: all three grow with its cube root, so that their ratios stay.
    """
    lightness = lab[0]
    scale = (LIGHTNESS + 16) / (np.maximum(lightness, DARKEST) + 16)
    shares = np.stack([lightness / 100, *(lab[1:] * scale / (2 * COLOUR_RANGE) + 0.5)])
    return (shares * COUNTS - 0.5).clip(0, COUNTS - 1)


def _inner_part(image: AnyImage, box: BoundingBox) -> np.ndarray:
    """What of an image lies in the inner part of a box, at least one pixel of it."""
    pixels, centre, size = area_of(image, box.centre, (box.w, box.h))
    rows_and_columns = []
    for middle, side, share, limit in zip(
            centre[::-1], size[::-1], INSIDE[::-1], pixels.shape):
        low, high = round(middle - share * side / 2), round(middle + share * side / 2)
        rows_and_columns.append(slice(max(low, 0), max(min(max(high, low + 1), limit), 0)))
    return pixels[tuple(rows_and_columns)]
