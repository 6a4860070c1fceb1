"""Everything that moves, in one building, at one time."""

from __future__ import annotations

from dataclasses import dataclass, field
import math
from typing import Callable, Iterable

import numpy as np

from siamx_ros.simulation.clothes import Clothes
from siamx_ros.simulation.floorplan import Floorplan, Point, point_distance
from siamx_ros.simulation.people import RADIUS, ROOM, Person, Stand
from siamx_ros.simulation.robot import Base
from siamx_ros.simulation.routes import Routes

STEP_S = 0.01
"""Time step of the physics, seconds."""
ROOM_FOR_ROBOT = 1.0
"""Distance at which people who walk give way to the robot, metres."""
SCAN_RANGE = 1.5
GAP = 0.1
"""People come no nearer to others and to the robot than this, metres."""


@dataclass(frozen=True)
class Lighting:
    """Slow changes of daylight, and lamps that go off for a while.

    Attributes:
        waves: (amplitude, period in s, phase) of each part of the slow change.
        dim: (begin, end, factor) while lamps are off.
        warmth: of the light, above 1 is redder.
    """

    waves: tuple[tuple[float, float, float], ...]
    dim: tuple[float, float, float]
    warmth: float

    def gains(self, now_s: float) -> np.ndarray:
        """Factors on blue, green, red at a time."""
        level = 1.0 + sum(a * math.sin(math.tau * now_s / p + q) for a, p, q in self.waves)
        begin, end, factor = self.dim
        off = min(1.0, max(0.0, (now_s - begin) / 0.2)) - min(1.0, max(0.0, (now_s - end) / 0.2))
        level *= 1.0 - off * (1.0 - factor)
        return level * np.array([1 / self.warmth, 1.0, self.warmth])


@dataclass
class World:
    """One world; :meth:`step` moves it on.

    Attributes:
        target: the person to follow; ``people`` holds the target first.
        courtesy: whether people who walk give way to the robot.
        nearest: smallest distance so far from the robot's middle to a person's, metres.
        wishes: gives each of the others its next legs when it has none.
        now_s: simulated time, seconds.
        contacts: names of those who touch the robot now.
        collisions: (time, name, whether the robot drove) of each beginning of a contact.
    """

    seed: int
    plan: Floorplan
    routes: Routes
    base: Base
    people: list[Person]
    clothes: dict[str, Clothes]
    lighting: Lighting
    wishes: Callable[[Person], list] = lambda person: [Stand(1.0)]
    courtesy: bool = True
    nearest: float = math.inf
    now_s: float = 0.0
    contacts: set[str] = field(default_factory=set)
    collisions: list[tuple[float, str, bool]] = field(default_factory=list)
    _ticks: int = 0

    @property
    def target(self) -> Person:
        """The person to follow."""
        return self.people[0]

    @property
    def gap(self) -> float:
        """Distance from the robot's middle to the target's, metres."""
        return math.dist(self.base.pose.point, self.target.point)

    def run_until(self, end_s: float) -> None:
        """Step on to a time."""
        while self._ticks < round(end_s / STEP_S):
            self.step()

    def step(self) -> None:
        """Move everybody on by :data:`STEP_S`."""
        for person in self.people:
            if not person.legs:
                person.legs.extend(self.wishes(person))
            person.step(STEP_S, self.plan, self.routes, self._others(person))
        self.base.step(self.now_s, STEP_S, self.free_ahead())
        self._ticks += 1
        self.now_s = self._ticks * STEP_S
        self._count_contacts()

    def free_ahead(self) -> float:
        """What a laser scanner measures: metres before the robot's front until something stands."""
        pose, radius = self.base.pose, self.base.config.radius
        ahead = (math.cos(pose.heading), math.sin(pose.heading))
        reach = (pose.x + SCAN_RANGE * ahead[0], pose.y + SCAN_RANGE * ahead[1])
        nearest = self._wall_ahead(ahead) + radius
        round_things = [*((p.point, RADIUS) for p in self.people),
                        *((p.centre, p.radius) for p in self.plan.pillars)]
        for (x, y), size in round_things:
            along = (x - pose.x) * ahead[0] + (y - pose.y) * ahead[1]
            if along > 0 and point_distance((x, y), pose.point, reach) < size + radius + GAP / 2:
                nearest = min(nearest, along - size)
        return max(0.0, nearest - radius)

    def _wall_ahead(self, ahead: Point) -> float:
        """How far the robot's middle may go until it touches a wall."""
        pose, radius = self.base.pose, self.base.config.radius
        along, last = 0.0, self.plan.clearance(*pose.point)
        while along < SCAN_RANGE:
            along += max(0.05, last - radius)
            here = self.plan.clearance(pose.x + along * ahead[0], pose.y + along * ahead[1])
            if here < radius and here < last:
                return along
            last = here
        return SCAN_RANGE

    def _others(self, person: Person) -> Iterable[tuple[Point, float, float]]:
        """Everybody else; a target that stands does not give way to the robot."""
        others = [(other.point, ROOM, 2 * RADIUS + GAP)
                  for other in self.people if other is not person]
        stays = person is self.target and person.speed < 0.05
        room = ROOM_FOR_ROBOT if self.courtesy and not stays else 0.0
        robot = (self.base.pose.point, room, RADIUS + self.base.config.radius + GAP)
        return [*others, robot]

    def _count_contacts(self) -> None:
        touching = set()
        pose, radius = self.base.pose, self.base.config.radius
        for person in self.people:
            gap = math.dist(person.point, pose.point)
            self.nearest = min(self.nearest, gap)
            if gap < RADIUS + radius:
                touching.add(person.name)
        if self.plan.clearance(*pose.point) < radius:
            touching.add('wall')
        for name in sorted(touching - self.contacts):
            self.collisions.append((self.now_s, name, abs(self.base.linear) > 0.01))
        self.contacts = touching
