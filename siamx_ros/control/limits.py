"""What a follower may do: distances, speeds and how long it may doubt, each declared once."""

from __future__ import annotations

from dataclasses import dataclass

from siamx_ros.settings import Settings, SettingsError, setting

GRACE_S, RANGE_GRACE_S = 0.1, 0.3
"""How long no new valid message, and no new range, is no doubt, seconds."""
NO_BRIDGE_S = 0.1
"""The ``bridge_time`` that bridges no doubt, seconds."""
ROUNDING_S = 1e-9


@dataclass(frozen=True)
class FollowLimits(Settings):
    """Limits and gains of a :class:`~siamx_ros.control.follower.Follower`."""

    distance: float = setting(
        1.5, 'distance to keep, from the base to the target', unit='m', low=0.3, high=10.0,
        live=True)
    stop_distance: float = setting(
        1.0, 'distance within which the robot never drives, and short of which it can always stop',
        unit='m', low=0.1, high=10.0, live=True)
    dead_band: float = setting(
        0.15, 'a robot that has arrived stands until the target is this much further away',
        unit='m', low=0.0, high=2.0, live=True)
    max_linear: float = setting(
        0.4, 'largest speed forwards', unit='m/s', low=0.0, high=3.0, live=True)
    max_angular: float = setting(
        0.8, 'largest turning rate', unit='rad/s', low=0.0, high=4.0, live=True)
    max_acceleration: float = setting(
        1.0, 'largest change of the speed upwards', unit='m/s^2', low=0.01, high=10.0, live=True)
    max_deceleration: float = setting(
        1.0, 'largest change of the speed downwards, unless it must stand sooner', unit='m/s^2',
        low=0.1, high=10.0, live=True)
    max_jerk: float = setting(
        10.0, 'largest change of the acceleration upwards', unit='m/s^3', low=0.1, high=100.0,
        live=True)
    max_angular_acceleration: float = setting(
        4.0, 'largest change of the turning rate', unit='rad/s^2', low=0.01, high=40.0, live=True)
    max_angular_jerk: float = setting(
        40.0, 'largest change of the angular acceleration away from zero', unit='rad/s^3', low=0.1,
        high=1000.0, live=True)
    linear_gain: float = setting(
        0.6, 'speed per metre of excess distance', unit='1/s', low=0.0, high=5.0, live=True)
    angular_gain: float = setting(
        1.5, 'turning rate per radian of bearing', unit='1/s', low=0.0, high=10.0, live=True)
    feed_forward: float = setting(
        1.0, 'share of the estimated motion of the target that is added to the command', low=0.0,
        high=1.0, live=True)
    drive_bearing: float = setting(
        0.35, 'full speed up to this bearing, none from twice as much on', unit='rad', low=0.01,
        high=1.5, live=True)
    base_delay: float = setting(
        0.1, 'time from a command until the base moves accordingly', unit='s', low=0.0, high=1.0,
        live=True)
    slow_age: float = setting(
        0.25, 'age of an image, by its stamp, from which on the speed is reduced', unit='s',
        low=0.0, high=2.0, live=True)
    max_age: float = setting(
        0.5, 'age of an image, by its stamp, at which the robot stands', unit='s', low=0.05,
        high=2.0, live=True)
    command_rate: float = setting(
        50.0, 'commands per second while the robot moves', unit='Hz', low=10.0, high=100.0)
    emergency_deceleration: float = setting(
        2.5, 'what the brakes of the base can do, used where it must stand soon', unit='m/s^2',
        low=0.1, high=20.0, live=True)
    bridge_time: float = setting(
        0.42, 'the robot stands at the latest this long after the last valid message, base_delay '
        'included; 0.1 bridges no doubt, for a base that obeys too late for that', unit='s',
        low=NO_BRIDGE_S, high=0.45, live=True)
    range_bridge_time: float = setting(
        0.6, 'the same after the last known range, while messages stay valid', unit='s', low=0.1,
        high=2.0, live=True)
    silence_timeout: float = setting(
        0.4, 'the robot stands this long after the last message by a steady clock, whatever the '
        'ROS time; more only for a simulation slower than real time', unit='s', low=0.1, high=10.0,
        live=True)
    coast_time: float = setting(
        0.5, 'longest turn on an UNCERTAIN target', unit='s', low=0.0, high=3.0, live=True)
    switch_pause: float = setting(
        0.5, 'time to stand when the target becomes another one', unit='s', low=0.0, high=10.0,
        live=True)
    confirm_target: bool = setting(
        False, 'follow another target, or one of a tracker that was started again, only once '
        '~/enable was called again; the first one needs no second call', live=True)
    max_range_share: float = setting(
        0.35, 'a range is used up to this deviation, as a share of it', low=0.0, high=1.0,
        live=True)
    range_from_box: bool = setting(
        False, 'where no range is known, keep the height that the box had at the start', live=True)
    range_from_box_speed: float = setting(
        0.2, 'largest speed forwards by the height of the box', unit='m/s', low=0.0, high=1.0,
        live=True)
    search: bool = setting(
        False, 'turn to look for a LOST target: to where it left, then to both sides', live=True)
    search_rate: float = setting(
        0.5, 'turning rate of the search', unit='rad/s', low=0.05, high=4.0, live=True)
    search_angle: float = setting(
        1.6, 'how far the search turns to either side', unit='rad', low=0.1, high=3.14, live=True)
    search_time: float = setting(
        12.0, 'longest search', unit='s', low=0.5, high=120.0, live=True)

    def check(self) -> None:
        if self.stop_distance >= self.distance:
            raise SettingsError(f'stop_distance must be less than distance ({self.distance} m), '
                                f'got {self.stop_distance}')
        if self.slow_age >= self.max_age:
            raise SettingsError(f'slow_age must be less than max_age ({self.max_age} s), '
                                f'got {self.slow_age}')
        if self.bridge_time > NO_BRIDGE_S:
            self._check_bridge('bridge_time', GRACE_S, f', or {NO_BRIDGE_S} to bridge no doubt')
        self._check_bridge('range_bridge_time', RANGE_GRACE_S)

    @property
    def bridge_s(self) -> float:
        """How long after the last valid message no speed is commanded any more, seconds."""
        return self.bridge_time - self._ahead if self.bridge_time > NO_BRIDGE_S else 0.0

    @property
    def range_bridge_s(self) -> float:
        """How long after the last known range no speed is commanded any more, seconds."""
        return self.range_bridge_time - self._ahead

    @property
    def _ahead(self) -> float:
        """Seconds until the next command takes effect."""
        return self.base_delay + 1 / self.command_rate

    def _check_bridge(self, name: str, grace: float, instead: str = '') -> None:
        """Refuse a time in which the base cannot stand once the grace is over."""
        least = grace + self._ahead
        if getattr(self, name) < least - ROUNDING_S:
            raise SettingsError(
                f'{name} must be at least {least:.2f} s with a base_delay of {self.base_delay:g} s '
                f'(it adds {grace:g} s without news and one command){instead}, '
                f'got {getattr(self, name)}')
