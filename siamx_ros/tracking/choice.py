"""The candidate of a window that can be the target; what cannot, as by its range, is left out."""

from __future__ import annotations

import math

import numpy as np

from siamx_ros.geometry import CropWindow
from siamx_ros.tracking import decode
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.memory import TargetMemory
from siamx_ros.tracking.search import SearchResult

MOST_CANDIDATES = 4
"""Peaks of a window that are shown to the gate, best first."""


def choose_allowed(scores: np.ndarray, distances: np.ndarray, window: CropWindow,
                   memory: TargetMemory, window_influence: float) -> Candidate | None:
    """The best candidate that can be the target; None if none of the best few can.

    The other arguments are those of :func:`decode.choose`.
    """
    for _ in range(MOST_CANDIDATES):
        candidate = decode.choose(
            scores, distances, window, memory.box, memory.config, window_influence)
        if memory.gate(candidate.box):
            return candidate
        scores = decode.without_peak(scores, candidate.cell)
    return None


def all_refused(memory: TargetMemory, window: CropWindow) -> SearchResult:
    """The target is not in a window: the box stays where it was."""
    nothing = Candidate(memory.box, 0.0, 0.0, math.nan, (0, 0), window)
    return SearchResult(nothing, 0.0, math.nan, None, refused=True)
