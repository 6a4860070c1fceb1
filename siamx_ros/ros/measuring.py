"""Direction, distance and velocity of the target in one outcome; ROS-free but for duck typing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
import math
from threading import Lock
from typing import Any

import numpy as np

from siamx_ros.control import bearing
from siamx_ros.control.bearing import Camera
from siamx_ros.records import BoxSource
from siamx_ros.ros.frames import stamp_seconds
from siamx_ros.ros.session import Outcome
from siamx_ros.ros.settings import NodeConfig

RANGE_NONE, RANGE_DEPTH, RANGE_KNOWN_HEIGHT = range(3)
DEPTHS = 10
"""Depth images that are kept: newer ones arrive while an image is tracked."""
MAX_RATE_GAP = 0.5
"""Longest time between two images for a rate of change, seconds."""


@dataclass(frozen=True)
class Measurement:
    """Radians, metres, seconds; NaN where unknown."""

    truncated: bool = False
    bearing: float = math.nan
    elevation: float = math.nan
    bearing_rate: float = math.nan
    range: float = math.nan
    range_stddev: float = math.nan
    range_source: int = RANGE_NONE
    position: tuple[float, float, float] | None = None
    velocity: tuple[float, float] = (0.0, 0.0)


class Measurer:
    """Keeps the calibration, the newest depth images and the last bearing.

    :meth:`set_camera` and :meth:`set_depth` may be called from another thread than
    :meth:`measure`.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._camera: Camera | None = None
        self._depths: deque[tuple[float, str, np.ndarray]] = deque(maxlen=DEPTHS)
        self._last: tuple[float, float, str] | None = None
        self._last_stamp = -math.inf

    def set_camera(self, info: Any) -> None:
        """Take a CameraInfo message.

        Raises:
            InputError: it is not calibrated.
        """
        camera = Camera.from_calibration(
            info.width, info.height, info.k, info.d, info.distortion_model)
        with self._lock:
            self._camera = camera

    def set_depth(self, stamp: float, frame_id: str, depth: np.ndarray) -> None:
        """Take a depth image, H x W metres, registered to the colour image."""
        with self._lock:
            self._depths.append((stamp, frame_id, depth))

    def measure(self, outcome: Outcome, config: NodeConfig) -> Measurement:
        """Measure the box of an outcome."""
        box, image = outcome.result.box, outcome.image
        if box is None or image is None or outcome.result.box_source == BoxSource.NONE:
            self._last = None
            return Measurement()
        height, width = image.shape[:2]
        truncated = bearing.is_truncated(box, width, height)
        camera = self._usable_camera(width, height, config)
        if camera is None:
            return Measurement(truncated=truncated, velocity=self._velocity(outcome))
        ray = camera.ray(*box.centre)
        if not all(map(math.isfinite, ray)):
            self._last = None
            return Measurement(truncated=truncated, velocity=self._velocity(outcome))
        angle, elevation = bearing.angles(ray)
        distance, deviation, source = self._range(outcome, camera, truncated, config)
        known = math.isfinite(distance)
        return Measurement(
            truncated, angle, elevation, self._rate(outcome, angle), distance, deviation, source,
            bearing.position(ray, distance) if known else None, self._velocity(outcome))

    def _usable_camera(self, width: int, height: int, config: NodeConfig) -> Camera | None:
        """The calibration if it is of this image size, else the fallback, else None."""
        with self._lock:
            camera = self._camera
        if camera is not None and (camera.width, camera.height) == (width, height):
            return camera
        if config.fallback_hfov > 0:
            return Camera.from_field_of_view(width, height, config.fallback_hfov)
        return None

    def _range(self, outcome: Outcome, camera: Camera, truncated: bool,
               config: NodeConfig) -> tuple[float, float, int]:
        box = outcome.result.box
        depth = self._matching_depth(outcome, config)
        if depth is not None:
            distance, deviation = bearing.range_from_depth(camera, box, depth, config.depth_max)
            if math.isfinite(distance):
                return distance, deviation, RANGE_DEPTH
        if config.target_height > 0 and not truncated:
            distance, deviation = bearing.range_from_height(camera, box, config.target_height)
            if math.isfinite(distance):
                return distance, deviation, RANGE_KNOWN_HEIGHT
        return math.nan, math.nan, RANGE_NONE

    def _matching_depth(self, outcome: Outcome, config: NodeConfig) -> np.ndarray | None:
        """The depth image of the nearest stamp, if it is of the same moment, place and size."""
        with self._lock:
            kept = list(self._depths)
        if not config.use_depth or not kept:
            return None
        header = outcome.frame.msg.header
        taken = stamp_seconds(header.stamp)
        stamp, frame_id, depth = min(kept, key=lambda entry: abs(entry[0] - taken))
        if abs(stamp - taken) > config.depth_slop:
            return None
        if depth.shape != outcome.image.shape[:2] or frame_id != header.frame_id:
            return None
        return depth

    def _rate(self, outcome: Outcome, angle: float) -> float:
        """Change of the bearing since the last image of this target, rad/s."""
        last, self._last = self._last, (outcome.frame.stamp, angle, outcome.target_id)
        if last is None or last[2] != outcome.target_id:
            return math.nan
        gap = outcome.frame.stamp - last[0]
        return (angle - last[1]) / gap if 0 < gap <= MAX_RATE_GAP else math.nan

    def _velocity(self, outcome: Outcome) -> tuple[float, float]:
        """Pixels per second, from the displacement per frame and the time between frames."""
        stamp, self._last_stamp = self._last_stamp, outcome.frame.stamp
        gap = outcome.frame.stamp - stamp
        if not 0 < gap <= MAX_RATE_GAP:
            return 0.0, 0.0
        dx, dy = outcome.result.velocity
        return dx / gap, dy / gap
