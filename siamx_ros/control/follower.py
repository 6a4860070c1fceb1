"""From what the tracker says to velocities: the safety contract of docs/follow.md as code.

No ROS: times and observations are arguments. The follower never drives backwards, never drives
faster on a box that is not valid, and stands soon after the last valid one.
"""

from __future__ import annotations

import math

from siamx_ros.control.doubt import Doubt
from siamx_ros.control.estimate import LONGEST_GAP_S, TargetEstimate
from siamx_ros.control.limits import GRACE_S, RANGE_GRACE_S, FollowLimits
from siamx_ros.control.observation import (
    Command, FollowReason, FollowState, Now, Observation, Place, Verdict)
from siamx_ros.control.pace import Pace
from siamx_ros.control.profile import Profile, Rates, speed_to_stop_within, turning_rates
from siamx_ros.control.ranging import KNOWN, Ranging
from siamx_ros.control.turning_search import Search
from siamx_ros.control.watch import FUTURE_SLACK_S, TURNING, Watch
from siamx_ros.records import TrackState

LONGEST_STEP_S = 0.2
"""Time for which a change of speed may be made up at once, seconds."""
DOUBTFUL_TURN = 0.5
"""Share of the turning rate on a target that is not valid."""
BEARING_BAND = 0.02
"""Bearings below this are straight ahead, rad."""


