"""People who walk, stand, turn and make room for each other and for the robot."""

from __future__ import annotations

from dataclasses import dataclass, field
import math
from typing import Callable, Sequence

from siamx_ros.control.prediction import wrapped
from siamx_ros.simulation.floorplan import Floorplan, Point
from siamx_ros.simulation.routes import Routes

RADIUS = 0.23
"""Of a person, metres: half of the shoulders' width."""
ROOM = 0.75
"""Distance that a person keeps to others while walking, metres."""
STRIDE = 1.35
"""Length of two steps at a walking pace, metres."""
TURN_RATE = 3.0
ACCELERATION = 1.2
PATIENCE_S = 6.0
"""After this long without getting nearer a walk ends where it is."""
WAITING_S = 4.0
"""Who waits longer than this for a follower comes back for it."""


@dataclass(frozen=True)
class Stand:
    """Stay for a time; turn by an angle meanwhile."""

    seconds: float
    turn: float = 0.0


@dataclass(frozen=True)
class Walk:
    """Go to a point at a speed in m/s; the point may depend on where all are by then.

    Attributes:
        patient: whether to wait on the way for somebody who follows.
    """

    goal: Point | Callable[[], Point]
    speed: float
    patient: bool = True


Leg = Stand | Walk


@dataclass
class Person:
    """One person: a place, a heading, and what is left to do.

    Attributes:
        phase: of the gait, radians.
        legs: what comes next, first one first.
        waits: says whether somebody who follows is far behind.
        comes_back: what to do when waiting was of no use.
    """

    name: str
    x: float
    y: float
    heading: float
    height: float = 1.75
    speed: float = 0.0
    phase: float = 0.0
    velocity: Point = (0.0, 0.0)
    legs: list[Leg] = field(default_factory=list)
    waits: Callable[[], bool] = lambda: False
    comes_back: Callable[[], list[Leg]] = lambda: []
    _way: list[Point] | None = None
    _left_s: float = 0.0
    _nearest: float = math.inf
    _stuck_s: float = 0.0
    _waited_s: float = 0.0

    @property
    def point(self) -> Point:
        """Where the person is."""
        return self.x, self.y

    def step(self, dt: float, plan: Floorplan, routes: Routes,
             others: Sequence[tuple[Point, float, float]]) -> None:
        """Go on by ``dt`` seconds.

        Args:
            others: (place, distance at which to give way, smallest distance) of everybody else,
                the robot included.
        """
        leg = self.legs[0] if self.legs else Stand(math.inf)
        if isinstance(leg, Stand):
            self._stand(leg, dt)
            wanted = (0.0, 0.0)
        else:
            wanted = self._towards(leg, dt, routes)
        velocity = self._with_room(wanted, others)
        self._move(velocity, others, dt, plan, walks=wanted != (0.0, 0.0))

    def _finish(self) -> None:
        self.legs.pop(0)
        self._left_s = 0.0
        self._forget_way()

    def _forget_way(self) -> None:
        self._way, self._nearest, self._stuck_s, self._waited_s = None, math.inf, 0.0, 0.0

    def _stand(self, leg: Stand, dt: float) -> None:
        if self._left_s <= 0:
            self._left_s = leg.seconds
        if math.isfinite(leg.seconds):
            self.heading = wrapped(self.heading + leg.turn * dt / leg.seconds)
        self._left_s -= dt
        if self._left_s <= 0 and self.legs:
            self._finish()

    def _towards(self, leg: Walk, dt: float, routes: Routes) -> Point:
        """The velocity that leads along the way."""
        if self._way is None:
            goal = leg.goal() if callable(leg.goal) else leg.goal
            self._way = routes.way(self.point, goal)
        distance = math.dist(self.point, self._way[0])
        reach = 0.12 if len(self._way) == 1 else 0.3
        if distance < self._nearest - 0.05:
            self._nearest, self._stuck_s = distance, 0.0
        waiting = leg.patient and self.waits()
        self._waited_s = self._waited_s + dt if waiting else 0.0
        if self._waited_s > WAITING_S:
            self.legs[:0] = self.comes_back()
            self._forget_way()
            return 0.0, 0.0
        if not waiting:
            self._stuck_s += dt
        if distance < reach or self._stuck_s > PATIENCE_S:
            self._way.pop(0)
            self._nearest, self._stuck_s = math.inf, 0.0
            if not self._way:
                self._finish()
                return 0.0, 0.0
            distance = math.dist(self.point, self._way[0])
        speed = 0.0 if waiting else leg.speed
        dx, dy = self._way[0][0] - self.x, self._way[0][1] - self.y
        return speed * dx / max(distance, 1e-9), speed * dy / max(distance, 1e-9)

    def _with_room(self, wanted: Point, others: Sequence[tuple[Point, float, float]]) -> Point:
        """The wanted velocity, bent around those who are near; who stands only yields a little."""
        vx, vy = wanted
        pace = math.hypot(vx, vy)
        for (ox, oy), room, _ in others:
            dx, dy = self.x - ox, self.y - oy
            distance = max(math.hypot(dx, dy), 1e-6)
            if distance >= room:
                continue
            push = (room - distance) / room
            ux, uy = dx / distance, dy / distance
            side = 1.0 if vx * -uy + vy * ux >= 0 else -1.0
            vx += push * (1.2 * ux - side * 0.9 * pace * uy)
            vy += push * (1.2 * uy + side * 0.9 * pace * ux)
        limit = max(1.2 * pace, 0.35) / max(math.hypot(vx, vy), 1e-9)
        return (vx, vy) if limit >= 1 else (vx * limit, vy * limit)

    def _short_of(self, vx: float, vy: float,
                  others: Sequence[tuple[Point, float, float]]) -> Point:
        """The velocity without what would lead too near to somebody."""
        for (ox, oy), _, smallest in others:
            dx, dy = self.x - ox, self.y - oy
            distance = max(math.hypot(dx, dy), 1e-6)
            inwards = -(vx * dx + vy * dy) / distance
            if distance < smallest and inwards > 0:
                vx, vy = vx + inwards * dx / distance, vy + inwards * dy / distance
        return vx, vy

    def _move(self, velocity: Point, others: Sequence[tuple[Point, float, float]], dt: float,
              plan: Floorplan, walks: bool) -> None:
        change = (velocity[0] - self.velocity[0], velocity[1] - self.velocity[1])
        step = ACCELERATION * dt / max(math.hypot(*change), 1e-9)
        share = min(1.0, step)
        vx, vy = self.velocity[0] + share * change[0], self.velocity[1] + share * change[1]
        vx, vy = self._short_of(vx, vy, others)
        vx, vy = next(v for v in ((vx, vy), (vx, 0.0), (0.0, vy), (0.0, 0.0)) if v == (0.0, 0.0)
                      or plan.clearance(self.x + v[0] * dt, self.y + v[1] * dt) >= RADIUS)
        self.velocity, self.x, self.y = (vx, vy), self.x + vx * dt, self.y + vy * dt
        self.speed = math.hypot(vx, vy)
        self.phase = (self.phase + math.tau * self.speed * dt / STRIDE) % math.tau
        if walks and self.speed > 0.08:
            off = wrapped(math.atan2(vy, vx) - self.heading)
            self.heading = wrapped(
                self.heading + max(-TURN_RATE * dt, min(TURN_RATE * dt, off)))
