"""How the follower drives, why it stands, and that no input makes it unsafe."""

from __future__ import annotations

from dataclasses import replace
import math
import random

import pytest

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import (
    Command, FollowReason as Why, FollowState, Now, Observation)
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


def test_keeps_the_distance_to_one_who_walks(plane):
    rows = plane(walk(0.35)).run(40).after(30)
    assert max(abs(gap - 1.5) for _, gap, _, _ in rows) <= 0.1


def test_stops_at_the_distance_and_then_stands_still(plane):
    run = plane(lambda now: (4.0, 0.5)).run(25)
    assert min(gap for _, gap, _, _ in run.log) > 1.4
    assert {(row[3].linear, row[3].reason) for row in run.after(15)} == {(0.0, Why.ARRIVED)}


def test_after_a_halt_it_comes_up_to_the_distance_again(plane):
    """A robot that has arrived bears a little more; one that sets out anew does not."""
    follower, ahead = Follower(), {'bearing': 0.0}
    for start, distance in ((101.0, 1.5), (103.0, 1.54), (104.0, 1.58), (105.0, 1.62)):
        command = fed(follower, start, 1.0, range_m=distance, **ahead)
        assert command.reason == Why.ARRIVED and not command.moves
    assert follower.step(Now(105.96, 15.96), 'switched off').reason == Why.FORBIDDEN
    assert fed(follower, 106.0, 0.5, range_m=1.62, **ahead).linear > 0


def test_a_base_that_obeys_late_neither_overshoots_nor_comes_too_near(plane):
    """And it does where the delay is not known."""
    late, ahead, aside = {'delay': 0.4}, (5.0, 0.0), (1.5, 2.0)
    for known, overshoots in ((0.4, False), (0.0, True)):
        limits = FollowLimits(base_delay=known)
        turned = plane(lambda _: aside, limits, noise=0.0, **late).run(8).log
        assert (min(bearing for _, _, bearing, _ in turned) < -0.05) is overshoots
        fast = FollowLimits(base_delay=known, max_linear=1.5, linear_gain=3.0)
        driven = plane(lambda _: ahead, fast, **late).run(12).log
        assert (min(gap for _, gap, _, _ in driven) < 1.3) is overshoots
        around = plane(lambda now: (2 * math.cos(0.3 * now), 2 * math.sin(0.3 * now)), limits,
                       **late).run(15).after(8)
        assert (max(abs(bearing) for _, _, bearing, _ in around) > 0.06) is overshoots


def test_never_nearer_than_it_can_stop_short_of(plane):
    """The target turns round and comes back, then stands."""
    rows = plane(lambda now: (3.5 + 0.35 * min(now, 8) - 0.5 * max(0, min(now - 8, 4)), 0.0))
    robot = [(gap, command.linear) for _, gap, _, command in rows.run(20).log]
    assert all(linear == 0 for gap, linear in robot if gap < 1.0)


def test_turns_with_a_target_that_walks_around_it(plane):
    rows = plane(lambda now: (2 * math.cos(0.2 * now), 2 * math.sin(0.2 * now))).run(20)
    assert max(abs(bearing) for _, _, bearing, _ in rows.after(5)) < 0.06


def test_depth_at_half_the_rate_of_the_images_does_not_stop_it(plane):
    rows = plane(walk(0.38), depth_every=2).run(20)
    assert min(row[3].linear for row in rows.after(4)) > 0.3


@pytest.mark.parametrize('seconds, slowest', [(0.12, 0.3), (0.2, 0.15)])
def test_a_short_doubt_is_bridged(plane, doubtful, seconds, slowest):
    rows = plane(walk(0.4), change=doubtful(State.UNCERTAIN, 5, 5 + seconds)).run(8).after(4.8)
    assert slowest < min(row[3].linear for row in rows) < 0.4
    assert rows[-1][3].linear > 0.39


