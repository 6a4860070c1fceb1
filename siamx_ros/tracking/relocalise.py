"""What to search while the target is lost: heat map (paper, Eq. 10), whole image, or nothing."""

from __future__ import annotations

import math

import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow

TRUNCATION = 3.0
"""Reach of a Gaussian in sigmas."""
EXHAUSTED = 0.05
"""Share of the heat map's peak below which inhibited searching starts over."""
LARGEST_PATCH = 831
"""Largest search patch that is ever cut, pixels."""


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

    def inhibit(self, values: np.ndarray, centre: tuple[float, float], side: float) -> None:
        """Lower ``values`` in place where a window of ``side`` pixels was searched in vain."""
        patch, rows, columns = self._gaussian(centre, (side / 2, side / 2), unit_peak=True)
        values[rows, columns] *= 1 - patch

    def _gaussian(self, centre: tuple[float, float], size: tuple[float, float], *,
                  unit_peak: bool = False) -> tuple[np.ndarray, slice, slice]:
        unit_peak = unit_peak or self.config.heat_map_kernel == 'unit_peak'
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


class Stay:
    """No re-localisation: only the local window is searched."""

    heat_map: HeatMap | None = None

    def __init__(self, image_size: tuple[int, int], config: TrackerConfig) -> None:
        self.image_size, self.config = image_size, config

    def remember(self, box: BoundingBox) -> None:
        """Take note of a reliable box."""

    def windows(self, local: CropWindow) -> list[CropWindow]:
        """Windows to search besides the local one, best first."""
        return []

    def missed(self, window: CropWindow) -> None:
        """A window was searched in vain."""

    def found(self) -> None:
        """The target is back."""


class HeatMapSearch(Stay):
    """The paper's scheme: search where the target was most, argmax of Eq. (10)."""

    def __init__(self, image_size: tuple[int, int], config: TrackerConfig) -> None:
        super().__init__(image_size, config)
        self.heat_map = HeatMap(image_size, config)
        self._open: np.ndarray | None = None

    def remember(self, box: BoundingBox) -> None:
        self.heat_map.add(box)

    def windows(self, local: CropWindow) -> list[CropWindow]:
        centre = self.heat_map.peak(self._open)
        near = max(abs(centre[0] - local.centre_x), abs(centre[1] - local.centre_y))
        if near < local.side / 4 and self._open is None:
            return []
        return [local.moved_to(*centre)]

    def missed(self, window: CropWindow) -> None:
        if not self.config.heat_map_inhibit:
            return
        if self._open is None:
            self._open = self.heat_map.values.copy()
        self.heat_map.inhibit(self._open, (window.centre_x, window.centre_y), window.side)
        if self._open.max() < EXHAUSTED * self.heat_map.values.max():
            self._open = None

    def found(self) -> None:
        self._open = None


class GlobalSearch(Stay):
    """The comparison of the paper's ablation: the whole image in one window.

    The scale is kept as far as the largest patch allows, then reduced.
    """

    def windows(self, local: CropWindow) -> list[CropWindow]:
        width, height = self.image_size
        side = max(width, height, local.side)
        patch = min(LARGEST_PATCH, math.ceil(side * local.scale))
        patch += (15 - patch) % 16
        return [CropWindow(width / 2, height / 2, side, min(patch, LARGEST_PATCH))]


RELOCALISERS = {
    'off': Stay, 'momentum': Stay, 'relocalise': HeatMapSearch, 'paper': HeatMapSearch,
    'global': GlobalSearch}
"""Adaptive scheme -> what is searched while lost."""
COMPENSATES = {'off': False, 'momentum': True, 'relocalise': False, 'paper': True, 'global': True}
"""Adaptive scheme -> whether the search centre drifts with the target (Eq. 9)."""
