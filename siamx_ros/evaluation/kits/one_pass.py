"""Figures of one-pass benchmarks with each kit's own conventions.

Boxes are N x 4 x, y, w, h in the benchmark's coordinates; curves hold one value per threshold.
"""

from __future__ import annotations

import numpy as np

from siamx_ros.geometry import iou_xywh

OVERLAPS = np.linspace(0, 1, 21)
PIXELS = np.arange(51.0)
NORMALISED = np.linspace(0, 0.5, 51)
GOT10K_OVERLAPS = np.linspace(0, 1, 101)
TRACKINGNET_PIXELS = np.linspace(0, 50, 21)
TRACKINGNET_NORMALISED = np.linspace(0, 0.5, 21)


def lasot(boxes: np.ndarray, truth: np.ndarray, absent: np.ndarray | None) -> dict[str, np.ndarray]:
    """Success, precision and normalised precision curves of one LaSOT sequence.

    The first box counts as the truth; a box that is none repeats the one before; absent frames are
    misses, because the denominator is the whole length; a visible frame whose truth is not positive
    throughout is a miss in success and a hit in precision.
    """
    boxes = repeat_invalid(boxes, truth[0])
    positive = (truth > 0).all(1)
    overlap = np.where(positive, iou_xywh(boxes, truth), -1.0)
    offset = _centre_offsets(boxes, truth)
    with np.errstate(divide='ignore', invalid='ignore'):
        normalised = np.hypot(*(offset / truth[:, 2:]).T)
    error = np.where(positive, np.hypot(*offset.T), -1.0)
    normalised = np.where(positive, normalised, -1.0)
    seen = np.ones(len(truth), bool) if absent is None else ~absent
    return {
        'success': (overlap[seen, None] > OVERLAPS).sum(0) / len(truth),
        'precision': (error[seen, None] <= PIXELS).sum(0) / len(truth),
        'normalised': (normalised[seen, None] <= NORMALISED).sum(0) / len(truth)}


def lasot_total(curves: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """AUC, precision at 20 px and normalised precision at 0.2, over sequences.

    As in the kit, a sequence whose curve is zero throughout is left out of that curve's mean.
    """
    def mean(name: str) -> np.ndarray:
        kept = [curve[name] for curve in curves if curve[name].any()]
        return np.mean(kept, 0) if kept else np.zeros_like(curves[0][name])
    return {'AUC': float(mean('success').mean()), 'P@20': float(mean('precision')[20]),
            'NP@0.2': float(mean('normalised')[20])}


def got10k_overlaps(boxes: np.ndarray, truth: np.ndarray, absent: np.ndarray | None,
                    size: tuple[int, int]) -> np.ndarray:
    """Overlaps of one GOT-10k sequence: without the first frame and those with cover 0.

    Boxes and truth are clipped to the image as the kit does: x and y are moved inside, width and
    height limited to what then remains.

    Args:
        size: width and height of the images.
    """
    seen = np.ones(len(truth), bool) if absent is None else ~absent
    seen[0] = False
    return iou_xywh(_got10k_clipped(boxes[seen], size), _got10k_clipped(truth[seen], size))


def got10k_total(overlaps: list[np.ndarray]) -> dict[str, float]:
    """AO over the frames of all sequences together, SR at 0.5 and 0.75 (strictly above)."""
    pooled = np.concatenate(overlaps)
    if not len(pooled):
        return dict.fromkeys(('AO', 'SR0.5', 'SR0.75'), float('nan'))
    return {'AO': float(pooled.mean()), 'SR0.5': float((pooled > 0.5).mean()),
            'SR0.75': float((pooled > GOT10K_OVERLAPS[75]).mean())}


def trackingnet(boxes: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Areas under the curves of one TrackingNet sequence; 1 is perfect.

    Coordinates are rounded to whole pixels, the first box counts as the truth, overlaps count from
    the threshold on, and every area is normalised to 1.
    """
    boxes, truth = np.round(repeat_invalid(boxes, truth[0])), np.round(truth)
    overlap = iou_xywh(boxes, truth)
    offset = _centre_offsets(boxes, truth)
    with np.errstate(divide='ignore', invalid='ignore'):
        normalised = np.hypot(*(offset / truth[:, 2:]).T)
    error = np.hypot(*offset.T)
    return {
        'AUC': _area((overlap[:, None] >= OVERLAPS).mean(0)),
        'P': _area((error[:, None] <= TRACKINGNET_PIXELS).mean(0)),
        'NP': _area((normalised[:, None] <= TRACKINGNET_NORMALISED).mean(0))}


def otb(boxes: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """AUC (mean of 21 thresholds, strictly above) and precision at 20 px of one OTB/UAV sequence.

    As in LaSOT's kit, which was made from that of OTB: every frame counts, the first one too; one
    without a truth that is positive throughout is a miss in success and a hit in precision.
    """
    curves = lasot(boxes, truth, None)
    return {'AUC': float(curves['success'].mean()), 'P@20': float(curves['precision'][20])}


def repeat_invalid(boxes: np.ndarray, first: np.ndarray) -> np.ndarray:
    """A copy that begins with ``first`` and repeats the last box where there is none."""
    boxes = np.array(boxes, np.float64)
    boxes[0] = first
    with np.errstate(invalid='ignore'):
        good = np.isfinite(boxes).all(1) & (boxes[:, 2:] > 0).all(1)
    good[0] = True
    return boxes[np.maximum.accumulate(np.where(good, np.arange(len(boxes)), 0))]


def _centre_offsets(boxes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return boxes[:, :2] + boxes[:, 2:] / 2 - truth[:, :2] - truth[:, 2:] / 2


def _got10k_clipped(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    x, y = np.clip(boxes[:, 0], 0, width), np.clip(boxes[:, 1], 0, height)
    w, h = np.clip(boxes[:, 2], 0, width - x), np.clip(boxes[:, 3], 0, height - y)
    return np.stack([x, y, w, h], 1)


def _area(curve: np.ndarray) -> float:
    """Trapezoids under a curve over equal steps, normalised to 1."""
    return float((curve[:-1] + curve[1:]).sum() / (2 * (len(curve) - 1)))
