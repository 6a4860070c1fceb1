"""How much larger or smaller the target became, compared with its appearance at its true size.

The appearance is that of the first image, renewed slowly, so that the size does not creep away as
it does where each frame is only compared with the one before. Gradient histograms of the target at
neighbouring scales are correlated with it; the height of the best correlation says how far it is to
be believed.

All scales go through every step together: between two runs of the network, the first use of each
operation takes longer than the numbers it computes.
"""

from __future__ import annotations

from functools import lru_cache
import math
from typing import NamedTuple

import cv2
import numpy as np

from siamx_ros.reduced_image import AnyImage, area_around, area_of, halved

STEP = 1.05
"""Ratio of neighbouring scales."""
REACH = 6
"""Scales that may be tried to each side."""
NEAR = 2
"""Scales that are tried first: the others only beyond one that is outermost and the best."""
SIDE = 48
"""Side of the patch that is described, pixels."""
WIDTH = SIDE + 2
"""The same with a pixel around it, for the gradients at its edge."""
PADDING = 1.2
"""Described area relative to the target, each axis."""
CELL = 8
"""Side of a histogram's area, pixels."""
CELLS = SIDE // CELL
BINS = 9
"""Gradient directions over half a turn."""
TURN_BINS = 2 * BINS + 2
"""Bins while both halves are counted apart: a whole turn, its end rounded up and the next one."""
ENERGY_FLOOR = 128.0
"""Histogram energy of a cell without texture; differences of grey levels two pixels apart."""
RATE = 0.03
"""Share of a confirmed frame in the appearance."""
SMALLEST_NORM = 1e-6


class ScaleMatch(NamedTuple):
    """Ratio of the target's size to the one asked about, and the correlation there, -1 to 1."""

    factor: float
    similarity: float


class ScaleTemplate:
    """Appearance of one target at its true size.

    Args:
        image: H x W x 3 uint8 BGR.
        centre: of the target, image pixels.
        size: its width and height, image pixels.
    """

    def __init__(self, image: np.ndarray, centre: tuple[float, float],
                 size: tuple[float, float]) -> None:
        self._descriptor = _descriptor(image, centre, size)

    def find(self, image: np.ndarray, centre: tuple[float, float],
             size: tuple[float, float]) -> ScaleMatch:
        """Compare the target's size in ``image`` with ``size``."""
        source = _source(image, centre, size, REACH)
        similarity = self._similarity(source, -NEAR, NEAR)
        first, best = -NEAR, int(similarity.argmax())
        if best == 0:
            first = -REACH
            similarity = np.append(self._similarity(source, first, -NEAR - 1), similarity)
        elif best == len(similarity) - 1:
            similarity = np.append(similarity, self._similarity(source, NEAR + 1, REACH))
        best = int(similarity.argmax())
        return ScaleMatch(
            STEP ** (first + best + _summit(similarity, best)), float(similarity[best]))

    def learn(self, image: np.ndarray, centre: tuple[float, float],
              size: tuple[float, float]) -> None:
        """Take in the appearance of the target at a confirmed place and size."""
        self._descriptor += RATE * (_descriptor(image, centre, size) - self._descriptor)

    def _similarity(self, source: _Source, first: int, last: int) -> np.ndarray:
        """To the appearance, at each of these scales."""
        return _descriptors(source, first, last) @ _normalised(self._descriptor)


def _descriptor(image: np.ndarray, centre: tuple[float, float],
                size: tuple[float, float]) -> np.ndarray:
    """The target at ``size``, as a vector of mean 0 and length 1."""
    return _descriptors(_source(image, centre, size, 0), 0, 0)[0]


def _descriptors(source: _Source, first: int, last: int) -> np.ndarray:
    """The target at these scales, counted from its own: rows of mean 0 and length 1."""
    histograms = gradient_histograms(_cut(source, first, last)).reshape(last - first + 1, -1)
    return _normalised(histograms - histograms.mean(1, keepdims=True))


def _normalised(vectors: np.ndarray) -> np.ndarray:
    """Each of length 1; what has none stays 0."""
    lengths = np.sqrt(np.einsum('...i,...i', vectors, vectors))
    return vectors / np.maximum(lengths, SMALLEST_NORM)[..., None]


