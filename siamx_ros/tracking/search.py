"""Windows that are searched, and what one of them showed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamx_ros.config import TrackerConfig, next_patch_size
from siamx_ros.geometry import BoundingBox, CropWindow, context_side
from siamx_ros.model.network import TEMPLATE_SIZE
from siamx_ros.tracking.decode import Candidate


@dataclass(frozen=True)
class SearchResult:
    """What one search window showed; ``features`` as :class:`OnlineModel` takes them."""

    candidate: Candidate
    confidence: float
    similarity: float
    features: np.ndarray | None


def window_around(box: BoundingBox, size: int) -> CropWindow:
    """The window around a box for a patch of ``size`` pixels, at the template's scale."""
    return CropWindow(
        *box.centre, context_side(box.w, box.h) * size / TEMPLATE_SIZE, size)


def grown_size(config: TrackerConfig) -> int:
    """Side of the patch of the local window while the target is lost, pixels."""
    if config.search_growth == 1:
        return config.search_size
    return next_patch_size(round(config.search_size * config.search_growth))
