"""A TrackedTarget as an observation in the frame of the base; ROS-free but for duck typing."""

from __future__ import annotations

import math
from typing import Any

from siamx_ros.control.mounting import Mounting
from siamx_ros.control.observation import FARTHEST, Observation
from siamx_ros.messages.frames import stamp_seconds
from siamx_ros.messages.from_msg import known
from siamx_ros.records import TrackState

BORDER = 1.0
"""A box within so many pixels of the border reaches it."""
RANGE_DEPTH = 1
"""``range_source`` of a range by depth."""
FASTEST = 100.0
"""A bearing that changes faster is not known to, rad/s."""


def observation(message: Any, mounting: Mounting) -> Observation:
    """What a message says about a robot's target; numbers out of all bounds are unknown, NaN.

    Args:
        mounting: of the camera on the base. It turns any number into a place, so that what is out
            of bounds is found before.
    """
    bearing = _within(message.bearing, math.pi)
    elevation = message.elevation if abs(message.elevation) <= math.pi / 2 else 0.0
    straight = message.range if 0 < message.range < FARTHEST else math.nan
    rate = mounting.rate(bearing, elevation, _within(message.bearing_rate, FASTEST))
    bearing, distance = mounting.seen(bearing, elevation, straight)
    sides, ends = cut(message)
    return Observation(
        stamp_s=stamp_seconds(message.header.stamp), seq=message.seq, target_id=message.target_id,
        state=known(TrackState, message.state, TrackState.ERROR), valid=message.valid,
        bearing=bearing, bearing_rate=rate, range_m=distance, range_stddev_m=message.range_stddev,
        from_depth=message.range_source == RANGE_DEPTH, box_height=message.bbox.size_y,
        cut_sides=sides, cut_ends=ends, unplaced=mounting.unknown)


def cut(message: Any) -> tuple[bool, bool]:
    """Whether the box is cut off at the sides, and at the upper or lower end, of the image.

    A message that says no more than that it is, as one without the size of the image, counts as
    cut off everywhere.
    """
    if not message.truncated:
        return False, False
    centre, box = message.bbox.center.position, message.bbox
    sides = (centre.x - box.size_x / 2 < BORDER
             or centre.x + box.size_x / 2 > message.image_width - BORDER)
    ends = (centre.y - box.size_y / 2 < BORDER
            or centre.y + box.size_y / 2 > message.image_height - BORDER)
    return (sides, ends) if sides or ends else (True, True)


def _within(value: float, bound: float) -> float:
    """A number whose amount is at most a bound, or NaN."""
    return value if abs(value) <= bound else math.nan
