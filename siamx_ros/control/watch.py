"""Whether what the tracker says may be acted on at all: clocks, silence, age, states."""

from __future__ import annotations

import math

from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import FollowReason, Now, Observation, Verdict
from siamx_ros.records import TrackState

FUTURE_SLACK_S = 0.01
"""Images may be this much younger than the follower's clock, seconds."""
SET_BACK_S = 0.05
"""Clocks and stamps may be corrected backwards by this much, seconds."""
TURNING = (TrackState.TRACKING, TrackState.UNCERTAIN, TrackState.RELOCALISED)
"""States in which the robot may turn towards the target."""
ENDING = (TrackState.LOST, TrackState.INPUT_STALE)
"""States that a robot slows down for; for all others it stands at once."""


class Confirmation:
    """Whether somebody who may said that the target of now is to be followed.

    Attributes:
        missing: whether there is another target since.
    """

    def __init__(self) -> None:
        self.missing = False
        self._target_id: str | None = None
        self._seq = -1

    def see(self, seen: Observation, wanted: bool) -> None:
        """Note whose target is seen, and whether another one is to be confirmed from now on."""
        if seen.seq <= self._seq and self._target_id is not None:
            self._target_id = ''  # a tracker that starts again gives the same names again
        self._seq = seen.seq
        if not seen.target_id:
            return
        if self._target_id not in (None, seen.target_id):
            self.missing = wanted
        self._target_id = seen.target_id


class Watch:
    """Keeps the newest observation and when things were in order for the last time.

    Attributes:
        newest: the observation to act on, None before the first.
        certain_at: ROS time at which the last certain observation of this target arrived.
        confirmation: of the target.
    """

    def __init__(self) -> None:
        self.newest: Observation | None = None
        self.certain_at, self.confirmation = -math.inf, Confirmation()
        self._arrived = Now(-math.inf, -math.inf)
        self._uncertain_since: float | None = None
        self._paused_until = -math.inf
        self._clock = Now(-math.inf, -math.inf)
        self._set_back = False

    def tick(self, now: Now) -> bool:
        """Note the time; returns False where the ROS clock was set back."""
        set_back = now.ros_s < self._clock.ros_s - SET_BACK_S
        if set_back or now.ros_s > self._clock.ros_s:
            self._clock = now
        if set_back:
            self.newest, self.certain_at, self._set_back = None, -math.inf, True
        return not set_back

    def take(self, seen: Observation, now: Now, limits: FollowLimits) -> tuple[bool, bool]:
        """Take an observation; returns whether it is news, and whether of another target.

        One whose ``seq`` does not grow is no news. But after a silence all but the last one again
        is, as of another target: tracker and clock may have started over.
        """
        last, another = self.newest, self._set_back
        if last is not None:
            if now.steady_s - self._arrived.steady_s > limits.silence_timeout:
                another = True
                if (seen.seq, seen.stamp_s) == (last.seq, last.stamp_s):
                    return False, False
            elif seen.seq <= last.seq:
                return False, False
            another = (another or seen.target_id != last.target_id
                       or seen.stamp_s < last.stamp_s - SET_BACK_S)
        if another:
            self._paused_until = now.steady_s + limits.switch_pause
            self.certain_at = -math.inf
        self.newest, self._arrived, self._set_back = seen, now, False
        self.confirmation.see(seen, limits.confirm_target)
        if seen.certain:
            self.certain_at = now.ros_s
        if seen.state != TrackState.UNCERTAIN:
            self._uncertain_since = None
        elif self._uncertain_since is None:
            self._uncertain_since = now.steady_s
        return True, another

    def halt(self, now: Now, limits: FollowLimits) -> Verdict | None:
        """Why the robot must stand at once, or None."""
        seen, blind = self.newest, self.blind(now, limits)
        if limits.confirm_target and self.confirmation.missing and now.is_finite:
            return Verdict(FollowReason.TARGET_UNCONFIRMED,
                           'this is another target: call ~/enable again')
        if blind is not None:
            return blind
        if seen.state not in TURNING + ENDING:
            return Verdict(FollowReason.TRACKER_STATE, f'the tracker says {seen.state.name}')
        if now.steady_s < self._paused_until:
            return Verdict(FollowReason.TARGET_CHANGED,
                           'this is another target, or the first answer after a silence')
        return None

    def blind(self, now: Now, limits: FollowLimits) -> Verdict | None:
        """Why nothing is known of where the target is now (clocks, silence, age), or None."""
        seen = self.newest
        if not now.is_finite:
            return Verdict(FollowReason.CLOCK, 'the time is not a number')
        if self._set_back:
            return Verdict(FollowReason.CLOCK, 'the clock was set back')
        if seen is None:
            return Verdict(FollowReason.NOTHING_SEEN, 'nothing was heard of a target yet')
        if self._is_silent(now, limits):
            silent = now.steady_s - self._arrived.steady_s
            return Verdict(FollowReason.SILENCE, f'the tracker is silent for {silent:.1f} s')
        if now.steady_s - self._clock.steady_s > limits.silence_timeout:
            return Verdict(FollowReason.CLOCK, 'the clock stands still')
        if not math.isfinite(seen.stamp_s):
            return Verdict(FollowReason.CLOCK, 'the stamp of the image is not a number')
        age = now.ros_s - seen.stamp_s
        if age < -FUTURE_SLACK_S:
            return Verdict(FollowReason.CLOCK,
                           f'the image is {-age:.3f} s from the future: clocks disagree')
        if age > limits.max_age:
            return Verdict(FollowReason.OLD_IMAGE, f'the image is {age:.2f} s old')
        return None

    def end(self, now: Now, limits: FollowLimits) -> Verdict | None:
        """Why the robot must slow down to a stand and turn no further, or None."""
        seen = self.newest
        if seen.state in ENDING:
            return Verdict(FollowReason.TRACKER_STATE, f'the tracker says {seen.state.name}')
        if self._uncertain_since is not None \
                and now.steady_s - self._uncertain_since > limits.coast_time:
            return Verdict(FollowReason.NOT_VALID,
                           f'the tracker says UNCERTAIN for more than {limits.coast_time:g} s')
        if not seen.bearing_known and seen.state != TrackState.UNCERTAIN:
            return Verdict(FollowReason.BEARING_UNKNOWN, seen.unplaced or
                           'the bearing is not known: is there a camera_info?')
        return None

    def sees(self, now: Now, limits: FollowLimits) -> bool:
        """Whether it is known where the target is now."""
        return (self.blind(now, limits) is None and self.newest.state in TURNING
                and self.end(now, limits) is None)

    def target_id(self, now: Now, limits: FollowLimits) -> str:
        """Of the target that the tracker tells of; empty without one, and in silence."""
        told = self.newest is not None and not self._is_silent(now, limits)
        return self.newest.target_id if told else ''

    def _is_silent(self, now: Now, limits: FollowLimits) -> bool:
        silent = now.steady_s - self._arrived.steady_s
        return not -SET_BACK_S <= silent <= limits.silence_timeout

    def share_by_age(self, now: Now, limits: FollowLimits) -> float:
        """How much of the largest speed the age of the image leaves, 1 to 0."""
        age = now.ros_s - self.newest.stamp_s
        return max(0.0, min(1.0, (limits.max_age - age) / (limits.max_age - limits.slow_age)))
