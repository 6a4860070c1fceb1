"""What to search while the target is lost: heat map (paper, Eq. 10), whole image, or nothing."""

from __future__ import annotations

from dataclasses import replace
import math
import pkgutil

import cv2
import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.patch_geometry import next_patch_size

TRUNCATION = 3.0
"""Reach of a Gaussian in sigmas."""
EXHAUSTED = 0.05
"""Share of the heat map's peak below which inhibited searching starts over, or half of
``heat_map_floor`` where that is lower."""
WHOLE = 0.75
"""Inner share of a window's side in which a target's centre means that all of it is inside."""
TOUCHES = 1e-6
"""Cells by which a window may miss the edge of the image and still reach it."""
LARGEST_PATCH = 831
"""Largest patch of a sweep or for the whole image, pixels."""
SWEPT = 2.0
"""Side of the windows of a sweep, relative to the local one, at the same scale."""
SIZES = (1.0, 1.4, 0.7, 2.0, 0.5)
"""In turn, the size of the target that the sweep looks for, relative to the usual one."""


class HeatMap:
    """Eq. (10): the sum over reliable frames of a Gaussian at the target's place.

    Args:
        image_size: (width, height), pixels.
        config: cells along the longer side, sigma, kernel height, half-life.

    Attributes:
        values: rows x cols float32; cell (r, c) covers ``[c, c + 1) x [r, r + 1)`` times
            ``cell_size`` pixels.
    """

    def __init__(self, image_size: tuple[int, int], config: TrackerConfig) -> None:
        self.config = config
        self.cell_size = max(1.0, max(image_size) / config.heat_map_cells)
        self._lengths = tuple(length / self.cell_size for length in image_size)
        columns = math.ceil(image_size[0] / self.cell_size)
        rows = math.ceil(image_size[1] / self.cell_size)
        self.values = np.zeros((rows, columns), np.float32)

    def add(self, box: BoundingBox) -> None:
        """One term p(t) of Eq. (10); older terms fade if a half-life is set."""
        if self.config.heat_map_half_life > 0:
            self.values *= 0.5 ** (1 / self.config.heat_map_half_life)
        patch, rows, columns = self._gaussian(box.centre, (box.w, box.h))
        self.values[rows, columns] += patch

    def peak(self, values: np.ndarray | None = None) -> tuple[float, float]:
        """argmax H as image pixels (x, y)."""
        values = self.values if values is None else values
        row, column = np.unravel_index(int(values.argmax()), values.shape)
        return (column + 0.5) * self.cell_size, (row + 0.5) * self.cell_size

    def inhibit(self, values: np.ndarray, window: CropWindow) -> None:
        """Clear ``values`` in place where a window would have shown a target.

        That is its inner part, where a target lies in it whole, and up to the edge of the image,
        which the last cells may reach beyond.
        """
        spans = []
        for position, side, length in zip((window.centre_x, window.centre_y),
                                          (window.width, window.height), self._lengths):
            middle, half = position / self.cell_size, side / 2 / self.cell_size
            inner = half * WHOLE
            here = math.floor(middle)
            low = 0 if middle - half <= TOUCHES else min(math.ceil(middle - inner), here)
            high = max(math.floor(middle + inner), here + 1)
            if middle + half >= length - TOUCHES:
                high = math.ceil(length)
            spans.append(slice(max(low, 0), max(high, 0)))
        values[spans[1], spans[0]] = 0

    def inner_cells(self, side: float) -> int:
        """How many cells, at least, :meth:`inhibit` clears along ``side`` pixels of a window whose
        middle is that of a cell: an odd number."""
        return max(1, 2 * math.floor(side / 2 / self.cell_size * WHOLE + 0.5) - 1)

    def _gaussian(self, centre: tuple[float, float],
                  size: tuple[float, float]) -> tuple[np.ndarray, slice, slice]:
        unit_peak = self.config.heat_map_kernel == 'unit_peak'
        parts, spans = [], []
        for position, extent, count in zip(centre, size, self.values.shape[::-1]):
            sigma = max(1.0, self.config.heat_map_sigma * extent / self.cell_size)
            middle = position / self.cell_size - 0.5
            low = min(max(math.floor(middle - TRUNCATION * sigma), 0), count)
            high = min(max(math.ceil(middle + TRUNCATION * sigma) + 1, low), count)
            offset = (np.arange(low, high) - middle) / sigma
            height = 1.0 if unit_peak else 1 / (sigma * math.sqrt(2 * math.pi))
            parts.append(height * np.exp(-0.5 * offset ** 2))
            spans.append(slice(low, high))
        return np.outer(parts[1], parts[0]).astype(np.float32), spans[1], spans[0]


