"""Windows that are searched, and what one of them showed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamx_ros.config import TrackerConfig, next_patch_size
from siamx_ros.geometry import BoundingBox
from siamx_ros.patch_geometry import PatchGeometry
from siamx_ros.reduced_image import largest_factor
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.scale import PADDING, SIDE


@dataclass(frozen=True)
class SearchResult:
    """What one search window showed; ``features`` as :class:`OnlineModel` takes them.

    ``refused`` says that nothing in it can be the target.
    """

    candidate: Candidate
    confidence: float
    similarity: float
    features: np.ndarray | None
    refused: bool = False


def grown_size(config: TrackerConfig) -> int:
    """Side of the patch of the local window while the target is lost, pixels."""
    if config.search_growth == 1:
        return config.search_size
    return next_patch_size(round(config.search_size * config.search_growth))


def enough_blocks(geometry: PatchGeometry, box: BoundingBox, config: TrackerConfig) -> int:
    """Side of the blocks of pixels whose means show all that is looked at around a target.

    What becomes one pixel of a search patch, or of the patch that the scale template describes, may
    become one before. The authors' crop starts at whole pixels, which blocks do not have.
    """
    if config.crop != 'exact':
        return 1
    window = geometry.search_window(box, config.search_size)
    return largest_factor((1 / max(window.scales), min(box.w, box.h) * PADDING / SIDE))
