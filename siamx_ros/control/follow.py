"""When a robot may follow the target, and how fast: the safety contract of docs/ros.md as code.

No ROS: times and sightings are arguments. The follower never drives backwards, turns before it
drives, and stops for everything that is not a fresh, confirmed sighting.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

from siamx_ros.records import TrackState
from siamx_ros.settings import Settings, setting

TURN_ONLY = (TrackState.RELOCALISED, TrackState.UNCERTAIN)
"""States in which the robot may turn but not drive."""


@dataclass(frozen=True)
class FollowConfig(Settings):
    """Parameters of the example follower."""

    distance: float = setting(
        1.5, 'distance to keep', unit='m', low=0.3, high=10.0, live=True)
    max_linear: float = setting(
        0.4, 'largest speed forwards', unit='m/s', low=0.0, high=3.0, live=True)
    max_angular: float = setting(
        0.8, 'largest turning rate', unit='rad/s', low=0.0, high=4.0, live=True)
    linear_gain: float = setting(
        0.6, 'speed per metre of excess distance', unit='1/s', low=0.0, high=5.0, live=True)
    angular_gain: float = setting(
        1.2, 'turning rate per radian of bearing', unit='1/s', low=0.0, high=10.0, live=True)
    max_acceleration: float = setting(
        0.5, 'largest change of the speed upwards; stopping is immediate', unit='m/s^2', low=0.01,
        high=10.0, live=True)
    max_angular_acceleration: float = setting(
        4.0, 'largest change of the turning rate away from zero; slowing is immediate',
        unit='rad/s^2', low=0.01, high=40.0, live=True)
    drive_bearing: float = setting(
        0.35, 'turn on the spot while the target is further aside', unit='rad', low=0.0, high=1.5,
        live=True)
    max_age: float = setting(
        0.3, 'oldest sighting to act on, by its stamp and by its arrival', unit='s', low=0.05,
        high=2.0, live=True)
    coast_time: float = setting(
        0.5, 'longest turn on an UNCERTAIN target', unit='s', low=0.0, high=3.0, live=True)
    max_range_stddev: float = setting(
        0.5, 'do not drive on a less certain distance', unit='m', low=0.0, high=5.0, live=True)
    stamped: bool = setting(False, 'publish TwistStamped instead of Twist')


@dataclass(frozen=True)
class Sighting:
    """What the tracker said about one image; radians, metres, seconds, NaN where unknown.

    Attributes:
        stamp_s: of the image, ROS time.
        arrived_s: of the message, a steady clock of the follower.
        seq: grows strictly.
    """

    stamp_s: float
    arrived_s: float
    seq: int
    target_id: str
    state: TrackState
    valid: bool
    truncated: bool
    bearing: float
    range_m: float
    range_stddev_m: float


@dataclass(frozen=True)
class Velocity:
    """Forwards in m/s, to the left in rad/s."""

    linear: float = 0.0
    angular: float = 0.0


STOP = Velocity()
LONGEST_STEP_S = 0.2
"""Time for which a change of speed may be made up at once, seconds."""


class Follower:
    """Turns sightings into velocities.

    Attributes:
        config: may be replaced at any time.
        why: why the robot stands still, empty while it moves.
    """

    def __init__(self, config: FollowConfig = FollowConfig()) -> None:
        self.config = config
        self.why = 'nothing seen yet'
        self._sighting: Sighting | None = None
        self._uncertain_since: float | None = None
        self._target_id: str | None = None
        self._moving = False
        self._velocity, self._last_s = STOP, 0.0

    def see(self, sighting: Sighting) -> None:
        """Take the newest sighting; one whose ``seq`` does not grow is ignored.

        But after a silence longer than ``max_age`` all but the last one again counts, as another
        target: tracker and clock may have started over.
        """
        last = self._sighting
        if last is not None and sighting.arrived_s - last.arrived_s > self.config.max_age:
            if (sighting.seq, sighting.stamp_s) == (last.seq, last.stamp_s):
                return
            self._target_id = None
        elif last is not None and sighting.seq <= last.seq:
            return
        if sighting.state != TrackState.UNCERTAIN:
            self._uncertain_since = None
        elif self._uncertain_since is None:
            self._uncertain_since = sighting.arrived_s
        self._sighting = sighting

    def command(self, now_s: float, steady_s: float) -> Velocity | None:
        """What to tell the base now.

        Args:
            now_s: ROS time, seconds.
            steady_s: the steady clock of ``arrived_s``, seconds.

        Returns:
            A velocity; :data:`STOP` once when the robot has to stand, then None: be silent, so
            that others may drive.
        """
        elapsed_s, self._last_s = steady_s - self._last_s, steady_s
        self.why = self._objection(now_s, steady_s)
        changed = self._sighting is not None and self._sighting.target_id != self._target_id
        if changed:
            self._target_id = self._sighting.target_id
            self.why = self.why or 'another target'
        if self.why:
            return self.stop()
        self._moving = True
        self._velocity = self._next(self._sighting, min(max(0.0, elapsed_s), LONGEST_STEP_S))
        return self._velocity

    def stop(self) -> Velocity | None:
        """Stand: :data:`STOP` if the robot was told to move, else None."""
        moved, self._moving, self._velocity = self._moving, False, STOP
        return STOP if moved else None

    def _objection(self, now_s: float, steady_s: float) -> str:
        """Why the robot must not move, or nothing."""
        seen, config = self._sighting, self.config
        if seen is None:
            return 'nothing seen yet'
        age = now_s - seen.stamp_s
        if age < 0:
            return f'the image is {-age:.3f} s from the future: clocks disagree'
        if age > config.max_age:
            return f'the image is {age:.2f} s old'
        if steady_s - seen.arrived_s > config.max_age:
            return 'the tracker is silent'
        if not seen.valid and seen.state not in TURN_ONLY:
            return f'the tracker says {seen.state.name}'
        if not math.isfinite(seen.bearing):
            return 'the bearing is not known: is there a camera_info?'
        if self._uncertain_since is not None \
                and steady_s - self._uncertain_since > config.coast_time:
            return f'UNCERTAIN for more than {config.coast_time:g} s'
        return ''

    def _next(self, seen: Sighting, elapsed_s: float) -> Velocity:
        config, last = self.config, self._velocity
        share = 1.0 if seen.valid else 0.5
        turn = share * max(-config.max_angular, min(
            config.max_angular, config.angular_gain * seen.bearing))
        step = config.max_angular_acceleration * elapsed_s
        turn = max(min(0.0, last.angular) - step, min(max(0.0, last.angular) + step, turn))
        if not self._may_drive(seen):
            return Velocity(0.0, turn)
        wanted = config.linear_gain * (seen.range_m - config.distance)
        step = config.max_acceleration * elapsed_s
        return Velocity(max(0.0, min(wanted, config.max_linear, last.linear + step)), turn)

    def _may_drive(self, seen: Sighting) -> bool:
        """Drive only towards a confirmed, whole target ahead, at a known distance."""
        return (seen.valid and not seen.truncated and math.isfinite(seen.range_m)
                and seen.range_stddev_m <= self.config.max_range_stddev
                and abs(seen.bearing) <= self.config.drive_bearing)
