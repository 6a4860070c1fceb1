"""360VOT's figures of upright boxes in panoramas (N x 4 x, y, w, h)."""

from __future__ import annotations

import numpy as np

from siamx_ros.evaluation.kits.one_pass import NORMALISED, OVERLAPS, PIXELS
from siamx_ros.geometry import iou_xywh

ANGLES = np.linspace(0, 10, 101)


def panorama(boxes: np.ndarray, truth: np.ndarray, size: tuple[int, int]) -> dict[str, float]:
    """Dual success, dual precision at 20 px, its normalised area, angle precision at 3 degrees.

    The truth also counts one panorama to the left, and for the precision to the right; the kit's
    success, too, compares with the left copy only. Its normalised precision moves the copies by a
    panorama after dividing by the target's size, so that they are never nearer than the truth
    itself. Every labelled frame counts, the first included.

    Args:
        size: width and height of the panorama.
    """
    seen = (truth[:, 2:] > 0).all(1)
    boxes, truth, count = boxes[seen], truth[seen], max(1, len(truth))
    left, right = truth - [size[0], 0, 0, 0], truth + [size[0], 0, 0, 0]
    overlap = np.maximum(iou_xywh(boxes, truth), iou_xywh(boxes, left))
    unknown = ~np.isfinite(boxes).all(1)

    def nearest(*copies: np.ndarray, scale: np.ndarray | float = 1.0) -> np.ndarray:
        errors = [np.hypot(*((_centres(boxes) - _centres(each)) / scale).T) for each in copies]
        return np.where(unknown, np.inf, np.min(errors, 0))
    angle = np.where(unknown, np.inf, _angles(_centres(boxes), _centres(truth), size))
    return {
        'S_dual': float((overlap[:, None] > OVERLAPS).sum(0).mean() / count),
        'P_dual': float((nearest(left, truth, right) <= PIXELS[20]).sum() / count),
        'NP_dual': float((nearest(truth, scale=truth[:, 2:])[:, None] <= NORMALISED).sum(0).mean()
                         / count),
        'P_angle': float((angle <= ANGLES[30]).sum() / count)}


def _centres(boxes: np.ndarray) -> np.ndarray:
    """Centres as the kit takes them: half a pixel up and left."""
    return boxes[:, :2] + (boxes[:, 2:] - 1) / 2


def _angles(a: np.ndarray, b: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Degrees between the directions of two pixels of an equirectangular panorama."""
    def directions(pixels: np.ndarray) -> np.ndarray:
        longitude = ((pixels[:, 0] + 0.5) / size[0] - 0.5) * 2 * np.pi
        latitude = (0.5 - (pixels[:, 1] + 0.5) / size[1]) * np.pi
        return np.stack([np.cos(latitude) * np.sin(longitude), np.sin(latitude),
                         np.cos(latitude) * np.cos(longitude)], 1)
    first, second = directions(a), directions(b)
    across = np.linalg.norm(np.cross(first, second), axis=1)
    return np.degrees(np.arctan2(across, (first * second).sum(1)))
