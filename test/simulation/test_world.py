"""Walls, ways, people and the robot's body, against hand-made numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from siamx_ros.simulation.floorplan import (
    Floorplan, Pillar, Wall, build_floorplan, segment_distance)
from siamx_ros.simulation.people import RADIUS, Person, Stand, Walk
from siamx_ros.simulation.robot import Base, BaseConfig, Pose, wrapped
from siamx_ros.simulation.routes import MARGIN, Routes
from siamx_ros.simulation.scenario import ALIKE, build_world
from siamx_ros.simulation.world import World

ROOM = Floorplan(
    10.0, 8.0, (), (Wall((0, 0), (10, 0)), Wall((10, 0), (10, 8)), Wall((10, 8), (0, 8)),
                    Wall((0, 8), (0, 0))), (Pillar((5.0, 4.0), 0.3),))


def base(**changes) -> Base:
    config = BaseConfig(slip=0.0, delay=0.1, command_timeout=0.25, acceleration=1.0,
                        deceleration=2.0).replace(changes)
    return Base(config, Pose(1.0, 4.0, 0.0), np.random.default_rng(0))


def drive(robot: Base, seconds: float, start: float = 0.0, **options) -> list[float]:
    """Speeds, one each 10 ms."""
    speeds = []
    for k in range(round(seconds * 100)):
        robot.step(start + k / 100, 0.01, **options)
        speeds.append(robot.linear)
    return speeds


def test_distances_to_walls_and_pillars() -> None:
    assert ROOM.clearance(5.0, 1.0) == 1.0
    assert ROOM.clearance(3.0, 4.0) == pytest.approx(1.7)
    assert ROOM.clearance(5.0, 4.0) == pytest.approx(-0.3)
    assert not ROOM.sees((1, 4), (9, 4)) and ROOM.sees((1, 4), (9, 6))
    assert not ROOM.is_clear((1, 4.6), (9, 4.6), 0.4) and ROOM.is_clear((1, 4.6), (9, 4.6), 0.2)
    assert segment_distance((0, 0), (2, 2), (0, 2), (2, 0)) == 0.0
    assert segment_distance((0, 0), (1, 0), (3, 1), (3, -1)) == 2.0


def test_a_way_leads_around_a_pillar_and_through_a_door() -> None:
    way = [(1.0, 4.0), *Routes(ROOM).way((1.0, 4.0), (9.0, 4.0))]
    assert way[-1] == (9.0, 4.0) and len(way) > 2
    assert all(ROOM.is_clear(a, b, MARGIN) for a, b in zip(way, way[1:]))
    plan = build_floorplan(0)
    start, end = (plan.width / 2, 1.5), (plan.width / 2, plan.depth + 1.2)
    way = [start, *Routes(plan).way(start, end)]
    assert all(plan.is_clear(a, b, MARGIN) for a, b in zip(way, way[1:]))


def test_the_base_keeps_its_limits_and_delay() -> None:
    robot = base(max_linear=0.5, command_timeout=9.0)
    robot.command(3.0, 0.0, 0.0)
    speeds = drive(robot, 1.0)
    assert speeds[9] == 0.0 and speeds[10] == pytest.approx(0.01)
    assert np.diff(speeds).max() == pytest.approx(0.01)
    assert speeds[-1] == 0.5 and robot.travelled == pytest.approx(sum(speeds) / 100)


def test_the_base_stops_when_commands_cease() -> None:
    robot = base()
    for k in range(20):
        robot.command(0.5, 0.0, k / 20)
        drive(robot, 0.05, k / 20)
    assert robot.linear == 0.5
    speeds = drive(robot, 1.0, 1.0)
    still = next(k for k, speed in enumerate(speeds) if speed == 0.0)
    last = 19 / 20
    assert 1.0 + still / 100 - last == pytest.approx(0.1 + 0.25 + 0.5 / 2.0, abs=0.03)


def test_slip_moves_the_base_otherwise_than_commanded() -> None:
    robots = [base(slip=share, command_timeout=9.0) for share in (0.0, 0.1)]
    for robot in robots:
        robot.command(0.5, 0.0, 0.0)
        drive(robot, 4.0)
    way = [robot.pose.x - 1.0 for robot in robots]
    assert 0.001 < abs(way[0] - way[1]) < 0.4


def test_the_guard_stands_before_what_a_scanner_sees() -> None:
    robot, wall = base(command_timeout=9.0), 3.0
    robot.command(1.0, 0.0, 0.0)
    for k in range(600):
        robot.step(k / 100, 0.01, wall - robot.pose.x)
    assert robot.pose.x == pytest.approx(wall - robot.config.guard_distance, abs=0.05)
    assert robot.guarded_s > 1.0


def test_a_robot_that_is_driven_at_a_standing_person_touches_without_its_guard() -> None:
    """The collisions of the score are real ones."""
    for guard, expected in ((True, []), (False, ['target'])):
        robot = base(guard=guard)
        person = Person('target', 3.0, 4.0, 0.0, legs=[Stand(60.0)])
        world = World(0, ROOM, Routes(ROOM), robot, [person], {}, None)
        while world.now_s < 4.0:
            robot.command(0.8, 0.0, world.now_s)
            world.step()
        assert [name for _, name, drove in world.collisions if drove] == expected
        assert (world.nearest < RADIUS + robot.config.radius) == bool(expected)


def test_a_person_walks_turns_waits_and_comes_back() -> None:
    person = Person('target', 2.0, 2.0, 0.0, legs=[Walk((4.0, 2.0), 0.8), Stand(2.0, math.pi)])
    routes, far = Routes(ROOM), [False]
    person.waits = lambda: far[0]
    person.comes_back = lambda: [Walk((2.0, 2.0), 0.8, patient=False)]
    for _ in range(600):
        person.step(0.01, ROOM, routes, [])
    assert math.dist(person.point, (4.0, 2.0)) < 0.2
    assert abs(wrapped(person.heading - math.pi)) < 0.1 and person.phase > 0
    person.legs, far[0] = [Walk((8.0, 2.0), 0.8)], True
    for _ in range(900):
        person.step(0.01, ROOM, routes, [])
    assert math.dist(person.point, (2.0, 2.0)) < 0.2


def test_who_comes_back_goes_all_the_way() -> None:
    """However near the end of the way was that is given up for it."""
    person, far = Person('target', 1.0, 2.0, 0.0, legs=[Walk((9.0, 2.0), 0.8)]), [False]
    person.waits = lambda: far[0]
    person.comes_back = lambda: [Walk((1.0, 2.0), 0.7, patient=False), Stand(60.0)]
    routes = Routes(ROOM)
    while person.x < 8.4:
        person.step(0.01, ROOM, routes, [])
    far[0] = True
    for _ in range(1700):
        person.step(0.01, ROOM, routes, [])
    assert math.dist(person.point, (1.0, 2.0)) < 0.2


def test_people_keep_apart_from_each_other_and_from_the_robot(world: World) -> None:
    world.run_until(40.0)
    assert not world.collisions
    places = [person.point for person in world.people]
    assert all(world.plan.clearance(*place) > 0.2 for place in places)
    assert min(math.dist(a, b) for i, a in enumerate(places) for b in places[:i]) > 2 * RADIUS


def test_the_same_seed_gives_the_same_world_and_another_another() -> None:
    def state(seed: int) -> list[float]:
        world = build_world(seed)
        world.base.command(0.5, 0.3, 0.0)
        world.run_until(8.0)
        pose = world.base.pose
        return [pose.x, pose.y, pose.heading, *(v for p in world.people for v in p.point)]
    assert state(1) == state(1) != state(2)


@pytest.mark.parametrize('seed', range(20))
def test_who_looks_like_the_target_wears_other_trousers(seed: int) -> None:
    """Nobody is a copy of the target, which no tracker could tell from it."""
    world = build_world(seed)
    target, *others = (world.clothes[person.name] for person in world.people)
    for alike in others[:ALIKE]:
        assert alike.trousers != target.trousers
        assert np.abs(np.subtract(alike.shirt, target.shirt)).max() < 45
