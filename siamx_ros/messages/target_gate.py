"""What a box must be to be the target: as far away, as large and of such colours as that can be."""

from __future__ import annotations

import math

import numpy as np

from siamx_ros.control import bearing
from siamx_ros.control.camera_model import CameraModel
from siamx_ros.control.range_gate import RangeGate
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.target_colours import TargetColours, colours
from siamx_ros.node_config import NodeConfig
from siamx_ros.reduced_image import AnyImage

LEAST_SHARE, LEAST_OTHERS = 0.3, 0.5
"""A box is not the target's if of the depth in its middle a smaller share than the first is where
the target can be, and what is elsewhere fills the second: dark clothes may have no depth at all."""
HALF_A_BODY = 0.4
"""How much nearer or farther than its middle a part of the target may be, metres."""
SURELY_S = 0.15
"""What goes on within so many seconds, as large as it was, is the same whatever its colours: light
and side change."""


class TargetGate:
    """Knows one target by what depth images show of it."""

    def __init__(self) -> None:
        self._range, self._colours = RangeGate(), TargetColours()

    def clear(self) -> None:
        """Forget the target."""
        self._range.clear()
        self._colours.clear()

    def see(self, stamp: float, distance: float, deviation: float) -> None:
        """Take a range in metres that is surely the target's."""
        self._range.see(stamp, distance, deviation)

    def learn(self, image: AnyImage, depth: np.ndarray, camera: CameraModel, box: BoundingBox,
              distance: float) -> None:
        """Take the look of a whole box that is surely the target's, at a distance in metres."""
        size = _size(camera, box, distance)
        self._range.learn(*size)
        seen = _colours(image, depth, camera, box, distance)
        if seen is not None and self._range.usual(*size):
            self._colours.learn(seen)

    def reachable(self, ranges: np.ndarray, stamp: float) -> np.ndarray:
        """Those ranges, metres, at which the target can be."""
        low, high = self._range.bounds(stamp)
        return ranges[(low <= ranges) & (ranges <= high)]

    def allows(self, box: BoundingBox, image: AnyImage, depth: np.ndarray, stamp: float,
               camera: CameraModel, config: NodeConfig) -> bool:
        """Whether the target can be what a box shows; a box without any depth may be."""
        ranges = bearing.ranges_from_depth(camera, box, depth, config.depth_max)
        inside = self.reachable(ranges, stamp)
        known = np.count_nonzero(np.isfinite(ranges))
        if (inside.size < LEAST_SHARE * known
                and known - inside.size >= LEAST_OTHERS * ranges.size):
            return False
        distance, _ = bearing.middle_and_spread(inside)
        cut, gap = bearing.is_truncated(box, camera.width, camera.height), self._range.gap(stamp)
        size = _size(camera, box, distance)
        if not self._range.fits(stamp, *size, cut=cut):
            return False
        if gap < SURELY_S and (cut or self._range.usual(*size)):
            return True
        if cut:
            box = _completed(box, camera, self._range.usual_size[1] / size[1])
        seen = _colours(image, depth, camera, box, distance)
        return seen is None or self._colours.alike(seen, gap)


def _size(camera: CameraModel, box: BoundingBox, distance: float) -> tuple[float, float]:
    return (bearing.width_at_range(camera, box, distance),
            bearing.height_at_range(camera, box, distance))


def _completed(box: BoundingBox, camera: CameraModel, times: float) -> BoundingBox | None:
    """A box whose upper or lower end the image cuts off, made so many times as tall; None for both.

    None also where it is not known how tall the target is.
    """
    above, below = box.y < bearing.BORDER, box.y + box.h > camera.height - bearing.BORDER
    if above and below or not math.isfinite(times):
        return None
    height = box.h * times if above or below else box.h
    top = box.y + box.h - height if above else box.y
    return BoundingBox(box.x, top, box.w, height)


def _colours(image: AnyImage, depth: np.ndarray, camera: CameraModel, box: BoundingBox | None,
             distance: float) -> np.ndarray | None:
    if box is None:
        return None
    _, _, middle = bearing.position(camera.ray(*box.centre), distance)
    return colours(image, depth, box, (middle - HALF_A_BODY, middle + HALF_A_BODY))
