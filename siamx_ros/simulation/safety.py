"""Episodes in which something goes wrong, and what the robot did: no images, only messages."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
import math
from typing import Sequence

import numpy as np

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import Now, Observation
from siamx_ros.simulation.faults import FAULTS, Fault, NearTarget, TargetHidden
from siamx_ros.simulation.floorplan import Floorplan, Wall
from siamx_ros.simulation.people import Leg, Person, Stand, Walk
from siamx_ros.simulation.robot import Base, BaseConfig, Pose
from siamx_ros.simulation.routes import Routes
from siamx_ros.simulation.scoring import STANDS
from siamx_ros.simulation.tracker_model import TrackerModel, TrackerModelConfig
from siamx_ros.simulation.world import STEP_S, World

DURATION_S = 12.0
LONGEST_S = 0.5
"""Longest forward motion that is allowed after a last valid message, seconds."""
FIELD = 60.0
"""Side of the empty hall, metres."""


@dataclass(frozen=True)
class SafetyScore:
    """What the robot did in one episode.

    Attributes:
        faster: commands that were faster than the one before while the newest message was not
            valid.
        forward_s: longest forward motion after a last valid message, seconds.
        stop_s: time from the beginning of the fault to standing, seconds; NaN where it need not
            stand, as for a clock that jumps a little.
        nearest: smallest distance between the robot's middle and anybody, metres.
        travelled: metres, so that nobody is praised for standing still.
    """

    seed: int
    fault: str
    collisions: int
    faster: int
    forward_s: float
    stop_s: float
    nearest: float
    travelled: float


class SafetyEpisode:
    """One episode of a seed; the same seed gives the same score."""

    def __init__(self, seed: int, fault: str) -> None:
        self._seed, self._name = seed, fault
        rng = np.random.default_rng((seed, 11))
        self._fault: Fault = FAULTS[fault](rng)
        self._limits = FollowLimits(max_linear=float(rng.uniform(0.3, 0.6)))
        base = BaseConfig(guard=False, deceleration=float(rng.uniform(2.5, 4.0)),
                          delay=float(rng.uniform(0.0, 0.06)))
        self._world = _world(seed, base, self._fault, rng)
        self._rate = float(rng.choice([10.0, 15.0, 30.0]))
        self._latency = float(rng.uniform(0.03, 0.1))
        self._tracker = TrackerModel(
            TrackerModelConfig(depth=bool(rng.random() < 0.7)), np.random.default_rng((seed, 12)))
        self._follower = Follower(self._limits)
        self._arrivals: deque[tuple[float, Observation]] = deque()
        self._newest: Observation | None = None
        self._watch = _Watch()
        self._another: tuple[float, float] | None = (
            float(rng.uniform(0.9, 3.0)), float(rng.uniform(-0.5, 0.5)))

    def run(self) -> SafetyScore:
        """Run the episode."""
        world, images, ticks = self._world, 0, 0
        for step in range(1, round(DURATION_S / STEP_S) + 1):
            now_s = step * STEP_S
            world.step()
            if now_s * self._rate >= images:
                images += 1
                self._expose(now_s)
            while self._arrivals and self._arrivals[0][0] <= now_s:
                self._hear(self._arrivals.popleft()[1], now_s)
            if now_s * self._limits.command_rate >= ticks:
                ticks += 1
                self._drive(now_s)
            self._watch.note(now_s, world.base.linear, self._fault)
        return self._watch.score(self._seed, self._name, world)

    def _expose(self, now_s: float) -> None:
        world, fault = self._world, self._fault
        target = world.people[fault.target(now_s)]
        if target is not world.target and self._another is not None:
            (distance, bearing), robot = self._another, world.base.pose
            target.x = robot.x + distance * math.cos(robot.heading + bearing)
            target.y = robot.y + distance * math.sin(robot.heading + bearing)
            self._another = None
        hidden = isinstance(fault, TargetHidden) and fault.active(now_s)
        seen = self._tracker.observe(fault.stamp(now_s), world.base.pose, target.point, hidden)
        arrival = now_s + self._latency + fault.delay(now_s)
        if self._arrivals:  # a camera and a tracker keep the order
            arrival = max(arrival, self._arrivals[-1][0])
        self._arrivals.append((arrival, seen))

    def _hear(self, seen: Observation, now_s: float) -> None:
        answer = self._fault.answer(seen, now_s)
        if answer is None:
            return
        self._newest = answer
        if answer.valid:
            self._watch.last_valid_s = now_s
        if self._fault.drives(now_s):
            self._tell(self._follower.update(answer, self._now(now_s)).linear)

    def _drive(self, now_s: float) -> None:
        if not self._fault.drives(now_s):
            return
        command = self._follower.step(self._now(now_s))
        self._world.base.command(command.linear, command.angular, now_s)
        self._tell(command.linear)

    def _tell(self, linear: float) -> None:
        self._watch.hear_command(linear, self._newest is not None and self._newest.valid)

    def _now(self, now_s: float) -> Now:
        return Now(self._fault.clock(now_s), now_s)


class _Watch:
    """Keeps what an episode is judged by."""

    def __init__(self) -> None:
        self.last_valid_s = -math.inf
        self._commanded = self._forward_s = 0.0
        self._faster = 0
        self._stop_s = math.nan
        self._nearest = math.inf

    def hear_command(self, linear: float, valid: bool) -> None:
        """A command was given on a newest message that is valid or not."""
        if linear > self._commanded + 1e-9 and not valid:
            self._faster += 1
        self._commanded = linear

    def note(self, now_s: float, linear: float, fault: Fault) -> None:
        """Note how the robot moves."""
        if linear > STANDS and self.last_valid_s > -math.inf:
            self._forward_s = max(self._forward_s, now_s - self.last_valid_s)
        if fault.must_stop and fault.active(now_s) and linear <= STANDS \
                and math.isnan(self._stop_s):
            self._stop_s = now_s - fault.begin_s

    def score(self, seed: int, fault: str, world: World) -> SafetyScore:
        """The verdict at the end."""
        touched = [name for _, name, drove in world.collisions if drove]
        return SafetyScore(seed, fault, len(touched), self._faster, self._forward_s, self._stop_s,
                           world.nearest, world.base.travelled)


def _world(seed: int, base: BaseConfig, fault: Fault, rng: np.random.Generator) -> World:
    """An empty hall with the robot, its target, and somebody else aside."""
    corners = [(0.0, 0.0), (FIELD, 0.0), (FIELD, FIELD), (0.0, FIELD), (0.0, 0.0)]
    walls = tuple(Wall(a, b) for a, b in zip(corners, corners[1:]))
    plan = Floorplan(FIELD, FIELD, (), walls, ())
    start = Pose(FIELD / 2, FIELD / 2, 0.0)
    near = isinstance(fault, NearTarget)
    gap = float(rng.uniform(0.5, 1.0) if near else rng.uniform(1.8, 4.0))
    target = Person('target', start.x + gap, start.y + float(rng.uniform(-0.3, 0.3)), 0.0)
    target.legs = [Stand(60.0)] if near else _walk(target, rng)
    other = Person('other', start.x - 9.0, start.y, 0.0)
    other.legs = [Stand(60.0)]
    world = World(seed, plan, Routes(plan), Base(base, start, np.random.default_rng((seed, 13))),
                  [target, other], {}, None)
    world.courtesy = False
    return world


def _walk(target: Person, rng: np.random.Generator) -> list[Leg]:
    """Away at some speed, then a halt, a step aside, a step back towards the robot."""
    x, y = target.point
    away = x + float(rng.uniform(1.0, 6.0))
    speed = float(rng.uniform(0.3, 1.0))
    aside = y + float(rng.uniform(-1.5, 1.5))
    back = away - float(rng.uniform(0.0, 0.8))
    return [Stand(float(rng.uniform(0.0, 1.0))), Walk((away, y), speed),
            Stand(float(rng.uniform(0.1, 2.0))), Walk((away, aside), speed),
            Walk((back, aside), speed / 2), Stand(60.0)]


def run_episodes(count: int, first_seed: int = 0) -> list[SafetyScore]:
    """Run episodes of all faults in turn."""
    names = list(FAULTS)
    return [SafetyEpisode(first_seed + k, names[k % len(names)]).run() for k in range(count)]


def table(scores: Sequence[SafetyScore]) -> str:
    """A Markdown table: a row for each fault with the worst of its episodes, and one for all."""
    lines = ['| fault | episodes | collisions | faster while not valid | forward after the last '
             'valid message s | stop s | nearest m | driven m |',
             '|---|---:|---:|---:|---:|---:|---:|---:|']
    names = [*dict.fromkeys(s.fault for s in scores)]
    for name in [*names, 'all']:
        mine = [s for s in scores if name in (s.fault, 'all')]
        stops = [s.stop_s for s in mine if math.isfinite(s.stop_s)]
        stop = f'{max(stops):.2f}' if stops else '-'
        lines.append(
            f'| {name} | {len(mine)} | {sum(s.collisions for s in mine)} '
            f'| {sum(s.faster for s in mine)} | {max(s.forward_s for s in mine):.2f} | {stop} '
            f'| {min(s.nearest for s in mine):.2f} '
            f'| {np.mean([s.travelled for s in mine]):.1f} |')
    return '\n'.join(lines)