def test_speed_acceleration_and_jerk_are_bounded():
    limits = FollowLimits(max_linear=1.0)
    follower, speeds = Follower(limits), [0.0]
    for tick in range(60):
        now = 101 + tick * 0.05
        speeds.append(follower.update(
            replace(GOOD, stamp_s=now, seq=tick, range_m=9.0, bearing=0.0), Now(now, now)).linear)
    growth = [(b - a) / 0.05 for a, b in zip(speeds, speeds[1:])]
    assert speeds[-1] == pytest.approx(1.0) and max(growth) <= 1.0 + 1e-9
    assert max(b - a for a, b in zip(growth, growth[1:])) <= 10.0 * 0.05 + 1e-9
    follower.update(replace(GOOD, stamp_s=104, seq=100, range_m=1.3), Now(104.0, 104.0))
    following = [follower.step(Now(104 + tick * 0.05, 104 + tick * 0.05)).linear
                 for tick in range(4)]
    assert 0.8 < following[0] and following[-1] < 0.9


@pytest.mark.parametrize('state', [State.LOST, State.INPUT_STALE, State.UNCERTAIN,
                                   State.RELOCALISED])
def test_what_is_lost_slows_to_a_stand_within_half_a_second(state):
    follower, speeds = cruising(), []
    for tick in range(10):
        now = 103 + tick * 0.05
        speeds.append(follower.update(
            replace(GOOD, stamp_s=now, seq=20000 + tick, state=state, valid=False),
            Now(now, now - 90)).linear)
    assert all(a >= b for a, b in zip(speeds, speeds[1:])) and speeds[0] <= 0.4
    assert speeds[1] > 0.3, 'not at once'
    assert speeds[6] == 0, '0.3 s after the last valid one at 102.95, and a tick'


def speeds_in_doubt(**limits) -> list[float]:
    """What is commanded from 0.02 s after the last valid message on, every 0.02 s."""
    follower = cruising(FollowLimits(**limits))
    return [follower.update(
        replace(GOOD, stamp_s=now, seq=20000 + tick, state=State.UNCERTAIN, valid=False),
        Now(now, now - 90)).linear for tick, now in enumerate(102.97 + k * 0.02 for k in range(22))]


@pytest.mark.parametrize('base_delay, bridge_time', [(0.1, 0.42), (0.2, 0.42), (0.0, 0.3)])
def test_it_stands_in_time_whatever_the_delay_of_the_base(base_delay, bridge_time):
    speeds = speeds_in_doubt(base_delay=base_delay, bridge_time=bridge_time)
    standing = speeds.index(0.0) * 0.02 + 0.02 + base_delay
    assert bridge_time - 0.05 < standing < bridge_time + 1e-6


def test_it_brakes_as_the_base_can_and_gently_at_first():
    for brakes in (1.6, 2.5):
        speeds = speeds_in_doubt(emergency_deceleration=brakes)
        steps = [a - b for a, b in zip(speeds, speeds[1:])]
        assert max(steps) <= brakes * 0.02 + 1e-6 and max(speeds) > 0.39
        begin = next(k for k, step in enumerate(steps) if step > 0)
        assert steps[begin] < steps[begin + 2] < steps[begin + 4]
    assert speeds_in_doubt(emergency_deceleration=1.6)[5] < speeds[5], 'weaker brakes need longer'


@pytest.mark.parametrize('state', [State.UNINITIALISED, State.INITIALISING, State.PAUSED,
                                   State.ERROR])
def test_what_is_switched_off_stands_at_once(state):
    command = fed(cruising(), 103.0, 0.05, state=state, valid=False)
    assert not command.moves and state.name in command.message
    assert command.reason == Why.TRACKER_STATE


def test_silence_needs_no_message_to_stop():
    follower = cruising()
    speeds = [follower.step(Now(102.95 + t * 0.05, 12.95 + t * 0.05)).linear for t in range(10)]
    assert speeds[1] == pytest.approx(0.4) and speeds[7:] == [0, 0, 0]
    assert follower.step(Now(103.5, 13.5)).reason == Why.SILENCE


