"""The world from above: for videos and for people who look at them."""

from __future__ import annotations

from collections import deque
import math

import cv2
import numpy as np

from siamx_ros.simulation.floorplan import CORRIDOR_DEPTH, Point
from siamx_ros.simulation.frame import CameraConfig
from siamx_ros.simulation.people import RADIUS
from siamx_ros.simulation.world import World

SHIFT = 4
"""Fractional bits of OpenCV's coordinates."""
TRAIL = 200
INK, FLOOR, WALL = (60, 60, 60), (236, 238, 240), (90, 84, 80)
ROBOT, TARGET = (190, 110, 20), (40, 150, 40)


class TopView:
    """Draws a world in a square of some pixels, up is away from the front wall."""

    def __init__(self, world: World, camera: CameraConfig, width: int, height: int) -> None:
        self._world, self._camera = world, camera
        plan = world.plan
        self._size = (width, height)
        far = plan.depth + CORRIDOR_DEPTH
        self._scale = min(width / (plan.width + 0.6), height / (far + 0.6))
        self._left = (width - self._scale * plan.width) / 2
        self._bottom = (height + self._scale * far) / 2
        self._robot: deque[Point] = deque(maxlen=TRAIL)
        self._target: deque[Point] = deque(maxlen=TRAIL)
        self._ground = self._building()

    def draw(self, believed: Point | None = None) -> np.ndarray:
        """The world now, H x W x 3 BGR; a cross marks where the target is believed to be."""
        image = self._ground.copy()
        world = self._world
        self._robot.append(world.base.pose.point)
        self._target.append(world.target.point)
        self._view_cone(image)
        for trail, colour in ((self._robot, ROBOT), (self._target, TARGET)):
            points = np.array([self._pixel(p) for p in trail], np.int32)
            cv2.polylines(image, [points], False, colour, 1, cv2.LINE_AA, SHIFT)
        for person in world.people:
            red, green, blue = world.clothes[person.name].shirt
            self._disc(image, person.point, RADIUS, (blue, green, red), person.heading,
                       TARGET if person is world.target else INK)
        self._disc(image, world.base.pose.point, world.base.config.radius, ROBOT,
                   world.base.pose.heading, INK)
        if believed is not None:
            x, y = (int(v) >> SHIFT for v in self._pixel(believed))
            cv2.drawMarker(image, (x, y), (30, 30, 220), cv2.MARKER_TILTED_CROSS, 12, 2)
        return image

    def _building(self) -> np.ndarray:
        image = np.full((self._size[1], self._size[0], 3), 255, np.uint8)
        plan = self._world.plan
        corners = np.array([self._pixel(p) for p in (
            (0, 0), (plan.width, 0), (plan.width, plan.depth + CORRIDOR_DEPTH),
            (0, plan.depth + CORRIDOR_DEPTH))], np.int32)
        cv2.fillPoly(image, [corners], FLOOR, cv2.LINE_AA, SHIFT)
        for wall in plan.walls:
            cv2.line(image, self._pixel(wall.start), self._pixel(wall.end), WALL, 4, cv2.LINE_AA,
                     SHIFT)
        for pillar in plan.pillars:
            cv2.circle(image, self._pixel(pillar.centre), self._length(pillar.radius), WALL, -1,
                       cv2.LINE_AA, SHIFT)
        return image

    def _view_cone(self, image: np.ndarray) -> None:
        pose = self._world.base.pose
        half = math.radians(self._camera.hfov) / 2
        points = [pose.point]
        for turn in np.linspace(-half, half, 17):
            points.append(self._reach(pose.point, pose.heading + float(turn)))
        layer = image.copy()
        cv2.fillPoly(layer, [np.array([self._pixel(p) for p in points], np.int32)],
                     (250, 225, 180), cv2.LINE_AA, SHIFT)
        cv2.addWeighted(layer, 0.5, image, 0.5, 0, dst=image)

    def _reach(self, start: Point, angle: float) -> Point:
        """Where a ray meets a wall or a pillar."""
        along = 0.0
        ahead = (math.cos(angle), math.sin(angle))
        while along < 15.0:
            here = (start[0] + along * ahead[0], start[1] + along * ahead[1])
            free = self._world.plan.clearance(*here)
            if free < 0.03:
                break
            along += max(free, 0.03)
        return here

    def _disc(self, image: np.ndarray, point: Point, radius: float, colour, heading: float,
              edge) -> None:
        centre = self._pixel(point)
        cv2.circle(image, centre, self._length(radius), colour, -1, cv2.LINE_AA, SHIFT)
        cv2.circle(image, centre, self._length(radius), edge, 2, cv2.LINE_AA, SHIFT)
        nose = (point[0] + 1.6 * radius * math.cos(heading),
                point[1] + 1.6 * radius * math.sin(heading))
        cv2.line(image, centre, self._pixel(nose), edge, 2, cv2.LINE_AA, SHIFT)

    def _pixel(self, point: Point) -> tuple[int, int]:
        return (round((self._left + self._scale * point[0]) * 2**SHIFT),
                round((self._bottom - self._scale * point[1]) * 2**SHIFT))

    def _length(self, metres: float) -> int:
        return round(metres * self._scale * 2**SHIFT)
