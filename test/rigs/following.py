"""Observations of a target that a follower may follow, and followers that do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import Command, Now, Observation
from siamx_ros.records import TrackState as State

GOOD = Observation(stamp_s=100.0, seq=1, target_id='a', state=State.TRACKING, valid=True,
                   bearing=0.1, range_m=4.0, range_stddev_m=0.05, from_depth=True,
                   box_height=100.0)


def walk(speed):
    return lambda now: (2.5 + speed * now, 0.0)


def fed(follower: Follower, start: float, seconds: float, **change) -> Command:
    """Show it the same for a while at 20 Hz; stamps 0.05 s before arrival, steady = ROS - 90."""
    for tick in range(round(seconds / 0.05)):
        now = start + tick * 0.05
        seen = replace(GOOD, stamp_s=now - 0.05, seq=round(now * 100), **change)
        command = follower.update(seen, Now(now, now - 90))
    return command


def cruising(limits: FollowLimits = FollowLimits(), **change) -> Follower:
    """A follower at full speed; its last observation came at 102.95."""
    follower = Follower(limits)
    assert fed(follower, 101.0, 2.0, **change).linear == pytest.approx(limits.max_linear)
    return follower