@pytest.mark.parametrize('now, why, words', [
    (Now(103.6, 13.0), Why.OLD_IMAGE, 's old'), (Now(102.8, 13.0), Why.CLOCK, 'set back'),
    (Now(102.95, 13.5), Why.SILENCE, 'silent'), (Now(math.nan, 13.0), Why.CLOCK, 'number'),
    (Now(103.0, math.inf), Why.CLOCK, 'number')])
def test_either_clock_stops_it(now, why, words):
    command = cruising().step(now)
    assert not command.moves and command.reason == why and words in command.message


def test_a_clock_that_stands_still_stops_it():
    follower = cruising()
    for tick in range(12):
        command = follower.update(
            replace(GOOD, stamp_s=102.9, seq=20000 + tick), Now(102.95, 13.0 + tick * 0.05))
    assert not command.moves and 'stands still' in command.message


def test_images_from_the_future_stop_it_and_teach_nothing():
    follower = cruising()
    command = follower.update(replace(GOOD, stamp_s=1e300, seq=20000), Now(103.0, 13.0))
    assert not command.moves and 'future' in command.message
    assert fed(follower, 103.5, 2.0).linear > 0.3


def test_late_images_slow_before_they_stop(plane):
    speeds = {late: plane(walk(0.4), latency=late).run(8).log[-1][3].linear
              for late in (0.1, 0.3, 0.35, 0.6)}
    assert speeds[0.1] == pytest.approx(0.4, abs=0.02)
    assert 0.1 < speeds[0.35] < speeds[0.3] < 0.38 and speeds[0.6] == 0


def test_repeated_messages_are_not_news():
    follower = cruising()
    for tick in range(10):
        command = follower.update(replace(GOOD, stamp_s=102.9, seq=10295),
                                  Now(103 + tick * 0.05, 13 + tick * 0.05))
    assert not command.moves


def test_an_old_message_that_comes_late_and_is_not_valid_speeds_nothing_up():
    follower = Follower()
    speed = fed(follower, 101.0, 0.4).linear
    late = replace(GOOD, stamp_s=101.1, seq=10110, state=State.UNCERTAIN, valid=False)
    assert 0 < follower.update(late, Now(101.4, 11.4)).linear <= speed < 0.4
    assert follower.step(Now(101.45, 11.45)).linear <= speed
    assert fed(follower, 101.5, 0.2).linear > speed


def test_another_target_stops_it_once():
    follower = cruising()
    command = fed(follower, 103.0, 0.4, target_id='b')
    assert not command.moves and command.reason == Why.TARGET_CHANGED
    assert fed(follower, 103.4, 1.0, target_id='b').linear > 0.2


@pytest.mark.parametrize('start', [110.0, 50.0], ids=['tracker', 'tracker and clock'])
def test_what_was_started_again_counts_as_another_target(start):
    follower = cruising()
    for tick in range(20):
        now = start + tick * 0.05
        command = follower.update(replace(GOOD, stamp_s=now - 0.05, seq=tick + 1),
                                  Now(now, 110 - 90 + tick * 0.05))
        assert tick > 7 or command.reason in (Why.TARGET_CHANGED, Why.CLOCK)
    assert command.linear > 0


@pytest.mark.parametrize('change, why, drives', [
    ({'cut_ends': True}, Why.NONE, True),
    ({'cut_ends': True, 'from_depth': False}, Why.TRUNCATED, False),
    ({'cut_ends': True, 'from_depth': False, 'range_m': math.nan}, Why.TRUNCATED, False),
    ({'cut_sides': True}, Why.TRUNCATED, False),
    ({'range_m': math.nan}, Why.RANGE_UNKNOWN, False),
    ({'range_m': -1.0}, Why.RANGE_UNKNOWN, False),
    ({'range_stddev_m': 2.0}, Why.RANGE_UNSURE, False),
    ({'range_stddev_m': math.nan}, Why.RANGE_UNSURE, False),
    ({'bearing': 0.8}, Why.ASIDE, False), ({'range_m': 0.9}, Why.TOO_NEAR, False),
    ({'bearing': math.nan}, Why.BEARING_UNKNOWN, False),
    ({'valid': False, 'state': State.RELOCALISED}, Why.NOT_VALID, False)], ids=str)