def gradient_histograms(patches: np.ndarray) -> np.ndarray:
    """Histograms of gradient directions, each cell normalised by the energy around it.

    Args:
        patches: of grey uint8 one below the other, N * WIDTH x WIDTH.

    Returns:
        N x cells x BINS; magnitudes are shared between neighbouring bins.
    """
    grey = patches.reshape(-1, WIDTH, WIDTH).astype(np.float32)
    dx = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]
    dy = grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    magnitude, angle = cv2.cartToPolar(dx.reshape(-1, SIDE), dy.reshape(-1, SIDE))
    position = angle * np.float32(BINS / np.pi)
    lower = np.floor(position)
    upper = (position - lower) * magnitude
    tables = _tables(len(grey))
    bins = (lower.astype(np.intp) + tables.first_bins).ravel()
    sums = np.bincount(bins, (magnitude - upper).ravel(), tables.count)
    sums[1:] += np.bincount(bins, upper.ravel(), tables.count)[:-1]
    histograms = sums.reshape(-1, TURN_BINS) @ tables.fold
    energy = np.sqrt(np.einsum('ij,ij->i', histograms, histograms)).reshape(-1, CELLS * CELLS)
    around = energy @ tables.neighbours + ENERGY_FLOOR
    return histograms.reshape(*around.shape, BINS) / around[..., None]


class _Tables(NamedTuple):
    """What :func:`gradient_histograms` needs for a number of patches.

    Attributes:
        first_bins: N * SIDE x SIDE, the first bin of each pixel's cell.
        count: of all bins.
        fold: TURN_BINS x BINS, adds opposite directions.
        neighbours: cells x cells, column k averages the 3 x 3 cells around cell k, reflected at the
            edge of the patch.
    """

    first_bins: np.ndarray
    count: int
    fold: np.ndarray
    neighbours: np.ndarray


@lru_cache(maxsize=8)
def _tables(patches: int) -> _Tables:
    row = np.arange(SIDE) // CELL
    cell = row[:, None] * CELLS + row + CELLS * CELLS * np.arange(patches)[:, None, None]
    fold = np.tile(np.eye(BINS), (3, 1))[:TURN_BINS]
    unit = np.eye(CELLS * CELLS).reshape(-1, CELLS, CELLS)
    neighbours = np.array([cv2.blur(one, (3, 3)) for one in unit]).reshape(len(unit), -1)
    return _Tables(cell.reshape(-1, SIDE) * TURN_BINS, TURN_BINS * patches * CELLS * CELLS, fold,
                   neighbours)


class _Source(NamedTuple):
    """The surroundings of a target in grey.

    Attributes:
        pixels: uint8, no finer than is needed.
        origin: (x, y) of the target's centre in it, pixels from the middle of the first.
        size: width and height in it of the area that is described at scale 1.
    """

    pixels: np.ndarray
    origin: tuple[float, float]
    size: tuple[float, float]


def _source(image: AnyImage, centre: tuple[float, float], size: tuple[float, float],
            reach: int) -> _Source:
    """What is needed to describe a target of ``size`` at ``reach`` scales to each side.

    It is halved until a patch of the smallest scale has about its resolution: halving is by far
    the fastest way to average. Edges are repeated outside the image.
    """
    image, centre, size = area_of(image, centre, size)
    corner, area, halves, described = [], [], [], []
    for place, side in zip(centre, size):
        side *= PADDING
        halving = max(0, round(math.log2(side / STEP ** reach / SIDE)))
        step = 2 ** halving
        area.append((math.ceil(side * STEP ** reach * WIDTH / SIDE / step) + 2) * step)
        corner.append(round(place - area[-1] / 2))
        halves.append(halving)
        described.append(side / step)
    pixels = cv2.cvtColor(area_around(image, corner, area), cv2.COLOR_BGR2GRAY)
    origin = tuple((place - low) / 2 ** halving - 0.5
                   for place, low, halving in zip(centre, corner, halves))
    return _Source(halved(pixels, *halves), origin, tuple(described))


def _cut(source: _Source, first: int, last: int) -> np.ndarray:
    """The described area at these scales, one patch below the other."""
    places = [grid * np.float32(side) + np.float32(start)
              for grid, side, start in zip(_grids(first, last), source.size, source.origin)]
    return cv2.remap(
        source.pixels, *places, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@lru_cache(maxsize=8)
def _grids(first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the pixels of patches at these scales, one below the other.

    N * WIDTH x WIDTH float32 each, from the target's centre, in described sizes at scale 1.
    """
    factors = STEP ** np.arange(first, last + 1.0)
    places = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / SIDE
    x = np.outer(np.repeat(factors, WIDTH), places)
    y = np.repeat(np.outer(factors, places).reshape(-1, 1), WIDTH, 1)
    return x.astype(np.float32), y.astype(np.float32)


def _summit(similarity: np.ndarray, best: int) -> float:
    """Offset of the parabola through the best value and its neighbours, in steps."""
    if not 0 < best < len(similarity) - 1:
        return 0.0
    before, at, after = similarity[best - 1:best + 2].tolist()
    curvature = before - 2 * at + after
    return min(max(0.5 * (before - after) / curvature, -0.5), 0.5) if curvature < 0 else 0.0
