"""How the follower drives, and what it says where it does not."""

from dataclasses import replace
import math

from following import GOOD, cruising, fed, walk
import pytest

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import FollowReason as Why, Now
from siamx_ros.records import TrackState as State


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
        limits = FollowLimits(base_delay=known, bridge_time=0.1, range_bridge_time=0.9)
        turned = plane(lambda _: aside, limits, noise=0.0, **late).run(8).log
        assert (min(bearing for _, _, bearing, _ in turned) < -0.05) is overshoots
        fast = replace(limits, max_linear=1.5, linear_gain=3.0)
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


def test_a_search_whose_time_is_over_ends_gently():
    limits = FollowLimits(search=True, search_time=1.0)
    follower, turns = cruising(limits, bearing=-0.3), []
    for tick in range(100):
        now = 103 + tick * 0.02
        turns.append(follower.update(
            replace(GOOD, stamp_s=now, seq=20000 + tick, state=State.LOST, valid=False),
            Now(now, now - 90)).angular)
    assert turns[-1] == 0 and min(turns[30:]) < -0.3
    steps = [abs(after - before) for before, after in zip(turns[30:], turns[31:])]
    assert max(steps) <= limits.max_angular_acceleration * 0.02 + 1e-6


def known(follower: Follower, now: float, **change) -> tuple[bool, bool, str]:
    """Whether distance and bearing are known, and of which target; 0.5 s are shown before that."""
    if change:
        fed(follower, now - 0.5, 0.5, **change)
    place = follower.place(Now(now, now - 90))
    return math.isfinite(place.distance), math.isfinite(place.bearing), place.target_id


def test_it_knows_where_the_target_is_while_it_is_told():
    follower = Follower()
    assert known(follower, 100.0) == (False, False, '')
    follower = cruising()
    place = follower.place(Now(103.0, 13.0))
    assert (place.distance, place.bearing) == pytest.approx((4.0, 0.1), abs=0.2)
    assert known(follower, 103.3) == (True, True, 'a'), 'silence of 0.35 s is bridged'
    for now in (103.5, 104.0, 110.0):
        follower.step(Now(now, now - 90))
        assert known(follower, now) == (False, False, ''), 'the tracker is silent'
    assert known(follower, 111.0, range_m=3.0) == (True, True, 'a')
    assert follower.step(Now(111.0, 21.0), 'switched off').reason == Why.FORBIDDEN
    assert known(follower, 111.0) == (True, True, 'a'), 'also of a robot that may not drive'


@pytest.mark.parametrize('change', [
    {'state': State.LOST, 'valid': False}, {'state': State.PAUSED, 'valid': False},
    {'bearing': math.nan, 'range_m': math.nan}], ids=str)
def test_it_does_not_know_where_a_target_is_that_is_not_seen(change):
    assert known(cruising(), 103.5, **change) == (False, False, 'a')


def test_what_was_seen_long_ago_is_no_place():
    follower, doubt = cruising(), {'state': State.UNCERTAIN, 'valid': False}
    assert known(follower, 103.5, **doubt) == (True, True, 'a'), 'it turns to where it may be'
    assert known(follower, 104.0, **doubt) == (False, False, 'a')
    follower, near = cruising(), {'range_m': math.nan}
    assert known(follower, 103.5, **near) == (True, True, 'a')
    assert known(follower, 104.0, **near) == (False, True, 'a'), 'the range is not known any more'
    follower.update(replace(GOOD, stamp_s=103.95, seq=20000), Now(104.5, 14.5))
    assert known(follower, 104.5) == (False, False, 'a'), 'that image is old'
    assert all(map(math.isnan, follower.place(Now(math.nan, 14.5))[:2]))
