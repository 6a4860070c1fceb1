"""What came back from the node while a clip was played, and what it amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field
import math
from typing import Any

import numpy as np

from siamx_ros.geometry import iou_xywh
from siamx_ros.records import Reason, TrackResult, TrackState

GOOD_OVERLAP = 0.5
"""IoU with the true box from which on a frame counts as followed."""


@dataclass(frozen=True)
class StateChange:
    """One change of the node's state, at a time in the clip."""

    seconds: float
    previous: TrackState
    state: TrackState
    reason: Reason

    def __str__(self) -> str:
        why = f' ({self.reason.name.lower().replace("_", " ")})' if self.reason else ''
        return f'{self.seconds:6.1f} s  {self.previous.name} -> {self.state.name}{why}'


@dataclass
class Journal:
    """Results by frame, state changes and counts of one run.

    Attributes:
        fps: frames per second of the clip.
        frame_count: frames of the clip that were played or skipped.
        truth_xywh: frame_count x 4 true boxes, NaN while hidden; None where unknown.
        results: frame -> what the node said.
        latencies: frame -> seconds from the image's stamp to its result, by the node's clock.
        changes: state changes in order.
        skipped: frames never sent because the node was far behind.
        seconds: time it took to play the clip.
    """

    fps: float
    frame_count: int = 0
    truth_xywh: np.ndarray | None = None
    results: dict[int, TrackResult] = field(default_factory=dict)
    latencies: dict[int, float] = field(default_factory=dict)
    changes: list[StateChange] = field(default_factory=list)
    skipped: int = 0
    seconds: float = 0.0

    def overlaps(self) -> np.ndarray:
        """IoU per frame; NaN where the truth is unknown or hidden or there is no result."""
        overlaps = np.full(self.frame_count, np.nan)
        if self.truth_xywh is None:
            return overlaps
        for frame, result in self.results.items():
            truth = self.truth_xywh[frame]
            if not np.isnan(truth[0]):
                box = result.box.xywh if result.box else (math.nan,) * 4
                overlaps[frame] = iou_xywh(np.array(box), truth)
        return overlaps

    def summary(self) -> dict[str, Any]:
        """Counts, rates and shares of the run, plain values."""
        processed = len(self.results)
        valid = sum(result.valid for result in self.results.values())
        numbers: dict[str, Any] = {
            'frames': self.frame_count,
            'processed': processed,
            'dropped': self.frame_count - processed - self.skipped,
            'skipped': self.skipped,
            'frames_per_second': round(processed / self.seconds, 2) if self.seconds else None,
            'median_latency_ms': self._median_latency_ms(),
            'valid_share': round(valid / processed, 4) if processed else 0.0,
            'times_lost': self._count(TrackState.LOST),
            'times_relocalised': self._count(TrackState.RELOCALISED),
        }
        if self.truth_xywh is not None:
            numbers.update(self._against_truth())
        return numbers

    def _against_truth(self) -> dict[str, float | None]:
        """Followed: valid and overlapping, of the processed frames that show the target.

        False alarm: valid although hidden, or valid without any overlap, of all processed frames.
        """
        overlaps = self.overlaps()
        processed = np.array([frame in self.results for frame in range(self.frame_count)])
        shown = processed & ~np.isnan(self.truth_xywh[:self.frame_count, 0])
        valid = np.array([f in self.results and self.results[f].valid
                          for f in range(self.frame_count)])
        good = valid & (np.nan_to_num(overlaps) >= GOOD_OVERLAP)
        wrong = valid & (~shown | (np.nan_to_num(overlaps) == 0.0))
        measured = overlaps[~np.isnan(overlaps)]
        return {
            'followed_share': round(float(good.sum() / max(1, shown.sum())), 4),
            'wrong_share': round(float(wrong.sum() / max(1, len(self.results))), 4),
            'mean_overlap': round(float(measured.mean()), 4) if measured.size else None,
        }

    def _median_latency_ms(self) -> float | None:
        known = [latency for latency in self.latencies.values() if math.isfinite(latency)]
        return round(1000 * float(np.median(known)), 1) if known else None

    def _count(self, state: TrackState) -> int:
        return sum(change.state == state for change in self.changes)