def test_it_says_why_it_does_not_drive(change, why, drives):
    command = fed(Follower(), 101.0, 1.0, **change)
    assert (command.linear > 0) is drives and command.linear >= 0
    assert command.reason == why and bool(command.message) is not drives
    if 'bearing' not in change:
        assert command.angular > 0


def test_a_box_that_is_cut_off_at_the_side_never_speeds_up(plane):
    def cut(now, seen):
        return replace(seen, cut_sides=now > 3, range_m=seen.range_m + (3 if now > 3 else 0))
    rows = plane(walk(0.2), change=cut).run(6)
    speeds = [row[3].linear for row in rows.after(3.2)]
    assert 0 < speeds[0] and all(a >= b for a, b in zip(speeds, speeds[1:]))


def test_a_range_that_jumps_away_is_not_driven_after(plane):
    def jump(now, seen):
        return replace(seen, range_m=9.0) if 12 < now < 12.05 else seen
    rows = plane(lambda now: (3.0, 0.0), change=jump).run(14)
    assert max(row[3].linear for row in rows.after(12)) == 0


def test_a_range_that_jumps_near_slows_at_once():
    follower = cruising()
    speed = fed(follower, 103.0, 0.1, range_m=1.1).linear
    assert speed < 0.33


def test_without_a_range_it_keeps_the_height_of_the_box():
    follower = Follower(FollowLimits(range_from_box=True))
    unknown = {'range_m': math.nan, 'range_stddev_m': math.nan, 'from_depth': False}
    assert fed(follower, 101.0, 1.0, **unknown).reason == Why.ARRIVED
    command = fed(follower, 102.0, 2.0, **unknown, box_height=70.0)
    assert command.linear == pytest.approx(0.2), 'capped low'
    assert fed(follower, 104.0, 1.0, **unknown, box_height=120.0).linear == 0
    assert Follower(FollowLimits()).limits.range_from_box is False


def test_forbidden_stands_at_once_whatever_is_seen():
    follower = cruising()
    seen = replace(GOOD, stamp_s=103.0, seq=20000)
    command = follower.update(seen, Now(103.0, 13.0), 'switched off')
    assert not command.moves and command.message == 'switched off'
    assert command.reason == Why.FORBIDDEN
    assert 0 < fed(follower, 103.05, 0.1).linear < 0.1, 'the ramp begins anew'


def test_an_uncertain_target_is_turned_to_for_a_moment():
    follower = cruising(bearing=0.3)
    turned = fed(follower, 103.0, 0.3, state=State.UNCERTAIN, valid=False).angular
    assert 0 < turned <= 0.4
    assert fed(follower, 103.3, 0.6, state=State.UNCERTAIN, valid=False).angular == 0


def test_the_search_looks_where_the_target_left_then_elsewhere_and_ends():
    follower = cruising(FollowLimits(search=True, search_time=20.0), bearing=-0.3)
    yaw, yaws = 0.0, []
    for tick in range(500):
        now = 103 + tick * 0.05
        command = follower.update(
            replace(GOOD, stamp_s=now, seq=20000 + tick, state=State.LOST, valid=False),
            Now(now, now - 90))
        yaw += command.angular * 0.05
        yaws.append(yaw)
        assert command.linear == 0 or tick < 9
    assert command.angular == 0
    assert min(yaws) == pytest.approx(-1.6, abs=0.2) and max(yaws) == pytest.approx(1.6, abs=0.3)
    assert yaws.index(min(yaws)) < yaws.index(max(yaws)) and abs(yaws[-1]) < 0.3
    follower = cruising()
    assert not fed(follower, 103.0, 2.0, state=State.LOST, valid=False).moves, 'off by default'


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
