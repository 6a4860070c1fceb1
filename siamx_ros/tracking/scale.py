"""How much larger or smaller the target became, by comparison with how it looked at its true size.

The look is the first image's, renewed slowly, so that its size does not creep away as it does where
each frame is only compared with the one before. Gradient histograms of the target at neighbouring
scales are correlated with it; the height of the best correlation says how far it is to be believed.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

SCALES = 13
STEP = 1.05
"""Ratio of neighbouring scales."""
SIDE = 48
"""Side of the patch that is described, pixels."""
PADDING = 1.2
"""Described area relative to the target, each axis."""
CELL = 8
"""Side of a histogram's area, pixels."""
BINS = 9
"""Gradient directions over half a turn."""
TURN_BINS = 2 * BINS + 2
"""Bins while both halves are counted apart: a whole turn, its end rounded up and the next one."""
ENERGY_FLOOR = 64.0
"""Histogram energy of a cell without texture, grey levels."""
RATE = 0.03
"""Share of a confirmed frame in the look."""
SMALLEST_NORM = 1e-6


class ScaleMatch(NamedTuple):
    """Ratio of the target's size to the one asked about, and the correlation there, -1 to 1."""

    factor: float
    similarity: float


class ScaleTemplate:
    """How one target looks at its true size.

    Args:
        image: H x W x 3 uint8 BGR.
        centre: of the target, image pixels.
        size: its width and height, image pixels.
    """

    def __init__(self, image: np.ndarray, centre: tuple[float, float],
                 size: tuple[float, float]) -> None:
        self._look = _looks(image, centre, size, np.ones(1))[0]

    def find(self, image: np.ndarray, centre: tuple[float, float],
             size: tuple[float, float]) -> ScaleMatch:
        """Compare the target's size in ``image`` with ``size``."""
        factors = STEP ** (np.arange(SCALES) - SCALES // 2).astype(float)
        similarity = _looks(image, centre, size, factors) @ _normalised(self._look)
        best = int(similarity.argmax())
        return ScaleMatch(
            float(factors[best] * STEP ** _summit(similarity, best)), float(similarity[best]))

    def learn(self, image: np.ndarray, centre: tuple[float, float],
              size: tuple[float, float]) -> None:
        """Take in how the target looks at a confirmed place and size."""
        self._look += RATE * (_looks(image, centre, size, np.ones(1))[0] - self._look)


def _looks(image: np.ndarray, centre: tuple[float, float], size: tuple[float, float],
           factors: np.ndarray) -> np.ndarray:
    """The target at ``factors`` times ``size``, described: rows of mean 0 and length 1."""
    patches = _cut(image, centre, (size[0] * PADDING, size[1] * PADDING), factors)
    histograms = gradient_histograms(patches).reshape(len(factors), -1)
    return _normalised(histograms - histograms.mean(1, keepdims=True))


def _normalised(vectors: np.ndarray) -> np.ndarray:
    """Each of length 1; what has none stays 0."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), SMALLEST_NORM)


def gradient_histograms(patches: np.ndarray) -> np.ndarray:
    """Histograms of gradient directions, each cell normalised by the energy around it.

    Args:
        patches: N x SIDE x SIDE grey, any real type.

    Returns:
        N x cells x cells x BINS float32; magnitudes are shared between neighbouring bins.
    """
    grey = patches.astype(np.float32)
    count, cells = len(grey), SIDE // CELL
    dy, dx = np.gradient(grey, axis=(1, 2))
    magnitude, angle = cv2.cartToPolar(dx.reshape(count, -1), dy.reshape(count, -1))
    position = angle.ravel() * np.float32(BINS / np.pi)
    lower = np.floor(position)
    upper = (position - lower) * magnitude.ravel()
    row = np.arange(SIDE) // CELL
    cell = (row[:, None] * cells + row[None, :]).ravel()
    place = ((np.arange(count)[:, None] * cells * cells + cell) * TURN_BINS).ravel()
    place += lower.astype(np.int64)
    shape = count, cells, cells, TURN_BINS
    sums = np.bincount(place, magnitude.ravel() - upper, np.prod(shape)).reshape(shape)
    sums[..., 1:] += np.bincount(place, upper, np.prod(shape)).reshape(shape)[..., :-1]
    histograms = (sums[..., :BINS] + sums[..., BINS:2 * BINS]).astype(np.float32)
    histograms[..., :TURN_BINS - 2 * BINS] += sums[..., 2 * BINS:]
    energy = np.sqrt((histograms ** 2).sum(-1))
    around = np.array([cv2.blur(one, (3, 3)) for one in energy])
    return histograms / (around + ENERGY_FLOOR)[..., None]


def _cut(image: np.ndarray, centre: tuple[float, float], size: tuple[float, float],
         factors: np.ndarray) -> np.ndarray:
    """Image areas of ``factors`` times ``size`` pixels in grey, N x SIDE x SIDE.

    The largest area is averaged to the resolution of the smallest once, and all are cut from that;
    edges are repeated outside the image.
    """
    resolution = [max(1.0, side * factors[0] / SIDE) for side in size]
    reach = [round(side * factors[-1] / step) + 2 for side, step in zip(size, resolution)]
    area = [max(2, round(side * step)) for side, step in zip(reach, resolution)]
    index = centre[0] - 0.5, centre[1] - 0.5
    source = cv2.cvtColor(cv2.getRectSubPix(image, area, index), cv2.COLOR_BGR2GRAY)
    source = cv2.resize(source, reach, interpolation=cv2.INTER_AREA)
    patches = []
    for factor in factors:
        zoom = [SIDE * whole / (side * factor * full)
                for side, whole, full in zip(size, area, reach)]
        to_patch = np.array([[zoom[0], 0, (SIDE - 1 - zoom[0] * (reach[0] - 1)) / 2],
                             [0, zoom[1], (SIDE - 1 - zoom[1] * (reach[1] - 1)) / 2]])
        patches.append(cv2.warpAffine(
            source, to_patch, (SIDE, SIDE), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE))
    return np.array(patches)


def _summit(similarity: np.ndarray, best: int) -> float:
    """Offset of the parabola through the best value and its neighbours, in steps."""
    if not 0 < best < len(similarity) - 1:
        return 0.0
    before, at, after = similarity[best - 1:best + 2]
    bend = before - 2 * at + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
