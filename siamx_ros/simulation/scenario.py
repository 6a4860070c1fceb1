"""Worlds made from a seed: who walks where, who looks like whom, when the light changes."""

from __future__ import annotations

import math

import numpy as np

from siamx_ros.simulation.clothes import look_alike, random_clothes
from siamx_ros.simulation.floorplan import Floorplan, Point, build_floorplan
from siamx_ros.simulation.people import Leg, Person, Stand, Walk
from siamx_ros.simulation.robot import Base, BaseConfig, Pose
from siamx_ros.simulation.routes import FRONT_OF_DOOR, MARGIN, Routes
from siamx_ros.simulation.world import Lighting, World

START_GAP = 2.3
"""Distance from robot to target at the start, metres."""
FAR_BEHIND = 3.6
"""A target that is followed waits for a robot that is farther away, metres."""
DURATION_S = 75.0
OTHERS, ALIKE = 4, 2
"""How many others there are, and how many of them look like the target."""


def build_world(seed: int, base: BaseConfig = BaseConfig()) -> World:
    """The world of a seed; the same seed gives the same world."""
    rng = np.random.default_rng((seed, 2))
    plan = build_floorplan(seed)
    routes = Routes(plan)
    start = Pose(plan.width / 2, 1.2, math.pi / 2)
    robot = Base(base, start, np.random.default_rng((seed, 3)))
    target = Person('target', start.x, start.y + START_GAP, math.pi / 2,
                    height=float(rng.uniform(1.62, 1.86)))
    people = [target, *_others(plan, rng)]
    clothes = {'target': random_clothes(rng, seed * 100)}
    for number, person in enumerate(people[1:], 1):
        make = look_alike if number <= ALIKE else lambda _, *rest: random_clothes(*rest)
        clothes[person.name] = make(clothes['target'], rng, seed * 100 + number)
    world = World(seed, plan, routes, robot, people, clothes, _lighting(rng))
    director = Director(world, np.random.default_rng((seed, 4)))
    target.legs = director.itinerary()
    target.waits = lambda: world.gap > FAR_BEHIND
    target.comes_back = director.come_back
    world.wishes = director.next_legs
    return world


def _lighting(rng: np.random.Generator) -> Lighting:
    """The light of an episode; the lamps go off once."""
    waves = tuple((float(rng.uniform(0.03, 0.1)), float(rng.uniform(6, 25)),
                   float(rng.uniform(0, math.tau))) for _ in range(3))
    begin = float(rng.uniform(0.2, 0.8) * DURATION_S)
    dim = (begin, begin + float(rng.uniform(4, 9)), float(rng.uniform(0.6, 0.8)))
    return Lighting(waves, dim, float(rng.uniform(0.96, 1.06)))


def _others(plan: Floorplan, rng: np.random.Generator) -> list[Person]:
    people: list[Person] = []
    while len(people) < OTHERS:
        x, y = rng.uniform((0.8, 3.0), (plan.width - 0.8, plan.depth - 0.8))
        taken = [(plan.width / 2, 1.2), (plan.width / 2, 1.2 + START_GAP),
                 *(p.point for p in people)]
        if plan.clearance(x, y) > MARGIN and all(math.dist((x, y), p) > 1.3 for p in taken):
            people.append(Person(f'person {len(people) + 1}', float(x), float(y),
                                 float(rng.uniform(-math.pi, math.pi)),
                                 height=float(rng.uniform(1.58, 1.9))))
    return people


