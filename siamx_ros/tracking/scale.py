"""How much larger or smaller the target became: a correlation filter over scales.

The discriminative scale filter of Danelljan et al. (DSST, BMVC 2014): gradient histograms of the
target at neighbouring scales, one ridge regression over them in the Fourier domain.
"""

from __future__ import annotations

import cv2
import numpy as np

SCALES = 17
STEP = 1.03
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
RATE = 0.04
REGULARISATION = 0.01


class ScaleFilter:
    """One target's scale.

    Args:
        image: H x W x 3 uint8 BGR.
        centre: of the target, image pixels.
        size: its width and height, image pixels.
    """

    def __init__(self, image: np.ndarray, centre: tuple[float, float],
                 size: tuple[float, float]) -> None:
        steps = np.arange(SCALES) - SCALES // 2
        self._factors = STEP ** steps.astype(float)
        self._wanted = np.fft.fft(np.exp(-0.5 * steps.astype(float) ** 2))[:, None]
        self._window = np.hanning(SCALES + 2)[1:-1, None]
        spectrum = self._spectrum(image, centre, size)
        self._numerator = self._wanted * spectrum.conj()
        self._denominator = (np.abs(spectrum) ** 2).sum(1)

    def find(self, image: np.ndarray, centre: tuple[float, float],
             size: tuple[float, float]) -> float:
        """Ratio of the target's size in ``image`` to ``size``."""
        spectrum = self._spectrum(image, centre, size)
        response = np.fft.ifft((self._numerator * spectrum).sum(1)
                               / (self._denominator + REGULARISATION)).real
        best = int(response.argmax())
        return float(STEP ** (best - SCALES // 2 + _summit(response, best)))

    def learn(self, image: np.ndarray, centre: tuple[float, float],
              size: tuple[float, float]) -> None:
        """Take in how the target looks at a confirmed place and size."""
        spectrum = self._spectrum(image, centre, size)
        self._numerator += RATE * (self._wanted * spectrum.conj() - self._numerator)
        self._denominator += RATE * ((np.abs(spectrum) ** 2).sum(1) - self._denominator)

    def _spectrum(self, image: np.ndarray, centre: tuple[float, float],
                  size: tuple[float, float]) -> np.ndarray:
        patches = _cut(image, centre, (size[0] * PADDING, size[1] * PADDING), self._factors)
        described = gradient_histograms(patches).reshape(SCALES, -1)
        return np.fft.fft(described * self._window, axis=0)


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
    source = cv2.cvtColor(cv2.getRectSubPix(image, area, centre), cv2.COLOR_BGR2GRAY)
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


def _summit(response: np.ndarray, best: int) -> float:
    """Offset of the parabola through the best value and its neighbours, in steps."""
    if not 0 < best < len(response) - 1:
        return 0.0
    before, at, after = response[best - 1:best + 2]
    bend = before - 2 * at + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
