"""What the node publishes as plain values: the way back from :mod:`siamx_ros.messages.to_msg`."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, TypeVar

from siamx_ros.geometry import BoundingBox
from siamx_ros.records import BoxSource, TrackResult, TrackState

MAX_THETA = 1e-3
"""Radians by which a box may be rotated and still counts as upright."""
Kind = TypeVar('Kind', bound=IntEnum)


def known(kind: type[Kind], number: int, otherwise: Kind) -> Kind:
    """What a number of a message means; ``otherwise`` for one that only another version knows."""
    try:
        return kind(number)
    except ValueError:
        return otherwise


def box_of(message: Any) -> BoundingBox:
    """The box of a BoundingBox2D, in pixels.

    Raises:
        InputError: its numbers are no box, such as the NaN of a target that is not seen.
    """
    centre = message.center.position
    return BoundingBox.from_centre(centre.x, centre.y, message.size_x, message.size_y)


def result_of(message: Any) -> TrackResult:
    """The answer to one image, from a TrackedTarget.

    Its reason stands in ``~/status``, its velocity is per second instead of per image and left
    out, and so are the searched windows.
    """
    seen = message.box_source != BoxSource.NONE
    return TrackResult(
        box_of(message.bbox) if seen else None, message.confidence,
        known(TrackState, message.state, TrackState.ERROR),
        box_source=BoxSource(message.box_source), valid=message.valid,
        raw_score=message.raw_score, peak_ratio=message.peak_ratio,
        template_similarity=message.template_similarity,
        frames_since_init=message.frames_since_init, frames_lost=message.frames_lost)
