"""Ways around walls and pillars: the shortest over a few clear points."""

from __future__ import annotations

import heapq
import math

from siamx_ros.simulation.floorplan import Floorplan, Point

MARGIN = 0.42
"""Distance that a walk keeps to walls and pillars, metres."""
AROUND = 0.55
"""Distance of the points around a pillar from its surface, metres."""
FRONT_OF_DOOR = 0.8


class Routes:
    """Finds ways on a floor plan."""

    def __init__(self, plan: Floorplan) -> None:
        self._plan = plan
        self._points = [p for p in self._candidates() if plan.contains(*p)
                        and plan.clearance(*p) >= MARGIN]
        self._edges = {i: [j for j, q in enumerate(self._points)
                           if i != j and plan.is_clear(p, q, MARGIN)]
                       for i, p in enumerate(self._points)}

    def way(self, start: Point, end: Point) -> list[Point]:
        """Points to walk through, ``end`` last; straight on where there is no clear way."""
        if self._plan.is_clear(start, end, MARGIN):
            return [end]
        reachable = {i for i, p in enumerate(self._points)
                     if self._plan.is_clear(p, end, MARGIN)}
        queue = [(math.dist(start, p), i, (i,)) for i, p in enumerate(self._points)
                 if self._plan.is_clear(start, p, min(MARGIN, self._plan.clearance(*start)))]
        heapq.heapify(queue)
        done: set[int] = set()
        while queue:
            cost, here, path = heapq.heappop(queue)
            if here in done:
                continue
            done.add(here)
            if here in reachable:
                return [*(self._points[i] for i in path), end]
            for there in self._edges[here]:
                step = math.dist(self._points[here], self._points[there])
                heapq.heappush(queue, (cost + step, there, (*path, there)))
        return [end]

    def _candidates(self) -> list[Point]:
        points = []
        for pillar in self._plan.pillars:
            reach = pillar.radius + AROUND
            points += [(pillar.centre[0] + reach * math.cos(angle),
                        pillar.centre[1] + reach * math.sin(angle))
                       for angle in (math.tau * k / 8 for k in range(8))]
        for x, y in self._plan.doors:
            points += [(x, y - FRONT_OF_DOOR), (x, y + FRONT_OF_DOOR)]
        return points
