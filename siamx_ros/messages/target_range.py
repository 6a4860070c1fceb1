"""How far the target is: by depth images that come when they come, else by the box's height."""

from __future__ import annotations

from collections import deque
import math
from threading import Lock
from typing import Callable, NamedTuple

import numpy as np

from siamx_ros.control import bearing
from siamx_ros.control.box_height import BoxHeight, Height
from siamx_ros.control.camera_model import CameraModel, same_frame
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.outcome import Outcome
from siamx_ros.messages.target_gate import TargetGate
from siamx_ros.node_config import NodeConfig
from siamx_ros.reduced_image import AnyImage

RANGE_NONE, RANGE_DEPTH, RANGE_KNOWN_HEIGHT = range(3)
DEPTHS = 10
"""Depth images that are kept: newer ones arrive while an image is tracked."""
BOXES = 30
"""Boxes that are kept, to look under the one of a depth image's own moment."""
CLOSING_SPEED = 1.5
"""Deviation of how fast target and camera near each other, m/s: what a depth image's age costs."""


class Range(NamedTuple):
    """Straight distance and its deviation in metres, NaN where it is not known."""

    distance: float = math.nan
    deviation: float = math.nan
    source: int = RANGE_NONE


class DepthMatch(NamedTuple):
    """The depth image for one image.

    Attributes:
        depth: H x W metres, None where none fits; ``misfit`` then says why.
        box: the target's at the depth image's moment.
        gap: between the two moments, seconds.
    """

    depth: np.ndarray | None
    box: BoundingBox
    gap: float
    misfit: str


class RangeFinder:
    """Keeps the newest depth images, the newest boxes and the height of the target's box.

    :meth:`set_depth` may be called from another thread than the other methods.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._depths: deque[tuple[float, str, np.ndarray]] = deque(maxlen=DEPTHS)
        self._boxes: deque[tuple[float, BoundingBox]] = deque(maxlen=BOXES)
        self._target_id = ''
        self._height = BoxHeight()
        self._gate = TargetGate()

    def set_depth(self, stamp: float, frame_id: str, depth: np.ndarray) -> None:
        """Take a depth image, H x W metres, registered to the colour image."""
        with self._lock:
            self._depths.append((stamp, frame_id, depth))

    def begin(self, target_id: str) -> None:
        """Forget the target of before: another one was given."""
        self._target_id = target_id
        self._height.clear()
        self._gate.clear()
        self._boxes.clear()

    def match(self, outcome: Outcome, config: NodeConfig) -> DepthMatch:
        """The depth image of the nearest stamp, if it fits the outcome's image.

        The one of an image's own moment may not have arrived yet: one from before is then used,
        under the box of its own moment, and its age counts in the deviation.
        """
        box, taken = outcome.result.box, outcome.frame.stamp
        self._note_box(outcome)
        if not config.use_depth:
            return DepthMatch(None, box, math.nan, '')
        with self._lock:
            kept = list(self._depths)
        if not kept:
            return DepthMatch(None, box, math.nan, 'no depth image has arrived')
        stamp, frame_id, depth = min(kept, key=lambda entry: abs(entry[0] - taken))
        gap = abs(stamp - taken)
        misfit = _misfit(outcome, depth, frame_id, gap, config)
        _, then = min(self._boxes, key=lambda entry: abs(entry[0] - stamp))
        return DepthMatch(None if misfit else depth, then, gap, misfit)

    def range(self, outcome: Outcome, camera: CameraModel, match: DepthMatch, *,
              truncated: bool, config: NodeConfig) -> Range:
        """The distance of the outcome's box: by depth, else by the height of its box."""
        box = outcome.result.box
        if match.depth is not None:
            found = self._by_depth(outcome, camera, match, truncated=truncated, config=config)
            if found.source != RANGE_NONE:
                return found
        height = self._height.height
        if not height.known and config.target_height > 0:
            height = Height(config.target_height, config.target_height_error)
        if height.known and not truncated:
            distance, deviation = bearing.range_from_height(camera, box, height)
            if math.isfinite(distance):
                return Range(distance, deviation, RANGE_KNOWN_HEIGHT)
        return Range()

    def gate(self, image: AnyImage, stamp: float, camera: CameraModel,
             config: NodeConfig) -> Callable[[BoundingBox], bool] | None:
        """Whether the target can be what a box of an image shows; None: nobody knows."""
        with self._lock:
            kept = list(self._depths)
        if not (config.use_depth and config.depth_gate and kept):
            return None
        taken, _, depth = min(kept, key=lambda entry: abs(entry[0] - stamp))
        if (abs(taken - stamp) > max(config.depth_max_age, config.depth_slop)
                or depth.shape != image.shape[:2]):
            return None
        return lambda box: self._gate.allows(box, image, depth, stamp, camera, config)

    def _by_depth(self, outcome: Outcome, camera: CameraModel, match: DepthMatch, *,
                  truncated: bool, config: NodeConfig) -> Range:
        """The distance by depth, of which the gate learns."""
        stamp, valid = outcome.frame.stamp, outcome.result.valid
        ranges = bearing.ranges_from_depth(camera, match.box, match.depth, config.depth_max)
        if config.depth_gate:
            ranges = self._gate.reachable(ranges, stamp)
        distance, deviation = bearing.middle_and_spread(ranges)
        if not math.isfinite(distance):
            return Range()
        deviation = math.hypot(deviation, CLOSING_SPEED * match.gap)
        if valid:
            self._gate.see(stamp, distance, deviation)
        if valid and not truncated and match.gap <= config.depth_slop:
            self._height.learn(bearing.height_at_range(camera, outcome.result.box, distance))
            self._gate.learn(outcome.image, match.depth, camera, outcome.result.box, distance)
        return Range(distance, deviation, RANGE_DEPTH)

    def _note_box(self, outcome: Outcome) -> None:
        if outcome.target_id != self._target_id:
            self.begin(outcome.target_id)
        self._boxes.append((outcome.frame.stamp, outcome.result.box))


def _misfit(outcome: Outcome, depth: np.ndarray, frame_id: str, gap: float,
            config: NodeConfig) -> str:
    """Why a depth image does not fit, empty where it does."""
    (height, width), its_frame = outcome.image.shape[:2], outcome.frame.msg.header.frame_id
    if depth.shape != (height, width):
        return f'depth is {depth.shape[1]}x{depth.shape[0]}, the images are {width}x{height}'
    if not same_frame(frame_id, its_frame):
        return f'depth is in frame {frame_id!r}, the images in {its_frame!r}'
    largest = max(config.depth_max_age, config.depth_slop)
    if gap > largest:
        return (f'the nearest depth image is {gap:.3f} s away from the image, more than '
                f'{largest:g} s (depth_max_age)')
    return ''
