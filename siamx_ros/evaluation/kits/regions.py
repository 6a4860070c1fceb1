"""Overlap of a box with a box or a polygon of four corners, inside the image."""

from __future__ import annotations

import numpy as np


def region_overlap(truth: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> float:
    """Intersection over union of exact areas; 0 where either is no region.

    vot-toolkit counts whole pixels instead, which differs where edges are not whole numbers.

    Args:
        truth: x, y, w, h, or the x and y of four corners.
        box: x, y, w, h.
        size: width and height of the image; what lies outside does not count.
    """
    if not (np.isfinite(truth).all() and np.isfinite(box).all() and (box[2:] > 0).all()):
        return 0.0
    polygon = _clipped(truth.reshape(4, 2) if len(truth) == 8 else _corners(truth),
                       np.array([0.0, 0, *size]))
    x0, y0 = np.maximum(box[:2], 0)
    x1, y1 = np.minimum(box[:2] + box[2:], size)
    own = max(0.0, x1 - x0) * max(0.0, y1 - y0)
    both = _area(_clipped(polygon, np.array([x0, y0, x1, y1]))) if own > 0 else 0.0
    union = own + _area(polygon) - both
    return float(both / union) if union > 0 else 0.0


def _corners(xywh: np.ndarray) -> np.ndarray:
    x, y, w, h = xywh
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])


def _clipped(polygon: np.ndarray, window: np.ndarray) -> np.ndarray:
    """The part of a polygon (N x 2) inside a window x0, y0, x1, y1, cut edge by edge."""
    for axis in (0, 1):
        for limit, sign in ((window[axis], 1.0), (window[axis + 2], -1.0)):
            inside = sign * (polygon[:, axis] - limit)
            kept = []
            for index in range(len(polygon)):
                here, there = inside[index - 1], inside[index]
                if (here < 0) != (there < 0):
                    share = here / (here - there)
                    kept.append(polygon[index - 1] + share * (polygon[index] - polygon[index - 1]))
                if there >= 0:
                    kept.append(polygon[index])
            if not kept:
                return np.zeros((0, 2))
            polygon = np.array(kept)
    return polygon


def _area(polygon: np.ndarray) -> float:
    if len(polygon) < 3:
        return 0.0
    x, y = polygon.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
