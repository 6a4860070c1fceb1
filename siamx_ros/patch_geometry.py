"""Which windows of an image become a network's template and search patches, and of what pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Protocol

import numpy as np

from siamx_ros.geometry import (
    SEARCH_SIZE, TEMPLATE_SIZE, BoundingBox, CropWindow, context_side)

MOST_PIXELS = 8
"""Pixels of a region for each pixel of its patch, at most: engines keep memory for as many."""


def next_patch_size(least: int) -> int:
    """The smallest side of a search patch that is not below ``least``: 16 k + 15 pixels.

    Such patches have score maps of an odd number of cells, with one in the middle.
    """
    return least + (15 - least) % 16


def rolled_size(width: float, height: float, angle: float) -> tuple[float, float]:
    """Sides of the box around an ellipse of these axes that is turned by ``angle`` degrees."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return (math.hypot(width * cosine, height * sine), math.hypot(width * sine, height * cosine))


class PatchGeometry(Protocol):
    """Which windows around a target a network takes as template and search patch."""

    def template_window(self, box: BoundingBox) -> CropWindow:
        """The window of the template patch, :data:`TEMPLATE_SIZE` pixels."""

    def search_window(self, box: BoundingBox, size: int) -> CropWindow:
        """The window of a search patch of ``size`` pixels, always at the same scale."""


@dataclass(frozen=True)
class SquareGeometry:
    """Square windows with context (see :func:`context_side`), both at one scale."""

    def template_window(self, box: BoundingBox) -> CropWindow:
        """See :class:`PatchGeometry`."""
        return self.search_window(box, TEMPLATE_SIZE)

    def search_window(self, box: BoundingBox, size: int) -> CropWindow:
        """See :class:`PatchGeometry`."""
        return CropWindow(
            *box.centre, context_side(box.w, box.h) * size / TEMPLATE_SIZE, size)


@dataclass(frozen=True)
class StretchedGeometry:
    """Windows in which every target is square and of one size; templates are finer.

    Attributes:
        template_reach, search_reach: widths and heights of the target that a template patch and a
            search patch of :data:`SEARCH_SIZE` pixels show.
    """

    template_reach: float
    search_reach: float

    def template_window(self, box: BoundingBox) -> CropWindow:
        """See :class:`PatchGeometry`."""
        return self._window(box, self.template_reach, TEMPLATE_SIZE)

    def search_window(self, box: BoundingBox, size: int) -> CropWindow:
        """See :class:`PatchGeometry`."""
        return self._window(box, self.search_reach * size / SEARCH_SIZE, size)

    @staticmethod
    def _window(box: BoundingBox, reach: float, size: int) -> CropWindow:
        return CropWindow(
            *box.centre, math.sqrt(box.w * box.h) * reach, size, math.sqrt(box.w / box.h))


@dataclass(frozen=True)
class Region:
    """Pixels around a window, of which a device makes the patch by bilinear sampling.

    Pixel (row, column) of the patch lies at origin + step * (column, row) in ``pixels``, in x and
    y, where whole numbers are the middles of pixels; beyond the outermost ones these are repeated.

    Attributes:
        pixels: h x w x 3 uint8 BGR, at most :data:`MOST_PIXELS` for each pixel of the patch.
        origin, step: x and y, pixels.
        side: of the patch, pixels.
    """

    pixels: np.ndarray
    origin: tuple[float, float]
    step: tuple[float, float]
    side: int

    @classmethod
    def of_patch(cls, patch: np.ndarray) -> Region:
        """A patch, S x S x 3 uint8 BGR, that is taken as it is."""
        return cls(patch, (0.0, 0.0), (1.0, 1.0), len(patch))

    def __len__(self) -> int:
        """Side of the patch, as of one that is cut."""
        return self.side
