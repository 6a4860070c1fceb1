"""Long-term tracking figures of the VOT challenge: precision, recall and F over confidence."""

from __future__ import annotations

import math

import numpy as np

RESOLUTION = 100
"""How many thresholds are taken from the confidences that occur."""


def thresholds(confidences: list[np.ndarray], resolution: int = RESOLUTION) -> np.ndarray:
    """Thresholds spread over the confidences of all sequences together, and both infinities."""
    scores = np.concatenate(confidences)
    scores = np.sort(scores[np.isfinite(scores)])[::-1]
    if len(scores) > resolution - 2:
        margin = len(scores) // (resolution - 2)
        places = np.linspace(margin, len(scores) - margin, resolution - 2)
        scores = scores[np.round(places).astype(int)]
    return np.concatenate([[-math.inf], scores[::-1], [math.inf]])


def precision_recall(overlap: np.ndarray, confidence: np.ndarray, visible: np.ndarray,
                     levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of one sequence at each threshold.

    Precision is the mean overlap of the frames with at least that confidence (1 if there is none;
    an absent target has overlap 0), recall the sum of their overlaps over the visible frames.
    """
    overlap = np.where(visible, overlap, 0.0)
    order = np.argsort(-confidence, kind='stable')
    sums = np.concatenate([[0.0], np.cumsum(overlap[order])])
    passing = np.searchsorted(-confidence[order], -levels, 'right')
    precision = np.where(passing > 0, sums[passing] / np.maximum(passing, 1), 1.0)
    return precision, sums[passing] / max(1, int(visible.sum()))


def long_term_figures(overlaps: list[np.ndarray], confidences: list[np.ndarray],
                      visible: list[np.ndarray]) -> dict[str, float]:
    """Precision and recall averaged over sequences, at the threshold of the highest F.

    Args:
        overlaps, confidences, visible: one array per sequence, one entry per frame.
    """
    if not sum(len(array) for array in overlaps):
        return {'pr': math.nan, 're': math.nan, 'f': math.nan, 'threshold': math.nan}
    levels = thresholds(confidences)
    curves = [precision_recall(*row, levels) for row in zip(overlaps, confidences, visible)]
    precision, recall = (np.mean(column, 0) for column in zip(*curves))
    total = precision + recall
    f = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    best = int(np.argmax(f))
    return {'pr': float(precision[best]), 're': float(recall[best]), 'f': float(f[best]),
            'threshold': float(levels[best])}
