"""The figures of one pass over one sequence, and their means."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from siamx_ros.evaluation import metrics
from siamx_ros.evaluation.runner import Run
from siamx_ros.geometry import iou_xywh
from siamx_ros.records import TrackState


@dataclass(frozen=True)
class Scores:
    """Figures of one sequence: the initial frame does not count.

    ``python -m siamx_ros evaluate --help`` says what each is; NaN where there is nothing to count.

    Attributes:
        auc: mean of the success curve over 21 thresholds 0, 0.05, ..., 1 (overlap > threshold).
        success: share of frames with an overlap above 0.5.
        precision: share with the centre at most 20 pixels off.
        normalised_precision: share with the centre at most 0.2 target sizes off.
        speed: frames per second of the tracker alone.
        wrong_while_valid: share reported as valid with an overlap below 0.1.
        false_lost: share reported LOST although the box overlaps by 0.5 or more.
        invalid_while_right: share of the frames with an overlap above 0.5 that are not reported as
            valid, NaN of none.
        valid_drops: how often validity ends on such a frame, per 100 of them, NaN of none.
        valid_while_absent: share of the frames without the target reported as valid, NaN of none.
        frames: how many frames with the target count.
    """

    auc: float
    success: float
    precision: float
    normalised_precision: float
    speed: float
    wrong_while_valid: float
    false_lost: float
    invalid_while_right: float
    valid_drops: float
    valid_while_absent: float
    frames: int


def score(run: Run) -> Scores:
    """Score one pass."""
    counts = run.counts
    boxes, truth = run.boxes[counts], run.truth[counts]
    overlap = iou_xywh(boxes, truth)
    pixels = metrics.centre_errors(boxes, truth)
    answered = run.states != TrackState.UNINITIALISED
    right = counts & (iou_xywh(run.boxes, run.truth) > metrics.RIGHT_OVERLAP)
    normalised = metrics.normalised_errors(boxes, truth)
    return Scores(
        auc=float(metrics.success_curve(overlap).mean()),
        success=metrics.share(overlap > 0.5),
        precision=metrics.share(pixels <= 20),
        normalised_precision=metrics.share(normalised <= 0.2),
        speed=run.frames_per_second,
        wrong_while_valid=metrics.share(run.valid[counts] & (overlap < metrics.WRONG_OVERLAP)),
        false_lost=metrics.share((run.states[counts] == TrackState.LOST)
                                 & (overlap >= metrics.RIGHT_OVERLAP)),
        invalid_while_right=metrics.share(~run.valid[right]),
        valid_drops=metrics.valid_drops(run.valid[answered], right[answered]),
        valid_while_absent=metrics.valid_while_absent(run.valid, run.absent),
        frames=int(counts.sum()))


def mean_scores(runs: list[Run]) -> Scores:
    """Mean over sequences, each weighing the same; speed is all frames by all time."""
    each = [score(run) for run in runs]
    means = {field.name: metrics.mean_of([getattr(scores, field.name) for scores in each])
             for field in fields(Scores)}
    seconds = np.concatenate([run.update_seconds for run in runs])
    means['speed'] = len(seconds) / float(seconds.sum()) if len(seconds) else float('nan')
    means['frames'] = sum(scores.frames for scores in each)
    return Scores(**means)
