"""A TrackedTarget as an observation in the frame of the base; ROS-free but for duck typing."""

from __future__ import annotations

import math
from typing import Any

from siamx_ros.control.mounting import Mounting
from siamx_ros.control.observation import Observation
from siamx_ros.messages.frames import stamp_seconds
from siamx_ros.messages.from_msg import known
from siamx_ros.records import TrackState

BORDER = 1.0
"""A box within so many pixels of the border reaches it."""
RANGE_DEPTH = 1
"""``range_source`` of a range by depth."""


def observation(message: Any, mounting: Mounting | None) -> Observation:
    """What a message says about a robot's target.

    Args:
        mounting: of the camera on the base; None where it is not known: the bearing is not, then.
    """
    bearing, distance, rate = math.nan, math.nan, math.nan
    if mounting is not None:
        elevation = message.elevation if math.isfinite(message.elevation) else 0.0
        bearing, distance = mounting.seen(message.bearing, elevation, message.range)
        rate = mounting.rate(message.bearing, elevation, message.bearing_rate)
    sides, ends = cut(message)
    return Observation(
        stamp_s=stamp_seconds(message.header.stamp), seq=message.seq, target_id=message.target_id,
        state=known(TrackState, message.state, TrackState.ERROR), valid=message.valid,
        bearing=bearing, bearing_rate=rate, range_m=distance, range_stddev_m=message.range_stddev,
        from_depth=message.range_source == RANGE_DEPTH, box_height=message.bbox.size_y,
        cut_sides=sides, cut_ends=ends)


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
