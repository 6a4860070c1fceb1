"""The follower's safety contract: every way in which it must not move, and how it moves."""

from __future__ import annotations

from dataclasses import replace
import math

import pytest

from siamx_ros.control.follow import STOP, Follower, FollowConfig, Sighting
from siamx_ros.records import TrackState as State

GOOD = Sighting(stamp_s=100.0, arrived_s=7.0, seq=1, target_id='a', state=State.TRACKING,
                valid=True, truncated=False, bearing=0.1, range_m=3.0, range_stddev_m=0.1)


def following(config: FollowConfig = FollowConfig(), sighting: Sighting = GOOD) -> Follower:
    """A follower that moves after this sighting; stamps and arrivals are 0.05 s ago."""
    follower = Follower(config)
    follower.see(sighting)
    assert follower.command(100.05, 7.05) is None, 'another target: one tick of thought'
    assert follower.command(100.05, 7.05) is not None
    return follower


def test_turns_towards_and_drives_at_a_distance():
    follower = following()
    velocity = follower.command(100.10, 7.10)
    assert velocity.angular == pytest.approx(1.2 * 0.1)
    assert 0 < velocity.linear <= 0.4
    assert follower.why == ''


def test_speed_is_bounded_and_grows_slowly():
    config = FollowConfig(max_age=2.0)
    follower = following(config, replace(GOOD, range_m=100.0, bearing=-0.3))
    speeds = [follower.command(100.05, 7.05 + tick * 0.05).linear for tick in range(1, 25)]
    assert max(b - a for a, b in zip([0.0, *speeds], speeds)) <= 0.5 * 0.05 + 1e-9
    assert speeds[-1] == pytest.approx(0.4)


def test_the_turning_rate_grows_slowly_and_falls_at_once():
    config = FollowConfig(max_age=2.0, max_angular_acceleration=1.0)
    follower = following(config, replace(GOOD, bearing=-1.0))
    rates = [follower.command(100.05, 7.05 + tick * 0.05).angular for tick in range(1, 20)]
    assert rates[-1] == -0.8 and max(a - b for a, b in zip([0.0, *rates], rates)) < 0.2 + 1e-9
    assert max(a - b for a, b in zip(rates, rates[1:])) <= 0.05 + 1e-9
    follower.see(replace(GOOD, seq=2, bearing=0.5, arrived_s=8.0))
    turned = follower.command(100.05, 8.05).angular
    assert 0 < turned <= 0.05 + 1e-9, 'no longer to the other side'


@pytest.mark.parametrize('stamp', [103.0, 2.0], ids=['tracker', 'tracker and clock'])
def test_what_was_started_again_counts_anew(stamp):
    follower, now = following(sighting=replace(GOOD, seq=5000)), stamp + 0.05
    again = replace(GOOD, seq=1, stamp_s=stamp, arrived_s=10.0)
    follower.see(replace(again, arrived_s=7.1))
    assert follower.command(now, 7.15) == STOP, 'only after a silence'
    follower.see(again)
    assert follower.command(now, 10.05) is None and follower.why == 'another target'
    follower.see(replace(again, seq=2, arrived_s=10.1))
    assert follower.command(now, 10.1).angular > 0
    follower.see(replace(GOOD, seq=5000, arrived_s=20.0))
    assert follower.command(now, 20.0) == STOP, 'an old one that comes late is no news'


def test_after_a_silence_the_same_name_is_another_target():
    follower = following()
    follower.see(replace(GOOD, seq=2, stamp_s=101.0, arrived_s=8.0))
    assert follower.command(101.05, 8.05) == STOP and follower.why == 'another target'
    assert follower.command(101.05, 8.1) is not None


def test_never_backwards():
    assert following(sighting=replace(GOOD, range_m=0.4)).command(100.1, 7.1).linear == 0.0


@pytest.mark.parametrize('change', [
    {'truncated': True}, {'range_m': math.nan, 'range_stddev_m': math.nan},
    {'range_stddev_m': 0.9}, {'range_stddev_m': math.nan}, {'bearing': 0.6},
    {'state': State.RELOCALISED, 'valid': False}, {'state': State.UNCERTAIN, 'valid': False}],
    ids=str)
def test_turns_without_driving(change):
    velocity = following(sighting=replace(GOOD, **change)).command(100.1, 7.1)
    assert velocity.linear == 0.0 and velocity.angular > 0


@pytest.mark.parametrize('state', [State.UNINITIALISED, State.INITIALISING, State.LOST,
                                   State.INPUT_STALE, State.PAUSED, State.ERROR])
def test_stops_once_then_is_silent(state):
    follower = following()
    follower.see(replace(GOOD, seq=2, state=state, valid=False))
    assert follower.command(100.1, 7.1) == STOP
    assert [follower.command(100.1, 7.1 + t * 0.05) for t in range(5)] == [None] * 5
    assert state.name in follower.why


@pytest.mark.parametrize('now, steady, words', [
    (100.5, 7.1, 's old'), (99.9, 7.1, 'from the future'), (100.1, 7.5, 'silent')])
def test_either_clock_stops_it(now, steady, words):
    follower = following()
    assert follower.command(now, steady) == STOP
    assert words in follower.why


def test_time_that_stands_still_does_not_keep_it_going():
    """Simulated time without a clock: ROS time is 0 for ever, only the steady clock helps."""
    follower = Follower()
    follower.see(replace(GOOD, stamp_s=0.0))
    follower.command(0.0, 7.0)
    assert follower.command(0.0, 7.1) is not None
    assert follower.command(0.0, 7.4) == STOP


def test_repeated_messages_are_not_news():
    follower = following()
    follower.see(replace(GOOD, arrived_s=7.4))
    assert follower.command(100.2, 7.45) == STOP and 'silent' in follower.why


def test_an_uncertain_target_is_coasted_on_for_a_moment_at_half_rate():
    follower = following()
    for tick in range(12):
        follower.see(replace(GOOD, seq=2 + tick, stamp_s=100 + tick * 0.05, valid=False,
                             arrived_s=7 + tick * 0.05, state=State.UNCERTAIN))
        velocity = follower.command(100 + tick * 0.05, 7 + tick * 0.05)
        if tick == 5:
            assert velocity.angular == pytest.approx(0.5 * 1.2 * 0.1)
    assert velocity == STOP and 'UNCERTAIN' in follower.why


def test_another_target_stops_first():
    follower = following()
    follower.see(replace(GOOD, seq=2, target_id='b'))
    assert follower.command(100.1, 7.1) == STOP
    assert follower.command(100.1, 7.1) is not None


def test_at_the_end_it_stops_only_what_moves():
    follower = following()
    assert follower.stop() == STOP and follower.stop() is None
    assert Follower().stop() is None


def test_an_unknown_bearing_stops():
    follower = following()
    follower.see(replace(GOOD, seq=2, bearing=math.nan))
    assert follower.command(100.1, 7.1) == STOP and 'camera_info' in follower.why
