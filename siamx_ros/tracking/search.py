"""Windows that are searched, and what one of them showed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamx_ros.config import TrackerConfig, next_patch_size
from siamx_ros.tracking.decode import Candidate


@dataclass(frozen=True)
class SearchResult:
    """What one search window showed; ``features`` as :class:`OnlineModel` takes them."""

    candidate: Candidate
    confidence: float
    similarity: float
    features: np.ndarray | None


def grown_size(config: TrackerConfig) -> int:
    """Side of the patch of the local window while the target is lost, pixels."""
    if config.search_growth == 1:
        return config.search_size
    return next_patch_size(round(config.search_size * config.search_growth))
