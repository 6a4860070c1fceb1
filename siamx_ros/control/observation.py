"""What goes into a follower and what comes out of it: plain values in the frame of the base."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
import math
from typing import NamedTuple

from siamx_ros.records import TrackState


FARTHEST = 1000.0
"""A range from here on is none, metres."""


class Now(NamedTuple):
    """The same moment by two clocks, seconds.

    Attributes:
        ros_s: the clock of the images' stamps; may be simulated, set back, or stand still.
        steady_s: a clock that only goes forward, at the pace of the world.
    """

    ros_s: float
    steady_s: float

    @property
    def is_finite(self) -> bool:
        """Whether both are numbers."""
        return math.isfinite(self.ros_s) and math.isfinite(self.steady_s)


@dataclass(frozen=True)
class Observation:
    """What the tracker said about one image; radians, metres, seconds, NaN where unknown.

    Attributes:
        stamp_s: of the image, ROS time.
        valid: whether the box was measured on this image and the target is confirmed.
        bearing: direction in the plane of the base, positive to the left.
        bearing_rate: change of ``bearing`` as the camera saw it, the robot's own turn included.
        range_m, range_stddev_m: distance in the plane of the base and its deviation.
        from_depth: whether the range comes from depth, which needs no whole box.
        box_height: pixels.
        cut_sides, cut_ends: whether the box reaches the left or right, the upper or lower border
            of the image.
        unplaced: why ``bearing`` is unknown where the camera's place on the base is; else empty.
    """

    stamp_s: float
    seq: int
    target_id: str
    state: TrackState
    valid: bool
    bearing: float
    bearing_rate: float = math.nan
    range_m: float = math.nan
    range_stddev_m: float = math.nan
    from_depth: bool = False
    box_height: float = math.nan
    cut_sides: bool = False
    cut_ends: bool = False
    unplaced: str = ''

    @property
    def certain(self) -> bool:
        """Whether the robot may act on it: valid, and the direction known."""
        return (self.valid and self.state == TrackState.TRACKING and self.bearing_known
                and math.isfinite(self.stamp_s))

    @property
    def bearing_known(self) -> bool:
        """Whether the direction is one; not a number is none."""
        return abs(self.bearing) <= math.pi

    @property
    def range_known(self) -> bool:
        """Whether the range is one that a robot can act on."""
        return 0 < self.range_m < FARTHEST

    @property
    def slows_only(self) -> bool:
        """Whether the box is cut off in a way that leaves its place open: no driving faster."""
        return self.cut_sides or self.cut_ends and not self.from_depth


class Place(NamedTuple):
    """Where the target is in the plane of the base, metres and radians, NaN where unknown.

    ``target_id`` is empty without a target.
    """

    distance: float = math.nan
    bearing: float = math.nan
    target_id: str = ''


class FollowState(IntEnum):
    """What the robot is commanded to do; the same numbers as in ``FollowerStatus.msg``."""

    STANDING = 0
    TURNING = 1
    FOLLOWING = 2
    SLOWING = 3
    """Something is in doubt: the speed falls, and is zero when the doubt lasts."""
    SEARCHING = 4


class FollowReason(IntEnum):
    """Why the robot does not drive, or drives slower than it could; numbers as in the message."""

    NONE = 0
    FORBIDDEN = 1
    NOTHING_SEEN = 2
    CLOCK = 3
    SILENCE = 4
    OLD_IMAGE = 5
    TARGET_CHANGED = 6
    TRACKER_STATE = 7
    NOT_VALID = 8
    BEARING_UNKNOWN = 9
    RANGE_UNKNOWN = 10
    RANGE_UNSURE = 11
    TRUNCATED = 12
    ASIDE = 13
    TOO_NEAR = 14
    ARRIVED = 15
    TARGET_UNCONFIRMED = 16


class Verdict(NamedTuple):
    """Why the robot must not drive, for programs and as half a sentence for people."""

    reason: FollowReason
    message: str


def described(state: FollowState, message: str) -> str:
    """What the robot does, and why if there is a reason, in a few words."""
    doing = state.name.lower()
    return f'{doing}: {message}' if message else doing


@dataclass(frozen=True)
class Command:
    """A command to the base: m/s forwards (never negative), rad/s to the left, and why."""

    linear: float = 0.0
    angular: float = 0.0
    state: FollowState = FollowState.STANDING
    reason: FollowReason = FollowReason.NONE
    message: str = ''

    @property
    def moves(self) -> bool:
        """Whether the base is commanded to move."""
        return bool(self.linear or self.angular)
