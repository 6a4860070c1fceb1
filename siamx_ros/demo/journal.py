"""What came back from the node while a clip was played, and what it amounts to."""

from __future__ import annotations

from dataclasses import dataclass, field
import math
from typing import Any

import numpy as np

from siamx_ros.evaluation import metrics
from siamx_ros.evaluation.runner import Run
from siamx_ros.records import Reason, TrackResult, TrackState


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

    def run(self, name: str = '') -> Run:
        """The same as what evaluation scores and draws; -1 is the state of unprocessed frames."""
        count = self.frame_count
        truth = np.full((count, 4), np.nan) if self.truth_xywh is None else self.truth_xywh[:count]
        run = Run.empty(name, truth)
        run.confidence[:], run.states[:] = np.nan, -1
        for frame, result in self.results.items():
            run.note(frame, result, 0.0)
        return run

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

        False alarm: valid although hidden, or valid elsewhere, of all processed frames.
        """
        run = self.run()
        overlap = metrics.overlaps(run.boxes, run.truth)
        processed = run.states >= 0
        shown = processed & np.isfinite(run.truth).all(1)
        good = run.valid & (overlap >= metrics.RIGHT_OVERLAP)
        mean = metrics.mean_of(overlap[shown])
        return {
            'followed_share': _rounded(metrics.share(good[shown])) or 0.0,
            'wrong_share': _rounded(
                metrics.wrong_while_valid(run.valid[processed], overlap[processed])) or 0.0,
            'mean_overlap': _rounded(mean),
        }

    def _median_latency_ms(self) -> float | None:
        known = [latency for latency in self.latencies.values() if math.isfinite(latency)]
        return round(1000 * float(np.median(known)), 1) if known else None

    def _count(self, state: TrackState) -> int:
        return sum(change.state == state for change in self.changes)


def _rounded(share: float) -> float | None:
    return round(share, 4) if math.isfinite(share) else None