class Director:
    """Tells everybody where to go next."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self._world, self._rng = world, rng

    def itinerary(self) -> list[Leg]:
        """What the target does: it wanders, turns, hides behind a pillar, goes through doors."""
        rng = self._rng
        acts = [self._turn_around(), self._leave_and_return()]
        if self._world.plan.pillars:
            acts.append(self._hide())
        rng.shuffle(acts)
        legs: list[Leg] = [Stand(1.5), self._wander(), self._wander()]
        for act in acts:
            legs += [*act, self._wander(), self._wander()]
        return legs

    def next_legs(self, person: Person) -> list[Leg]:
        """What somebody without a plan does: cross before the robot, stand, or wander."""
        if person is self._world.target:
            return [self._wander(), Stand(float(self._rng.uniform(0.5, 3.0)))]
        chance = self._rng.random()
        if chance < 0.2:
            return self._cross()
        if chance < 0.5:
            return [Stand(float(self._rng.uniform(1.0, 4.0)), float(self._rng.uniform(-2, 2)))]
        return [self._wander(0.6, 1.2)]

    def come_back(self) -> list[Leg]:
        """What the target does when the robot does not follow."""
        return [Walk(self._before_camera, 0.7, patient=False), Stand(3.0)]

    def _wander(self, slow: float = 0.45, fast: float = 0.75) -> Walk:
        return Walk(self._free_place, float(self._rng.uniform(slow, fast)))

    def _turn_around(self) -> list[Leg]:
        return [Stand(float(self._rng.uniform(3.0, 5.0)), math.tau), Stand(1.0)]

    def _hide(self) -> list[Leg]:
        pillars = self._world.plan.pillars
        pillar = pillars[self._rng.integers(len(pillars))]

        def behind() -> Point:
            robot = self._world.base.pose
            angle = math.atan2(pillar.centre[1] - robot.y, pillar.centre[0] - robot.x)
            reach = pillar.radius + MARGIN + 0.05
            return (pillar.centre[0] + reach * math.cos(angle),
                    pillar.centre[1] + reach * math.sin(angle))
        return [Walk(behind, 0.6), Stand(float(self._rng.uniform(1.0, 2.5)))]

    def _leave_and_return(self) -> list[Leg]:
        """Out by one door, along the corridor, in by the other, before the robot's camera."""
        doors = list(self._world.plan.doors)
        self._rng.shuffle(doors)
        (out_x, out_y), (in_x, in_y) = doors
        hasty = dict(speed=0.75, patient=False)
        return [Walk((out_x, out_y - FRONT_OF_DOOR), 0.65),
                Walk((out_x, out_y + FRONT_OF_DOOR), **hasty),
                Walk((in_x, in_y + FRONT_OF_DOOR), **hasty),
                Stand(float(self._rng.uniform(1.0, 4.0))),
                Walk((in_x, in_y - FRONT_OF_DOOR), **hasty),
                Walk(self._before_camera, **hasty), Stand(1.5)]

    def _before_camera(self) -> Point:
        """A clear place up to 2.6 m from the robot, as far before its camera as there is one."""
        world = self._world
        pose = world.base.pose
        for turn in (0.0, 0.25, -0.25, 0.5, -0.5, 0.9, -0.9, 1.4, -1.4, 2.0, -2.0, math.pi):
            for reach in (2.6, 2.2, 1.8):
                angle = pose.heading + turn
                place = (pose.x + reach * math.cos(angle), pose.y + reach * math.sin(angle))
                if world.plan.contains(*place) and world.plan.clearance(*place) > MARGIN \
                        and world.plan.sees(pose.point, place):
                    return place
        return self._free_place()

    def _cross(self) -> list[Leg]:
        """Between robot and target, from one side to the other."""
        def through() -> Point:
            robot, target = self._world.base.pose, self._world.target
            middle = ((robot.x + 1.2 * target.x) / 2.2, (robot.y + 1.2 * target.y) / 2.2)
            return middle if self._is_free(*middle) else self._free_place()
        return [Walk(through, float(self._rng.uniform(0.7, 1.2))), self._wander(0.7, 1.2)]

    def _free_place(self) -> Point:
        plan = self._world.plan
        for _ in range(200):
            x, y = self._rng.uniform((0.9, 0.9), (plan.width - 0.9, plan.depth - 0.9))
            if self._is_free(x, y) and math.dist((x, y), self._world.base.pose.point) > 2.0:
                return float(x), float(y)
        return plan.width / 2, plan.depth / 2

    def _is_free(self, x: float, y: float) -> bool:
        return self._world.plan.clearance(x, y) > 0.6
