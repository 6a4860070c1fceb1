"""VOT short-term: restarts after failures, accuracy, robustness and expected average overlap."""

from __future__ import annotations

from dataclasses import replace
import time
from typing import Callable

import numpy as np

from siamx_ros.data.sequence import Sequence
from siamx_ros.evaluation.runner import (
    FAILED, INIT, SKIPPED, TRACKED, Run, Tracker, named)
from siamx_ros.geometry import MIN_VISIBLE, BoundingBox
from siamx_ros.imaging import read_image
from siamx_ros.records import TrackResult, TrackState

SKIP = 5
"""A tracker that failed on frame f starts again on frame f + 5."""
BURN_IN = 10
"""Frames from each start on, the start included, that do not count for accuracy."""
INTERVAL = (46, 291)
"""Lengths over which the expected overlap of VOT2019 is averaged, both included."""


def run_with_restarts(tracker: Tracker, sequence: Sequence,
                      each_frame: Callable[[], object] = lambda: None) -> Run:
    """Track from the first frame on and start again five frames after every failure.

    A failure is an overlap of zero inside the image, or that the tracker drops the target; the
    box of a failed frame is kept. What each frame was is in ``codes`` of the run.

    Raises:
        SequenceError: an image cannot be read, or the tracker refuses.
    """
    run = Run.empty(sequence.name, sequence.boxes_xywh)
    run = replace(run, codes=np.full(len(run.boxes), SKIPPED))
    truth = regions_of(sequence)
    following = 0
    tracking = False
    for index, path in enumerate(sequence.frame_paths):
        each_frame()
        if index < following or not (tracking or sequence.visible[index]):
            continue
        with named(sequence, index):
            image = read_image(path)
            before = time.perf_counter()
            result = tracker.update(image) if tracking else _started(
                tracker, image, BoundingBox.from_xywh(sequence.boxes_xywh[index]))
            run.note(index, result, time.perf_counter() - before)
        apart = region_overlap(truth[index], run.boxes[index], image.shape[1::-1]) <= 0
        failed = result.state == TrackState.UNINITIALISED or (tracking and apart)
        run.codes[index] = FAILED if failed else TRACKED if tracking else INIT
        tracking = not failed
        following = index + (SKIP if failed else 1)
    return run


def _started(tracker: Tracker, image: np.ndarray, box: BoundingBox) -> TrackResult:
    """Give the tracker its target; of a box more than half outside, the part inside the image."""
    width, height = image.shape[1::-1]
    inside = box.visible_share(width, height) >= MIN_VISIBLE
    return tracker.init(image, box if inside else box.clipped(width, height))


def regions_of(sequence: Sequence) -> np.ndarray:
    """The truth as polygons or boxes, one row a frame."""
    return sequence.boxes_xywh if sequence.truth is None else sequence.truth


def overlaps(run: Run, sequence: Sequence, size: tuple[int, int]) -> np.ndarray:
    """Overlap of every frame with the truth, inside images of this width and height."""
    return np.array([region_overlap(row, box, size)
                     for row, box in zip(regions_of(sequence), run.boxes)])


def accuracy(overlap: np.ndarray, codes: np.ndarray) -> float:
    """Mean overlap of the tracked frames of one sequence outside the burn-in; 0 of none."""
    counts = codes == TRACKED
    for start in np.flatnonzero(codes == INIT):
        counts[start:start + BURN_IN] = False
    return float(overlap[counts].mean()) if counts.any() else 0.0


def expected_overlap_curve(overlaps: list[np.ndarray], codes: list[np.ndarray]) -> np.ndarray:
    """Expected average overlap over the first N frames after a start, at index N.

    Every stretch from a start to a failure or to the end counts; one that failed goes on with zeros
    up to the longest stretch, one that did not counts only up to its own length. The entry of index
    0 is no overlap of a tracker and NaN.
    """
    stretches = [each for row in zip(overlaps, codes) for each in _stretches(*row)]
    length = max((len(values) for values, _ in stretches), default=1)
    total, weight = np.zeros(length), np.zeros(length)
    for values, failed in stretches:
        padded = np.zeros(length)
        padded[:len(values)] = values
        usable = length if failed else len(values)
        means = np.cumsum(padded[1:]) / np.arange(1, length)
        total[1:usable] += means[:usable - 1]
        weight[1:usable] += 1
    return np.divide(total, weight, out=np.full(length, np.nan), where=weight > 0)


def figures(overlaps: list[np.ndarray], codes: list[np.ndarray]) -> dict[str, float]:
    """EAO, accuracy and robustness over sequences.

    Accuracy and failures per sequence are weighted by the lengths of the sequences, as vot-toolkit
    does; ``failures %`` is 100 failures by frames, as pysot prints its robustness. EAO is NaN where
    no stretch is as long as the interval begins.
    """
    lengths = np.array([len(each) for each in overlaps], float)
    accuracies = np.array([accuracy(*row) for row in zip(overlaps, codes)])
    failures = np.array([(code == FAILED).sum() for code in codes])
    low, high = INTERVAL
    interval = expected_overlap_curve(overlaps, codes)[low:high + 1]
    return {
        'EAO': float(np.mean(interval)) if len(interval) else float('nan'),
        'accuracy': float(np.average(accuracies, weights=lengths)),
        'failures': float(np.average(failures, weights=lengths)),
        'failures %': float(100 * failures.sum() / lengths.sum())}


def _stretches(overlap: np.ndarray, codes: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """Overlaps from each start (itself included) to a failure (excluded) or to the end."""
    found = []
    for start in np.flatnonzero(codes == INIT):
        ends = np.flatnonzero(codes[start:] == FAILED)
        end = start + ends[0] if len(ends) else len(codes)
        found.append((overlap[start:end], bool(len(ends))))
    return found


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
