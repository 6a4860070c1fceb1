"""How well a tracker knows that it is lost, how it comes back, and what a controller gets.

Every function takes a :class:`Track` and gives plain figures; NaN (None in JSON) means that nothing
was there to measure.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np

from siamx_ros.control.bearing import angles
from siamx_ros.control.camera_model import CameraModel
from siamx_ros.evaluation import metrics
from siamx_ros.geometry import iou_xywh
from siamx_ros.records import TrackState

LOSSES = ('losses', 'losses_undetected', 'detection_delay_frames', 'detection_delay_s', 'returns',
          'returns_missed', 'time_to_relocalise_s')
"""Figures of :func:`losses`, in their order."""


@dataclass(frozen=True)
class Track:
    """M processed and labelled frames after the initial one.

    Attributes:
        stamps: seconds.
        truth: M x 4, NaN where the target is absent.
        boxes: M x 4.
        confidence, states, valid: one entry per frame.
    """

    stamps: np.ndarray
    truth: np.ndarray
    boxes: np.ndarray
    confidence: np.ndarray
    states: np.ndarray
    valid: np.ndarray

    @property
    def visible(self) -> np.ndarray:
        """Where the target is in the image."""
        return np.isfinite(self.truth).all(1)

    @property
    def overlap(self) -> np.ndarray:
        """Overlap of each box; 0 where the target is absent."""
        return iou_xywh(self.boxes, self.truth)

    @property
    def off_target(self) -> np.ndarray:
        """Where the box is not on the target: absent, or an overlap below 0.1."""
        return ~self.visible | (self.overlap < metrics.WRONG_OVERLAP)

    @property
    def right(self) -> np.ndarray:
        """Where the box is on the target with an overlap of at least 0.5."""
        return self.visible & (self.overlap >= metrics.RIGHT_OVERLAP)


def validity_errors(track: Track) -> dict[str, float]:
    """Shares of the frames on which validity or state is wrong, and the longest good run."""
    visible, lost = track.visible, track.states == TrackState.LOST
    return {
        'wrong_while_valid': metrics.share((track.valid & track.off_target)[visible]),
        'valid_while_absent': metrics.valid_while_absent(track.valid, ~visible),
        'false_lost': metrics.share((lost & track.right)[visible]),
        'valid_and_right_time': metrics.share((track.valid & track.right)[visible]),
        'longest_valid_run_s': _longest(track.valid & track.right, track.stamps),
    }


def losses(track: Track) -> dict[str, float]:
    """Losses: runs of frames on which the target is absent or the box is off it.

    ``detection_delay`` runs from the first such frame to the first one that is not reported as
    valid; ``time_to_relocalise`` is the time for which the target was visible from then to the
    first frame that is valid and right. Without a frame nothing was counted: all are NaN.
    """
    if not len(track.stamps):
        return dict.fromkeys(LOSSES, math.nan)
    delays_frames, delays_s, returns, undetected, never = [], [], [], 0, 0
    episodes = runs_of(track.off_target)
    for first, end in episodes:
        silent = np.flatnonzero(~track.valid[first:end])
        if len(silent):
            delays_frames.append(int(silent[0]))
            delays_s.append(float(track.stamps[first + silent[0]] - track.stamps[first]))
        else:
            undetected += 1
        wait = _return_time(track, first)
        if wait is None:
            continue
        if math.isfinite(wait):
            returns.append(wait)
        else:
            never += 1
    return dict(zip(LOSSES, (
        len(episodes), undetected, _median(delays_frames), _median(delays_s),
        len(returns) + never, never, _median(returns))))


def relocalisations(track: Track, labelled: np.ndarray) -> dict[str, float]:
    """How often the state becomes RELOCALISED, and how often that is wrong.

    Args:
        track: of all frames that were answered.
        labelled: M booleans; where nothing is known of the target, nothing is judged.
    """
    now = track.states == TrackState.RELOCALISED
    begins = now & ~np.concatenate([[False], now[:-1]])
    return {'relocalisations': int(begins.sum()),
            'relocalisations_labelled': int((begins & labelled).sum()),
            'wrong_relocalisations': int((begins & labelled & track.off_target).sum())
            if labelled.any() else math.nan}


def long_term(track: Track) -> dict[str, float]:
    """Long-term precision, recall and F at the best confidence threshold of this track."""
    from siamx_ros.evaluation.long_term import long_term_figures
    return long_term_figures([track.overlap], [track.confidence], [track.visible])


def calibration(track: Track, bins: int = 10) -> dict:
    """Reliability: in each range of confidence, the share of frames whose box is right.

    ``error`` is the mean distance of confidence and share, weighted by frames.
    """
    edges = np.linspace(0, 1, bins + 1)
    which = np.clip(np.digitize(track.confidence, edges[1:-1]), 0, bins - 1)
    rows, error = [], 0.0
    for index in range(bins):
        inside = which == index
        count = int(inside.sum())
        mean = float(track.confidence[inside].mean()) if count else math.nan
        right = float(track.right[inside].mean()) if count else math.nan
        rows.append({'from': round(float(edges[index]), 6), 'frames': count,
                     'confidence': mean, 'right': right})
        if count:
            error += abs(mean - right) * count / max(1, len(track.stamps))
    return {'error': error if len(track.stamps) else math.nan, 'bins': rows}


def bearing(track: Track, camera: CameraModel) -> dict[str, float]:
    """Error and jitter of the direction to the target, degrees, on valid frames.

    Frames with a centre that no ray of the camera meets do not count.
    """
    counts = track.valid & track.visible
    error = _bearings(track.boxes[counts], camera) - _bearings(track.truth[counts], camera)
    error = error[np.isfinite(error)]
    size = np.abs(error)
    steps = np.diff(error)
    return {
        'bearing_error_median_deg': _median(list(size)),
        'bearing_error_p95_deg': float(np.percentile(size, 95)) if len(size) else math.nan,
        'bearing_jitter_deg': float(np.std(steps)) if len(steps) else math.nan,
    }


def runs_of(flags: np.ndarray) -> list[tuple[int, int]]:
    """First index and end (exclusive) of every run of true entries."""
    padded = np.concatenate([[False], flags, [False]]).astype(np.int8)
    change = np.diff(padded)
    return list(zip(np.flatnonzero(change == 1).tolist(), np.flatnonzero(change == -1).tolist()))


def _return_time(track: Track, first: int) -> float | None:
    """Seconds of a visible target until valid and right again; infinite if never.

    None if the target is not visible any more.
    """
    if not track.visible[first:].any():
        return None
    good = np.flatnonzero((track.valid & track.right)[first:])
    if not len(good):
        return math.inf
    waited = slice(first, first + int(good[0]))
    steps = np.diff(track.stamps[first:waited.stop + 1])
    return float(steps[track.visible[waited]].sum())


def _longest(flags: np.ndarray, stamps: np.ndarray) -> float:
    if not len(flags):
        return math.nan
    return max((float(stamps[end - 1] - stamps[first]) for first, end in runs_of(flags)),
               default=0.0)


def _bearings(boxes: np.ndarray, camera: CameraModel) -> np.ndarray:
    """Direction to the centre of each of N x 4 boxes, degrees; NaN where it is not known."""
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    return np.degrees([angles(camera.ray(x, y))[0] for x, y in centres])


def _median(values: list[float]) -> float:
    return float(np.median(values)) if values else math.nan
