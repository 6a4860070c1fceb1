"""Why the follower slows down and stands: states, silence, clocks, doubt, another target."""

from __future__ import annotations

from dataclasses import replace
import math

from following import GOOD, cruising, fed, walk
import pytest

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import FollowReason as Why, Now
from siamx_ros.records import TrackState as State
from siamx_ros.settings import SettingsError


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


def silent(limits: FollowLimits) -> float:
    """How long after the last valid message the robot stands when no more come, seconds."""
    follower, step = cruising(limits), 1 / limits.command_rate
    ticks = next(tick for tick in range(1, 100) if not follower.step(
        Now(102.95 + tick * step, 12.95 + tick * step)).linear)
    return ticks * step + limits.base_delay


@pytest.mark.parametrize('base_delay, command_rate', [(0.3, 50.0), (0.1, 25.0), (0.25, 10.0)])
def test_what_is_promised_of_silence_holds_or_is_refused(base_delay, command_rate):
    least = base_delay + 1 / command_rate + 0.1
    given = {'base_delay': base_delay, 'command_rate': command_rate, 'range_bridge_time': 0.9}
    if least <= 0.45:
        limits = FollowLimits(bridge_time=least, **given)
        assert silent(limits) <= limits.bridge_time + 1e-6
    with pytest.raises(SettingsError, match=f'bridge_time.*base_delay of {base_delay}'):
        FollowLimits(bridge_time=min(0.45, least - 0.001), **given)
    with pytest.raises(SettingsError, match=f'range_bridge_time.*base_delay of {base_delay}'):
        FollowLimits(bridge_time=0.1, **{**given, 'range_bridge_time': least + 0.19})


@pytest.mark.parametrize('base_delay', [0.0, 0.1, 1.0])
def test_the_least_bridge_bridges_nothing_however_late_the_base(base_delay):
    limits = FollowLimits(base_delay=base_delay, bridge_time=0.1, range_bridge_time=1.5)
    assert fed(cruising(limits), 103.0, 0.05, state=State.UNCERTAIN, valid=False).linear == 0
    assert silent(limits) < base_delay + 0.125, 'one command after the grace'


@pytest.mark.parametrize('turning', [4.0, 0.5, 0.01])
def test_it_does_not_turn_on_either(turning):
    """However slowly the base may begin to turn."""
    limits = FollowLimits(max_angular_acceleration=turning)
    follower = Follower(limits)
    for tick in range(5000):
        aside = replace(GOOD, stamp_s=tick * 0.02, seq=tick + 1, bearing=0.9)
        begun = follower.update(aside, Now(tick * 0.02, tick * 0.02)).angular
    assert begun > 0.1
    turns = [follower.update(
        replace(GOOD, stamp_s=now, seq=20000 + tick, state=State.LOST, valid=False),
        Now(now, now)).angular for tick, now in enumerate(100 + k * 0.02 for k in range(25))]
    assert 0 < turns[1] <= turns[0] <= begun and turns[15] == 0, '0.42 s after the last valid one'


def test_a_turn_is_cut_to_a_limit_that_falls_while_it_slows():
    follower = Follower(FollowLimits())
    for tick in range(200):
        aside = replace(GOOD, stamp_s=tick * 0.02, seq=tick + 1, bearing=0.9)
        follower.update(aside, Now(tick * 0.02, tick * 0.02))
    follower.limits = FollowLimits(max_angular=0.1)
    lost = replace(GOOD, stamp_s=4.0, seq=999, state=State.LOST, valid=False)
    assert abs(follower.update(lost, Now(4.0, 4.0)).angular) <= 0.1


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


def test_a_more_cautious_rule_can_be_had():
    """As docs/follow.md says: no doubt is bridged, and 0.3 s without news is too much."""
    cautious = FollowLimits(max_age=0.3, silence_timeout=0.3, bridge_time=0.1)
    for state in (State.UNCERTAIN, State.RELOCALISED, State.LOST):
        assert fed(cruising(cautious), 103.0, 0.05, state=state, valid=False).linear == 0
    for now in (Now(102.95 + 0.26, 13.0), Now(103.0, 12.95 + 0.31), Now(103.2, 13.2)):
        follower = cruising(cautious)
        assert follower.step(Now(102.97, 12.97)).linear > 0.3
        assert follower.step(now).linear == 0


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


CONFIRMED = FollowLimits(confirm_target=True)


def test_another_target_waits_until_it_is_confirmed():
    follower = cruising(CONFIRMED)
    assert fed(follower, 103.0, 0.2, target_id='').reason == Why.TARGET_CHANGED, 'a reset'
    follower.confirm()
    command = fed(follower, 103.2, 3.0, target_id='b')
    assert not command.moves and command.reason == Why.TARGET_UNCONFIRMED, 'that was too early'
    assert 'enable' in command.message
    assert follower.step(Now(107.0, 17.0)).reason == Why.TARGET_UNCONFIRMED, 'also in silence'
    follower.confirm()
    assert fed(follower, 107.0, 2.0, target_id='b').linear > 0.3
    assert fed(follower, 109.0, 2.0, target_id='a').reason == Why.TARGET_UNCONFIRMED, 'back again'
    follower.limits = FollowLimits()
    assert fed(follower, 111.0, 1.0, target_id='a').linear > 0.2


@pytest.mark.parametrize('start', [110.0, 50.0], ids=['tracker', 'tracker and clock'])
def test_a_tracker_that_was_started_again_has_another_target_of_the_same_name(start):
    follower = cruising(CONFIRMED)

    def say(tick):
        idle, now = tick < 5, start + tick * 0.05
        return follower.update(
            replace(GOOD, stamp_s=now - 0.05, seq=tick + (0 if idle else 20000),
                    target_id='' if idle else 'a'), Now(now, 110 - 90 + tick * 0.05))
    assert [say(tick) for tick in range(30)][-1].reason == Why.TARGET_UNCONFIRMED
    follower.confirm()
    assert [say(tick) for tick in range(30, 60)][-1].linear > 0


def test_the_same_target_after_a_silence_needs_no_confirmation():
    follower = cruising(CONFIRMED)
    assert follower.step(Now(104.0, 14.0)).reason == Why.SILENCE
    assert fed(follower, 105.0, 2.0).linear > 0.3


@pytest.mark.parametrize('start', [110.0, 50.0], ids=['tracker', 'tracker and clock'])
def test_what_was_started_again_counts_as_another_target(start):
    follower = cruising()
    for tick in range(20):
        now = start + tick * 0.05
        command = follower.update(replace(GOOD, stamp_s=now - 0.05, seq=tick + 1),
                                  Now(now, 110 - 90 + tick * 0.05))
        assert tick > 7 or command.reason in (Why.TARGET_CHANGED, Why.CLOCK)
    assert command.linear > 0


def test_forbidden_stands_at_once_whatever_is_seen():
    follower = cruising()
    seen = replace(GOOD, stamp_s=103.0, seq=20000)
    command = follower.update(seen, Now(103.0, 13.0), 'switched off')
    assert not command.moves and command.message == 'switched off'
    assert command.reason == Why.FORBIDDEN
    assert 0 < fed(follower, 103.05, 0.1).linear < 0.1, 'the ramp begins anew'