class Follower:
    """Turns observations into commands.

    Call :meth:`update` with each observation and :meth:`step` ``limits.command_rate`` times a
    second besides: it needs no observation to stop.

    Attributes:
        limits: may be replaced at any time.
    """

    def __init__(self, limits: FollowLimits = FollowLimits()) -> None:
        self.limits = limits
        self._watch, self._estimate, self._search = Watch(), TargetEstimate(), Search()
        self._ranging = Ranging()
        self._forward, self._turn = Profile(), Profile()
        self._doubt, self._range_doubt = Doubt(GRACE_S), Doubt(RANGE_GRACE_S)
        self._turning_on, self._sought_at = Doubt(0.0), -math.inf
        self._range_at, self._range_from_box = -math.inf, False
        self._range_verdict, self._pace = KNOWN, Pace()
        self._last, self._doubted = Now(math.nan, math.nan), False

    def update(self, seen: Observation, now: Now, forbidden: str = '') -> Command:
        """Take an observation and give the command; arguments as for :meth:`step`."""
        if not now.is_finite:
            return self.step(now, forbidden)
        if not self._watch.tick(now):
            self._estimate.restart()
        news, another = self._watch.take(seen, now, self.limits)
        if news or not seen.certain:
            self._doubted = not seen.certain
        if another:
            self._forget()
        if news and -FUTURE_SLACK_S <= now.ros_s - seen.stamp_s <= self.limits.max_age:
            self._learn(seen, now)
        return self.step(now, forbidden)

    def step(self, now: Now, forbidden: str = '') -> Command:
        """The command to the base now.

        Args:
            forbidden: why the robot must stand whatever is seen; empty if it need not.
        """
        elapsed = self._move(now)
        halt = self._watch.halt(now, self.limits)
        if forbidden:
            halt = Verdict(FollowReason.FORBIDDEN, forbidden)
        if halt is not None:
            self._forward.limit(0.0)
            self._turn.limit(0.0)
            self._pace.arrived = False
            return Command(reason=halt.reason, message=halt.message)
        end = self._watch.end(now, self.limits)
        if end is not None:
            return self._slow_down(now, elapsed, end)
        return self._follow(now, elapsed)

    def confirm(self) -> None:
        """The target of now may be followed; see ``limits.confirm_target``."""
        self._watch.confirmation.missing = False

    def place(self, now: Now) -> Place:
        """Where the target is when a command of now takes effect, as far as it is known still."""
        limits, target_id = self.limits, self._watch.target_id(now, self.limits)
        if not self._watch.sees(now, limits):
            return Place(target_id=target_id)
        distance = self._estimate.range(now.ros_s, limits.base_delay)[0]
        if now.ros_s - self._range_at > limits.range_bridge_time:
            distance = math.nan
        return Place(distance, self._estimate.bearing(now.ros_s, limits.base_delay)[0], target_id)

    def _move(self, now: Now) -> float:
        """Note what the last command did; returns the time since, within bounds."""
        if not now.is_finite:
            return 0.0
        elapsed = now.ros_s - self._last.ros_s if math.isfinite(self._last.ros_s) else 0.0
        if not self._watch.tick(now) or elapsed > LONGEST_GAP_S:
            self._estimate.restart()
        self._last = now
        self._estimate.move(now.ros_s, self._forward.speed, self._turn.speed)
        return max(0.0, min(elapsed, LONGEST_STEP_S))

    def _forget(self) -> None:
        """Another target is to be followed, or none any more."""
        self._estimate.clear()
        self._ranging.clear()
        self._search.clear()
        self._range_at = -math.inf

    def _learn(self, seen: Observation, now: Now) -> None:
        """Take what an observation says about direction and distance."""
        delay = self.limits.base_delay
        if seen.state not in TURNING:
            self._search.left_at(self._estimate.bearing(now.ros_s, delay)[0])
            self._estimate.clear()
            return
        if seen.state == TrackState.UNCERTAIN or not seen.bearing_known:
            return
        self._estimate.see_bearing(seen.stamp_s, seen.bearing, seen.bearing_rate, delay)
        if not seen.certain:
            return
        self._search.clear()
        distance, deviation, self._range_verdict, from_box = self._ranging.range(seen, self.limits)
        if not math.isfinite(distance):
            return
        self._range_from_box = from_box
        if self._estimate.see_range(seen.stamp_s, distance, deviation, delay):
            self._range_at = now.ros_s
        else:
            self._range_verdict = Verdict(FollowReason.RANGE_UNSURE, 'the range has jumped')

    def _slow_down(self, now: Now, elapsed: float, why: Verdict) -> Command:
        """Come to a stand; then look for the target, if that is wanted."""
        linear = self._speed(0.0, now, elapsed, 0.0)
        turn = 0.0
        lost = self._watch.newest.state == TrackState.LOST
        if lost and self.limits.search and not linear:
            turn = self._search.turn(now.ros_s, self._estimate.turned(now.ros_s), self.limits)
        self._turn.next(turn, turning_rates(self.limits), elapsed)
        angular = self._turn.limit(self._largest_turn(now, searching=bool(turn)))
        state = FollowState.SEARCHING if turn else \
            FollowState.SLOWING if linear or angular else FollowState.STANDING
        return Command(linear, angular, state, *why)

    def _follow(self, now: Now, elapsed: float) -> Command:
        """Turn and drive towards the target."""
        limits, seen = self.limits, self._watch.newest
        bearing, rate = self._estimate.bearing(now.ros_s, limits.base_delay)
        if not math.isfinite(bearing):
            return self._slow_down(now, elapsed, Verdict(
                FollowReason.BEARING_UNKNOWN, 'the bearing is not known'))
        self._turning_on.clear()
        age = self._watch.share_by_age(now, limits)
        wanted, safe, why = self._wanted_speed(now, bearing, age)
        linear = self._speed(wanted, now, elapsed, safe)
        error = math.copysign(max(0.0, abs(bearing) - BEARING_BAND), bearing)
        turn = limits.angular_gain * error + limits.feed_forward * rate
        largest = age * limits.max_angular * (1.0 if seen.certain else DOUBTFUL_TURN)
        angular = self._turn.next(max(-largest, min(largest, turn)), turning_rates(limits), elapsed)
        angular = self._turn.limit(limits.max_angular)
        return Command(linear, angular, self._state(linear, angular, wanted), *why)

    def _state(self, linear: float, angular: float, wanted: float) -> FollowState:
        doubtful = self._doubt.begun or self._range_doubt.begun
        if linear:
            return FollowState.SLOWING if doubtful else FollowState.FOLLOWING
        if not doubtful and (self._pace.arrived or wanted):
            return FollowState.FOLLOWING
        return FollowState.TURNING if angular else FollowState.STANDING

    def _wanted_speed(self, now: Now, bearing: float, age: float) -> tuple[float, float, Verdict]:
        """Speed to drive at, the largest safe one, and why it is lower than usual."""
        limits, seen = self.limits, self._watch.newest
        distance, least, target_speed = self._estimate.range(now.ros_s, limits.base_delay)
        if not math.isfinite(distance):
            return 0.0, 0.0, self._doubtful(now) or self._range_verdict
        wanted, why = self._pace.speed(
            now.ros_s, distance, target_speed, self._forward.speed, limits)
        if self._range_from_box:
            wanted = min(wanted, limits.range_from_box_speed)
        aside = max(0.0, min(1.0, 2 - abs(bearing) / limits.drive_bearing))
        if aside < 1 and wanted:
            why = Verdict(FollowReason.ASIDE,
                          f'the target is {abs(math.degrees(bearing)):.0f} degrees aside')
        if age < 1 and wanted:
            why = Verdict(FollowReason.OLD_IMAGE, 'the images are old')
        reaction = limits.base_delay + now.ros_s - seen.stamp_s
        gap = least - limits.stop_distance + min(0.0, target_speed) * reaction
        safe = speed_to_stop_within(gap, reaction, limits.max_deceleration)
        if not safe:
            why = Verdict(FollowReason.TOO_NEAR, f'the target may be {max(0.0, least):.1f} m near')
        wanted = min(wanted, safe, aside * age * limits.max_linear)
        if seen.slows_only and wanted > self._forward.speed:
            wanted = self._forward.speed
            why = Verdict(FollowReason.TRUNCATED, 'the box is cut off by the border of the image')
        if self._range_verdict.message and now.ros_s - self._range_at > RANGE_GRACE_S:
            why = self._range_verdict
        return wanted, safe, self._doubtful(now) or why

    def _doubtful(self, now: Now) -> Verdict | None:
        """Why the box is in doubt, or None."""
        seen = self._watch.newest
        if not seen.certain:
            return Verdict(FollowReason.NOT_VALID, f'the tracker says {seen.state.name}')
        if now.ros_s - self._watch.certain_at > GRACE_S:
            return Verdict(FollowReason.SILENCE, 'no new message has come')
        return None

    def _speed(self, wanted: float, now: Now, elapsed: float, safe: float) -> float:
        """The next speed: within the rates, and within what doubts leave of it."""
        limits, seen, before = self.limits, self._watch.newest, self._forward.speed
        brakes = limits.emergency_deceleration
        bound = min(
            self._doubt.bound(now.ros_s, self._watch.certain_at, not seen.certain,
                              limits.bridge_s, before, brakes),
            self._range_doubt.bound(now.ros_s, self._range_at, False,
                                    limits.range_bridge_s, before, brakes))
        if self._doubted:  # by the last message that came, be it an old one
            bound = min(bound, before)
        rates = Rates(limits.max_acceleration, limits.max_deceleration, limits.max_jerk)
        self._forward.next(min(wanted, bound), rates, elapsed, safe)
        return self._forward.limit(min(bound, limits.max_linear))

    def _largest_turn(self, now: Now, *, searching: bool) -> float:
        """How fast the robot may turn while nothing is followed: unless searching, to zero soon."""
        limits = self.limits
        if searching:
            self._turning_on.clear()
            self._sought_at = now.ros_s
            return limits.max_angular
        brakes = max(limits.max_angular_acceleration, 2 * limits.max_angular / limits.bridge_time)
        return min(limits.max_angular, self._turning_on.bound(
            now.ros_s, max(self._watch.certain_at, self._sought_at), True,
            limits.bridge_s, abs(self._turn.speed), brakes))
