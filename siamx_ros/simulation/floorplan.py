"""The building: a hall with pillars and a corridor behind it, joined by two doors.

Metres; x to the right, y away from the front wall, angles counterclockwise from x.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np

CORRIDOR_DEPTH = 2.4
DOOR_WIDTH = 1.2
NEAREST_PILLAR = 2.2
"""Smallest distance between two pillars, metres."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Wall:
    """A straight piece of wall between two points."""

    start: Point
    end: Point


@dataclass(frozen=True)
class Pillar:
    """A round pillar from floor to ceiling."""

    centre: Point
    radius: float


@dataclass(frozen=True)
class Floorplan:
    """What stands still.

    Attributes:
        width, depth: of the hall, which lies at x 0..width, y 0..depth; the corridor is behind it.
        doors: middles of the openings between hall and corridor, from left to right.
    """

    width: float
    depth: float
    doors: tuple[Point, ...]
    walls: tuple[Wall, ...]
    pillars: tuple[Pillar, ...]

    def clearance(self, x: float, y: float) -> float:
        """Distance from a point to the nearest wall or pillar; negative inside a pillar."""
        point = (x, y)
        gap = min(point_distance(point, wall.start, wall.end) for wall in self.walls)
        for pillar in self.pillars:
            gap = min(gap, math.dist(point, pillar.centre) - pillar.radius)
        return gap

    def is_clear(self, start: Point, end: Point, margin: float) -> bool:
        """Whether a straight walk keeps a margin to walls and pillars."""
        return self._gap(start, end) >= margin

    def sees(self, start: Point, end: Point) -> bool:
        """Whether no wall and no pillar stands between two points."""
        return self._gap(start, end) > 0.0

    def contains(self, x: float, y: float) -> bool:
        """Whether a point lies in the hall or in the corridor."""
        return 0 < x < self.width and 0 < y < self.depth + CORRIDOR_DEPTH

    def _gap(self, start: Point, end: Point) -> float:
        walls = min(segment_distance(start, end, wall.start, wall.end) for wall in self.walls)
        pillars = (point_distance(pillar.centre, start, end) - pillar.radius
                   for pillar in self.pillars)
        return min(walls, *pillars) if self.pillars else walls


def build_floorplan(seed: int) -> Floorplan:
    """The floor plan of a seed: size, doors and pillars vary."""
    rng = np.random.default_rng((seed, 1))
    width, depth = float(rng.uniform(10.5, 13.5)), float(rng.uniform(8.5, 10.5))
    doors = (float(rng.uniform(2.0, 3.6)), float(width - rng.uniform(2.0, 3.6)))
    return Floorplan(width, depth, tuple((x, depth) for x in doors),
                     _walls(width, depth, doors), _pillars(width, depth, rng))


def _walls(width: float, depth: float, doors: tuple[float, ...]) -> tuple[Wall, ...]:
    far = depth + CORRIDOR_DEPTH
    corners = [(0.0, 0.0), (0.0, far), (width, far), (width, 0.0), (0.0, 0.0)]
    outer = [Wall(a, b) for a, b in zip(corners, corners[1:])]
    edges = [0.0, *(x + side * DOOR_WIDTH / 2 for x in doors for side in (-1, 1)), width]
    inner = [Wall((a, depth), (b, depth)) for a, b in zip(edges[::2], edges[1::2])]
    return (*outer, *inner)


def _pillars(width: float, depth: float, rng: np.random.Generator) -> tuple[Pillar, ...]:
    """Up to four pillars; the places where robot and doors are stay free."""
    places: list[Point] = []
    for x, y in rng.uniform((2.2, 3.4), (width - 2.2, depth - 2.0), (60, 2)):
        if len(places) < 4 and all(math.dist((x, y), other) > NEAREST_PILLAR for other in places) \
                and abs(x - width / 2) > 0.9:
            places.append((float(x), float(y)))
    return tuple(Pillar(place, float(rng.uniform(0.2, 0.3))) for place in places)


def point_distance(point: Point, start: Point, end: Point) -> float:
    """Distance from a point to a segment."""
    ax, ay = point[0] - start[0], point[1] - start[1]
    bx, by = end[0] - start[0], end[1] - start[1]
    length = bx * bx + by * by
    along = min(1.0, max(0.0, (ax * bx + ay * by) / length)) if length else 0.0
    return math.hypot(ax - along * bx, ay - along * by)


def segment_distance(a: Point, b: Point, c: Point, d: Point) -> float:
    """Distance between two segments, 0 where they cross."""
    if _crosses(a, b, c, d):
        return 0.0
    return min(point_distance(a, c, d), point_distance(b, c, d),
               point_distance(c, a, b), point_distance(d, a, b))


def _crosses(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
