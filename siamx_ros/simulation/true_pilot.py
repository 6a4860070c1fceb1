"""A robot that knows where its target is: it follows it through a world, whatever trackers say."""

from __future__ import annotations

import math
from typing import Callable

import numpy as np

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import Now, Observation, described
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import BoxSource, TrackResult, TrackState
from siamx_ros.simulation.camera import SimulatedCamera
from siamx_ros.simulation.episode import Episode, Report
from siamx_ros.simulation.frame import CameraFrame
from siamx_ros.simulation.scenario import build_world
from siamx_ros.simulation.scoring import IN_VIEW

LIMITS = FollowLimits(max_linear=0.8, max_angular=1.2)
"""Of a robot as fast as people stroll."""
SHOWN = 0.05
"""A target of which less than this share is seen has no box."""


class TruePilot:
    """The pilot of an :class:`Episode` whose tracker is never wrong, and blind when nobody sees.

    Args:
        show: called with every image and its truth.
        limits: of the follower.

    Attributes:
        doing: what the follower does, and why if there is a reason.
    """

    def __init__(self, show: Callable[[CameraFrame], None] = lambda frame: None,
                 limits: FollowLimits = LIMITS) -> None:
        self._show = show
        self._follower = Follower(limits)
        self._seq, self._box = 0, BoundingBox(0.0, 0.0, 1.0, 1.0)
        self.doing = ''

    def start(self, frame: CameraFrame, box: BoundingBox) -> None:
        """Take the first image."""
        self.see(frame, frame.stamp_s)

    def see(self, frame: CameraFrame, now_s: float) -> Report:
        """Take an image; returns what a tracker would say that knows the truth."""
        self._show(frame)
        self._seq += 1
        seen = frame.visible_share > IN_VIEW
        state = TrackState.TRACKING if seen else TrackState.LOST
        bearing, distance = (frame.bearing, frame.range_m) if seen else (math.nan, math.nan)
        self._follower.update(
            Observation(frame.stamp_s, self._seq, '1', state, seen, bearing, range_m=distance,
                        range_stddev_m=0.02 * distance, from_depth=True), Now(now_s, now_s))
        self._box = frame.box_of() or self._box
        result = TrackResult(
            self._box, float(seen), state, valid=seen,
            box_source=BoxSource.MEASURED if seen else BoxSource.PREDICTED)
        return Report(frame.stamp_s, result, bearing, distance)

    def command(self, now_s: float) -> tuple[float, float]:
        """Where to drive: m/s forwards, rad/s to the left."""
        command = self._follower.step(Now(now_s, now_s))
        self.doing = described(command.state, command.message)
        return command.linear, command.angular


def true_box(frame: CameraFrame) -> np.ndarray:
    """The box of what is seen of the target: x, y, w, h in pixels; NaN if it is next to nothing."""
    box = frame.box_of() if frame.visible_share >= SHOWN else None
    return np.full(4, np.nan) if box is None else np.array(box.xywh)


def watch(seed: int, seconds: float, show: Callable[[np.ndarray, np.ndarray], None]) -> None:
    """Run the world of a seed, whose robot follows the truth.

    Args:
        show: called with every image, H x W x 3 uint8 BGR, and its :func:`true_box`.

    Raises:
        InputError: Panda3D, which draws the world, is not installed.
    """
    world = build_world(seed)
    camera = SimulatedCamera(world)
    try:
        pilot = TruePilot(lambda frame: show(frame.image, true_box(frame)))
        Episode(world, camera, pilot).run(seconds)
    finally:
        camera.close()
