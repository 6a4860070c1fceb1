"""No input makes the follower unsafe."""

from __future__ import annotations

from dataclasses import replace
import math
import random

from following import GOOD
import pytest

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import Command, FollowState, Now, Observation
from siamx_ros.records import TrackState as State

BROKEN = (math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0, -1.0)


def wild(generator: random.Random, seen: Observation) -> Observation:
    """An observation with some fields out of order."""
    changes = {
        'stamp_s': seen.stamp_s + generator.choice([*BROKEN, -0.3, 0.2]),
        'seq': generator.choice([0, seen.seq - 1]),
        'state': generator.choice(list(State)), 'valid': generator.random() < 0.5,
        'bearing': generator.choice([*BROKEN, 0.6, -2.0]), 'bearing_rate': generator.choice(BROKEN),
        'range_m': generator.choice([*BROKEN, 0.5, 30.0]),
        'range_stddev_m': generator.choice(BROKEN), 'box_height': generator.choice(BROKEN),
        'from_depth': generator.random() < 0.5, 'cut_sides': generator.random() < 0.5,
        'cut_ends': generator.random() < 0.5, 'target_id': generator.choice('ab')}
    chosen = generator.sample(sorted(changes), generator.randint(1, 4))
    return replace(seen, **{name: changes[name] for name in chosen})


@pytest.mark.parametrize('seed', range(20))
def test_no_input_makes_it_unsafe(seed):
    """Random runs of good and broken observations, silences and clocks that jump."""
    generator = random.Random(seed)
    limits = FollowLimits(
        range_from_box=seed % 2 == 0, search=seed % 3 == 0, max_linear=generator.uniform(0.2, 2.0))
    follower, last, offset, certain_at = Follower(limits), Command(), 90.0, -math.inf
    broken = generator.random() < 0.5
    for tick in range(3000):
        steady = tick * 0.02
        if generator.random() < 0.02:
            broken = not broken
        if generator.random() < 0.002:
            offset += generator.choice([-5, 5, -0.2, 0.2])
        now, seen = Now(steady + offset, steady), None
        if generator.random() < 0.6:
            seen = replace(GOOD, stamp_s=now.ros_s - 0.04, seq=tick, bearing=math.sin(tick / 60),
                           range_m=3 + math.sin(tick / 100))
            seen = wild(generator, seen) if broken else seen
        if generator.random() < 0.01:
            now = Now(generator.choice(BROKEN), steady)
        command = follower.step(now) if seen is None else follower.update(seen, now)
        check(command, last, limits)
        certain = (seen is not None and seen.valid and seen.state == State.TRACKING
                   and math.isfinite(seen.bearing))
        certain_at = steady if certain else certain_at
        if seen is not None and not certain and seen.seq == tick:
            assert command.linear <= last.linear, 'never faster on a box that is not valid'
        if steady - certain_at > 0.32:
            assert command.linear == 0, f'{steady - certain_at:.2f} s after the last valid one'
        last = command


def check(command: Command, last: Command, limits: FollowLimits) -> None:
    """What holds for every command."""
    assert 0 <= command.linear <= limits.max_linear
    assert abs(command.angular) <= limits.max_angular
    assert command.linear - last.linear <= limits.max_acceleration * 0.2 + 1e-9
    assert command.linear > 0 or command.message or command.state != FollowState.STANDING
