"""Measures of one pass: how well boxes overlap, and how often validity and states are wrong.

Arrays are one entry per frame. Shares are 0 to 1; NaN where no frame counts.
"""

from __future__ import annotations

import numpy as np

OVERLAP_THRESHOLDS = np.linspace(0, 1, 21)
PIXEL_THRESHOLDS = np.arange(51.0)
NORMALISED_THRESHOLDS = np.linspace(0, 0.5, 51)
WRONG_OVERLAP = 0.1
"""Below this overlap a box is wrong: a controller would follow something else."""
RIGHT_OVERLAP = 0.5
"""A box is right above this overlap; for ``false_lost``, at it too."""


def centre_errors(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance of the centres in pixels; infinite where there is no reported box."""
    offset = _centres(boxes) - _centres(truth)
    return _infinite_without_box(np.hypot(offset[:, 0], offset[:, 1]), boxes)


def normalised_errors(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance of the centres, x in true widths and y in true heights."""
    offset = (_centres(boxes) - _centres(truth)) / truth[:, 2:]
    return _infinite_without_box(np.hypot(offset[:, 0], offset[:, 1]), boxes)


def success_curve(overlap: np.ndarray, thresholds: np.ndarray = OVERLAP_THRESHOLDS) -> np.ndarray:
    """Share of frames whose overlap is strictly greater than each threshold."""
    return _shares(overlap[:, None] > thresholds)


def precision_curve(errors: np.ndarray, thresholds: np.ndarray = PIXEL_THRESHOLDS) -> np.ndarray:
    """Share of frames whose error is at most each threshold."""
    return _shares(errors[:, None] <= thresholds)


def share(flags: np.ndarray) -> float:
    """Share of true entries, NaN of none."""
    return float(np.mean(flags)) if len(flags) else float('nan')


def valid_drops(valid: np.ndarray, right: np.ndarray) -> float:
    """How often validity ends on a frame with a right box, per 100 such frames.

    Args:
        valid: of all frames with an answer, in order; nothing is known of one before the first.
        right: which of their boxes are right.
    """
    ends = np.concatenate([[False], valid[:-1] & ~valid[1:]])[:len(valid)]
    return 100 * share(ends[right])


def valid_while_absent(valid: np.ndarray, absent: np.ndarray) -> float:
    """Share of the frames without the target on which a box is reported as valid."""
    return share(valid[absent])


def mean_of(values: list[float]) -> float:
    """Mean of those values that are numbers, NaN if none is."""
    numbers = [value for value in values if np.isfinite(value)]
    return float(np.mean(numbers)) if numbers else float('nan')


def _centres(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, :2] + boxes[:, 2:] / 2


def _infinite_without_box(errors: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(boxes).all(1), errors, np.inf)


def _shares(hits: np.ndarray) -> np.ndarray:
    if not len(hits):
        return np.full(hits.shape[1], np.nan)
    return hits.mean(0)
