"""When the target counts as tracked, uncertain, lost and found again: hysteresis both ways."""

from __future__ import annotations

import math
from typing import Callable, NamedTuple

from siamx_ros.config import TrackerConfig
from siamx_ros.records import BoxSource, Reason, TrackState

OUT_OF_VIEW_SHARE = 0.35
"""A bad frame whose box is less visible than this is a target that left the image."""
LEARNS = (TrackState.TRACKING, TrackState.UNCERTAIN)
"""States in which the target is learnt from."""
AMBIGUOUS_RATIO = 0.8
"""A bad frame whose second peak reaches this share of the first is ambiguous."""


class Thresholds(NamedTuple):
    """Confidences below which a frame is bad, and from which it is good."""

    bad_below: float
    good_from: float


class StateMachine:
    """TRACKING -> UNCERTAIN -> LOST -> RELOCALISED -> TRACKING.

    Attributes:
        confirmed: that what is followed is the target: false from a loss until ``n_confirm`` good
            frames in a row.
        unbroken: that the target has not been LOST since it was given.
        frames_lost: bad frames since the last good one, while UNCERTAIN or LOST.
    """

    def __init__(self, config: TrackerConfig) -> None:
        self.config = config
        self.state = TrackState.UNINITIALISED
        self.frames_lost = 0
        self.confirmed = self.unbroken = False
        self._good = self._gone = self._doubt = 0
        self._since = self._seen = 0.0

    def start(self, stamp: float) -> None:
        """A target was given."""
        self._enter(TrackState.TRACKING, stamp)
        self.frames_lost, self.unbroken = 0, True

    def lose(self, stamp: float) -> None:
        """The target is lost for a reason from outside, such as a gap in the images.

        For how long it was searched for before counts on, the gap itself does not.
        """
        searched = self._seen - self._since if self.state == TrackState.LOST else 0.0
        self._enter(TrackState.LOST, stamp)
        self._since -= searched
        self.frames_lost = max(1, self.frames_lost)

    def step(self, confidence: float, stamp: float, *, visible_share: float = 1.0,
             peak_ratio: float = 0.0, smooth: bool = False, refused: bool = False,
             carried: Callable[[], bool] = lambda: False) -> Reason:
        """Judge one frame; returns why the state changed, or NONE.

        Args:
            confidence: of the best candidate, 0 to 1.
            stamp: time of the image, seconds.
            visible_share: share of its box inside the image.
            peak_ratio: second peak divided by the first.
            smooth: whether its place and size continue those of the frames before.
            refused: whether all candidates were, since they cannot be the target: such a frame is
                bad and never good, whatever the thresholds.
            carried: whether it can be the target and optical flow leads to it from the frame
                before; only asked where that matters.
        """
        before, self._seen = self.state, stamp
        bad = refused or confidence < self._thresholds.bad_below
        gone = bad and confidence < self.config.gone_threshold
        if refused:
            confidence = -math.inf
        if before == TrackState.TRACKING:
            reason = self._from_tracking(
                confidence, gone, stamp, smooth and peak_ratio < AMBIGUOUS_RATIO, carried)
        elif before == TrackState.UNCERTAIN:
            reason = self._from_uncertain(confidence, bad, gone, stamp)
        elif before == TrackState.LOST:
            reason = self._from_lost(confidence, stamp)
        elif before == TrackState.RELOCALISED:
            reason = self._from_relocalised(bad, gone, stamp)
        else:
            return Reason.NONE
        if reason == Reason.LOW_SCORE:
            return Reason.OUT_OF_REACH if refused else _refined(visible_share, peak_ratio)
        return reason

    @property
    def _thresholds(self) -> Thresholds:
        config = self.config
        margin = config.unbroken_margin if self.unbroken else 0.0
        least = min(config.gone_threshold, config.lost_threshold)  # or no loss would ever come
        return Thresholds(max(config.lost_threshold - margin, least),
                          max(config.recover_threshold - margin, least))

    def _from_tracking(self, confidence: float, gone: bool, stamp: float, smooth: bool,
                       carried: Callable[[], bool]) -> Reason:
        if confidence >= self._thresholds.good_from:
            self._doubt = 0
        if confidence >= self._thresholds.bad_below:
            return Reason.NONE
        self._doubt += 1
        if smooth and not gone and self._doubt <= self.config.n_doubt:
            return Reason.NONE
        if self.unbroken and self._doubt <= self.config.n_flow and carried():
            return Reason.NONE
        self.frames_lost, self._gone = 1, int(gone)
        lost = self._gone >= self.config.n_lost
        self._enter(TrackState.LOST if lost else TrackState.UNCERTAIN, stamp)
        return Reason.LOW_SCORE

    def _from_uncertain(self, confidence: float, bad: bool, gone: bool, stamp: float) -> Reason:
        if confidence >= self._thresholds.good_from:
            self._good += 1
            enough = self.config.n_recover if self.confirmed else self.config.n_confirm
            if self._good >= enough:
                self._enter(TrackState.TRACKING, stamp)
                self.frames_lost = 0
                return Reason.CONFIRMED
            return Reason.NONE
        self._good = 0
        self.frames_lost += bad
        self._gone += gone
        overdue = 0 < self.config.lost_time <= stamp - self._since
        if gone and (self._gone >= self.config.n_lost or overdue):
            self._enter(TrackState.LOST, stamp)
            return Reason.LOW_SCORE
        return Reason.NONE

    def _from_lost(self, confidence: float, stamp: float) -> Reason:
        if confidence >= self.config.relocalise_threshold:
            self._enter(TrackState.RELOCALISED, stamp)
            self._good, self.frames_lost = 1, 0
            return Reason.NONE
        self.frames_lost += 1
        if 0 < self.config.search_timeout <= stamp - self._since:
            self._enter(TrackState.UNINITIALISED, stamp)
            self.frames_lost = 0
            return Reason.SEARCH_TIMEOUT
        return Reason.NONE

    def _from_relocalised(self, bad: bool, gone: bool, stamp: float) -> Reason:
        if bad:
            self._enter(TrackState.LOST if gone else TrackState.UNCERTAIN, stamp)
            self.frames_lost, self._gone = 1, 0
            return Reason.LOW_SCORE
        self._good += 1
        if self._good < self.config.n_confirm:
            return Reason.NONE
        self._enter(TrackState.TRACKING, stamp)
        return Reason.CONFIRMED

    def _enter(self, state: TrackState, stamp: float) -> None:
        self.state, self._since, self._good, self._doubt = state, stamp, 0, 0
        self._seen = stamp
        if state in (TrackState.TRACKING, TrackState.LOST):
            self.confirmed = state == TrackState.TRACKING
        if state == TrackState.LOST:
            self.unbroken = False


def _refined(visible_share: float, peak_ratio: float) -> Reason:
    if visible_share < OUT_OF_VIEW_SHARE:
        return Reason.OUT_OF_VIEW
    return Reason.AMBIGUOUS_PEAKS if peak_ratio >= AMBIGUOUS_RATIO else Reason.LOW_SCORE


def source_of(state: TrackState) -> BoxSource:
    """Where a reported box comes from."""
    if state == TrackState.UNINITIALISED:
        return BoxSource.NONE
    if state == TrackState.TRACKING:
        return BoxSource.MEASURED
    return BoxSource.RELOCALISED if state == TrackState.RELOCALISED else BoxSource.PREDICTED
