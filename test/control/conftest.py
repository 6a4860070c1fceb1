"""A robot on a plane, with a delay and a camera, and a target on a given way."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
import math
import random
from typing import Callable

import pytest

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import Command, Now, Observation
from siamx_ros.records import TrackState

STEP_S = 0.01
START_S = 1000.0


@dataclass
class Plane:
    """Runs a follower against a target that walks; times start at 0, stamps at START_S.

    Attributes:
        target: place of the target at a time.
        change: what becomes of the observation of a time; None: no message.
        log: (time, gap, bearing, command) of each step.
    """

    target: Callable[[float], tuple[float, float]]
    limits: FollowLimits = FollowLimits()
    change: Callable[[float, Observation], Observation | None] = lambda _, seen: seen
    fps: float = 30.0
    latency: float = 0.1
    delay: float = 0.1
    noise: float = 0.03
    depth_every: int = 1
    log: list[tuple[float, float, float, Command]] = field(default_factory=list)

    def run(self, seconds: float) -> Plane:
        follower, generator = Follower(self.limits), random.Random(5)
        x = y = yaw = 0.0
        images, commands, obeyed = deque(), deque(), Command()
        for tick in range(round(seconds / STEP_S)):
            now = tick * STEP_S
            ahead, left = self.target(now)
            gap = math.hypot(ahead - x, left - y)
            bearing = math.remainder(math.atan2(left - y, ahead - x) - yaw, 2 * math.pi)
            if math.floor(now * self.fps) != math.floor((now - STEP_S) * self.fps):
                seen = self._seen(now, len(self.log), gap, bearing, generator)
                if seen is not None:
                    images.append((now + self.latency, seen))
            command = follower.step(Now(START_S + now, now)) if tick % 2 == 0 else None
            while images and images[0][0] <= now:
                command = follower.update(images.popleft()[1], Now(START_S + now, now))
            if command is not None:
                commands.append((now + self.delay, command))
            while commands and commands[0][0] <= now:
                obeyed = commands.popleft()[1]
            x += obeyed.linear * math.cos(yaw) * STEP_S
            y += obeyed.linear * math.sin(yaw) * STEP_S
            yaw += obeyed.angular * STEP_S
            self.log.append((now, gap, bearing, command or self.log[-1][3]))
        return self

    def _seen(self, now, seq, gap, bearing, generator) -> Observation | None:
        known = int(now * self.fps) % self.depth_every == 0
        seen = Observation(
            stamp_s=START_S + now, seq=seq + 1, target_id='a', state=TrackState.TRACKING,
            valid=True, bearing=bearing + generator.gauss(0, 0.005),
            range_m=gap + generator.gauss(0, self.noise) if known else math.nan,
            range_stddev_m=self.noise, from_depth=True, box_height=300 / gap)
        return self.change(now, seen)

    def after(self, seconds: float) -> list[tuple[float, float, float, Command]]:
        """The log from a time on."""
        return [row for row in self.log if row[0] >= seconds]


@pytest.fixture
def plane():
    """Makes a :class:`Plane`."""
    return Plane


@pytest.fixture
def doubtful():
    """Makes a ``change``: the state is another one for a while."""
    def made(state: TrackState, start: float, end: float):
        def change(now: float, seen: Observation) -> Observation:
            return replace(seen, state=state, valid=False) if start <= now < end else seen
        return change
    return made