class NoRelocaliser:
    """No re-localisation: only the local window is searched."""

    heat_map: HeatMap | None = None

    def __init__(self, image_size: tuple[int, int], config: TrackerConfig) -> None:
        self.image_size, self.config = image_size, config

    def remember(self, box: BoundingBox) -> None:
        """Take note of a reliable box."""

    def windows(self, local: CropWindow) -> list[CropWindow]:
        """Windows to search besides the local one, best first."""
        return []

    def examples(self, local: CropWindow) -> list[CropWindow]:
        """Windows whose patches are of other sizes than that of the local one."""
        return []

    def missed(self, window: CropWindow) -> None:
        """A window was searched in vain."""

    def found(self) -> None:
        """The target is back."""


class HeatMapSearch(NoRelocaliser):
    """The paper's scheme: search where the target was most, argmax of Eq. (10).

    With ``heat_map_inhibit``, that place is searched every other time. In between, the search goes
    on to the next best places: each that was searched in vain is left out, and ``heat_map_floor``
    lets the sweep reach the whole image, a wide window a frame, at one size of the target after
    another.
    """

    def __init__(self, image_size: tuple[int, int], config: TrackerConfig) -> None:
        super().__init__(image_size, config)
        self.heat_map = HeatMap(image_size, config)
        self._open: np.ndarray | None = None
        self._swept, self._turn = True, 0

    def remember(self, box: BoundingBox) -> None:
        self.heat_map.add(box)

    def windows(self, local: CropWindow) -> list[CropWindow]:
        peak = self.heat_map.peak()
        far = max(abs(peak[0] - local.centre_x) / local.width,
                  abs(peak[1] - local.centre_y) / local.height) >= 1 / 4
        if not self.config.heat_map_inhibit:
            self._swept = False
            return [local.moved_to(*peak)] if far else []
        if far and self._swept:
            self._swept = False
            return [local.moved_to(*peak)]
        self._swept = True
        return self._sweep(local, peak)

    def _sweep(self, local: CropWindow, peak: tuple[float, float]) -> list[CropWindow]:
        """The window that shows most of what is open, moved inside the image.

        None where local window and ``peak`` show all.
        """
        if not self._is_open():
            self._open = self.heat_map.values + self.config.heat_map_floor * self._highest
            for window in (local, local.moved_to(*peak)):
                self.heat_map.inhibit(self._open, window)
            if not self._is_open():
                return []
        window = self._wide(local, SIZES[self._turn % len(SIZES)])
        self._turn += 1
        sides = window.width, window.height
        inner = tuple(map(self.heat_map.inner_cells, sides))
        place = self.heat_map.peak(cv2.blur(self._open, inner, borderType=cv2.BORDER_CONSTANT))
        return [window.moved_to(*map(_inside, place, sides, self.image_size))]

    def _is_open(self) -> bool:
        """Whether a sweep has begun and has not shown all yet."""
        least = min(EXHAUSTED, self.config.heat_map_floor / 2) or EXHAUSTED
        return self._open is not None and self._open.max() > least * self._highest

    def _wide(self, local: CropWindow, size: float) -> CropWindow:
        """A window that looks for targets of ``size``, wider where the image has more to show."""
        window = replace(local, side=local.side * size)
        if window.width >= self.image_size[0] and window.height >= self.image_size[1]:
            return window
        patch = _wide_patch(local)
        return replace(window, side=window.side * patch / local.patch_side, patch_side=patch)

    def examples(self, local: CropWindow) -> list[CropWindow]:
        if not self.config.heat_map_inhibit:
            return []
        return [replace(local, patch_side=_wide_patch(local))]

    def missed(self, window: CropWindow) -> None:
        if self._open is not None:
            self.heat_map.inhibit(self._open, window)

    def found(self) -> None:
        self._open, self._swept, self._turn = None, True, 0

    @property
    def _highest(self) -> float:
        return float(self.heat_map.values.max())


def _wide_patch(local: CropWindow) -> int:
    """Side of the patch of a window of the sweep, pixels."""
    return min(next_patch_size(round(SWEPT * local.patch_side)),
               max(local.patch_side, LARGEST_PATCH))


def _inside(coordinate: float, side: float, length: int) -> float:
    """``coordinate`` moved so that a window of ``side`` lies within 0..length, else the middle."""
    if side >= length:
        return length / 2
    return min(max(coordinate, side / 2), length - side / 2)


class GlobalSearch(NoRelocaliser):
    """The comparison of the paper's ablation: the whole image in one window.

    The scale is kept as far as the largest patch allows, then reduced: how many pixels the patch
    has depends on the size of the target.
    """

    def examples(self, local: CropWindow) -> list[CropWindow]:
        return self.windows(local)

    def windows(self, local: CropWindow) -> list[CropWindow]:
        width, height = self.image_size
        side = max(width / local.stretch, height * local.stretch, local.side)
        patch = min(LARGEST_PATCH,
                    next_patch_size(math.ceil(side * local.patch_side / local.side)))
        return [CropWindow(width / 2, height / 2, side, patch, local.stretch)]


def make_relocaliser(image_size: tuple[int, int], config: TrackerConfig) -> NoRelocaliser:
    """The re-localiser of ``config.adaptive`` for images of (width, height) pixels."""
    return pkgutil.resolve_name(config.scheme.relocaliser)(image_size, config)
