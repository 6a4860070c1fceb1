"""Plain values handed between the parts: states, reasons and the result of one frame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
import math

from siamx_ros.geometry import BoundingBox, CropWindow


class TrackState(IntEnum):
    """What the tracker claims about its target; the same numbers as in ``TrackerStatus.msg``."""

    UNINITIALISED = 0
    """No target was given."""
    INITIALISING = 1
    """A target was accepted; the frames since it was drawn are being caught up."""
    TRACKING = 2
    """The target is seen and measured."""
    UNCERTAIN = 3
    """Confidence fell; the target is predicted, not confirmed."""
    LOST = 4
    """The target is gone; the tracker searches for it."""
    RELOCALISED = 5
    """A candidate was found after a loss and is being confirmed."""
    INPUT_STALE = 6
    """No images arrive."""
    PAUSED = 7
    """Switched off by the operator; the template is kept."""
    ERROR = 8
    """Inference failed."""


class Reason(IntEnum):
    """Why the state changed; the same numbers as in ``TrackerStatus.msg``."""

    NONE = 0
    INIT = 1
    RESET = 2
    LOW_SCORE = 3
    AMBIGUOUS_PEAKS = 4
    OUT_OF_VIEW = 5
    CONFIRMED = 8
    SEARCH_TIMEOUT = 9
    NO_IMAGES = 10
    STAMP_JUMP = 11
    IMAGE_SIZE_CHANGED = 12
    INFERENCE_ERROR = 13
    OPERATOR = 14
    FROZEN_IMAGES = 15
    OUT_OF_REACH = 16


class BoxSource(IntEnum):
    """Where a reported box comes from; the same numbers as in ``TrackedTarget.msg``."""

    NONE = 0
    MEASURED = 1
    PREDICTED = 2
    RELOCALISED = 3


@dataclass(frozen=True)
class TrackResult:
    """What the tracker says about one image.

    Attributes:
        box: the best box of this image in image pixels, unclipped; None only without a target.
        confidence: calibrated confidence that ``box`` is the target, 0 to 1.
        state: one of UNINITIALISED, TRACKING, UNCERTAIN, LOST, RELOCALISED.
        reason: why ``state`` differs from the previous one; NONE while it does not, and at the
            change from LOST to RELOCALISED, which is no more than a candidate.
        box_source: MEASURED, PREDICTED (held or uncertain), RELOCALISED, or NONE.
        valid: whether a controller may act on ``box``: measured on this image while TRACKING.
        raw_score: sigmoid of the chosen cell, before calibration.
        peak_ratio: highest score away from the chosen peak divided by the chosen score; small is
            unambiguous, NaN where not computed.
        template_similarity: cosine between the template's and the box's features, NaN where not
            computed.
        online_response: of the target's own classifier, about 0 to 1; 0 without one.
        colour_similarity: of the target's colours and those in the box, 0 to 1; 0 where not
            computed.
        backward_score: of the target in its first image, searched with what is followed, 0 to 1:
            the newest one, or what is assumed of the target itself; NaN without an answer.
        velocity: (vx, vy) of the centre in pixels per frame, NaN where unknown.
        windows: the windows searched on this image.
        frames_since_init, frames_lost: counters; ``frames_lost`` is 0 unless LOST or UNCERTAIN.
    """

    box: BoundingBox | None
    confidence: float
    state: TrackState
    reason: Reason = Reason.NONE
    box_source: BoxSource = BoxSource.NONE
    valid: bool = False
    raw_score: float = math.nan
    peak_ratio: float = math.nan
    template_similarity: float = math.nan
    online_response: float = 0.0
    colour_similarity: float = 0.0
    backward_score: float = math.nan
    velocity: tuple[float, float] = (math.nan, math.nan)
    windows: tuple[CropWindow, ...] = ()
    frames_since_init: int = 0
    frames_lost: int = 0
