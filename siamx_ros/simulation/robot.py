"""A differential-drive base: limits, delay, slip, and a stop when commands cease."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
import math

import numpy as np

from siamx_ros.control.prediction import wrapped
from siamx_ros.settings import Settings, setting


@dataclass(frozen=True)
class BaseConfig(Settings):
    """What the simulated base can do."""

    max_linear: float = setting(1.0, 'largest speed forwards', unit='m/s', low=0.0)
    max_angular: float = setting(1.5, 'largest turning rate', unit='rad/s', low=0.0)
    acceleration: float = setting(1.0, 'of the wheels, speeding up', unit='m/s^2', low=0.01)
    deceleration: float = setting(2.5, 'of the wheels, slowing', unit='m/s^2', low=0.01)
    angular_acceleration: float = setting(4.0, 'of the turning rate', unit='rad/s^2', low=0.01)
    delay: float = setting(0.06, 'from command to motion', unit='s', low=0.0, high=1.0)
    slip: float = setting(0.04, 'deviation of the wheels\' speed, share', low=0.0, high=0.5)
    command_timeout: float = setting(
        0.2, 'the base stops by itself after this long without a command', unit='s', low=0.0)
    radius: float = setting(0.2, 'of the base', unit='m', low=0.05)
    guard: bool = setting(True, 'slow down before what a scanner sees ahead, as Nav2\'s collision '
                          'monitor does; the follower itself sees no obstacles')
    guard_distance: float = setting(0.12, 'at which the guard stands', unit='m', low=0.0)


@dataclass(frozen=True)
class Pose:
    """Place and heading on the floor: metres, radians."""

    x: float
    y: float
    heading: float

    @property
    def point(self) -> tuple[float, float]:
        """The place alone."""
        return self.x, self.y

    def bearing_to(self, x: float, y: float) -> float:
        """Direction of a point, positive to the left, -pi to pi."""
        return wrapped(math.atan2(y - self.y, x - self.x) - self.heading)


class Base:
    """The robot's body.

    Attributes:
        linear, angular: how it moves, m/s and rad/s.
        travelled: metres driven.
        guarded_s: for how long the guard held the base back.
    """

    def __init__(self, config: BaseConfig, pose: Pose, rng: np.random.Generator) -> None:
        self.config, self.pose = config, pose
        self.linear = self.angular = self.travelled = self.guarded_s = 0.0
        self._rng = rng
        self._slip = np.zeros(2)
        self._pending: deque[tuple[float, float, float]] = deque()
        self._wanted = (0.0, 0.0)
        self._heard_s = -math.inf

    def command(self, linear: float, angular: float, now_s: float) -> None:
        """Take a velocity; it takes effect after the delay."""
        self._pending.append((now_s, linear, angular))

    def step(self, now_s: float, dt: float, free_ahead: float = math.inf) -> None:
        """Move on by ``dt`` seconds.

        Args:
            free_ahead: metres before the robot's front until something stands.
        """
        config = self.config
        while self._pending and self._pending[0][0] <= now_s - config.delay + 1e-9:
            self._heard_s, *self._wanted = self._pending.popleft()
        silent = now_s - config.delay - self._heard_s > config.command_timeout + 1e-9
        linear, angular = (0.0, 0.0) if silent else self._wanted
        linear = min(config.max_linear, max(-config.max_linear, linear))
        angular = min(config.max_angular, max(-config.max_angular, angular))
        if config.guard and linear > (safe := self._safe_speed(free_ahead)):
            linear = safe
            self.guarded_s += dt
        braking = abs(linear) < abs(self.linear) or linear * self.linear < 0
        reach = (config.deceleration if braking else config.acceleration) * dt
        self.linear += min(reach, max(-reach, linear - self.linear))
        turn = config.angular_acceleration * dt
        self.angular += min(turn, max(-turn, angular - self.angular))
        self._move(dt)

    def _safe_speed(self, free_ahead: float) -> float:
        """The speed from which the base can stop before what stands ahead."""
        room = max(0.0, free_ahead - self.config.guard_distance)
        return math.sqrt(self.config.deceleration * room)

    def _move(self, dt: float) -> None:
        keep = math.exp(-dt / 0.5)
        self._slip = keep * self._slip + self._rng.normal(0.0, 1.0, 2) * (
            self.config.slip * math.sqrt(1 - keep * keep))
        linear, angular = self.linear * (1 + self._slip[0]), self.angular * (1 + self._slip[1])
        middle = self.pose.heading + angular * dt / 2
        self.travelled += abs(linear) * dt
        self.pose = Pose(self.pose.x + linear * dt * math.cos(middle),
                         self.pose.y + linear * dt * math.sin(middle),
                         wrapped(self.pose.heading + angular * dt))
