"""Direction and distance of a target from its box and the camera's calibration.

Camera frame as in REP 103: x right, y down, z forward. Angles are those of a robot:
bearing positive to the left, elevation positive upwards, radians.
"""

from __future__ import annotations

import math

import numpy as np

from siamx_ros.control.box_height import MAD_TO_SIGMA, Height
from siamx_ros.control.camera_model import CameraModel
from siamx_ros.geometry import BoundingBox

INNER_SHARE = 0.5
"""Share of the box, about its centre, whose depth counts."""
BORDER = 1.0
"""A box within so many pixels of the border is cut off by it."""
EDGE_ERROR = 2.0
"""Deviation of a measured box height in the image, pixels."""


def angles(ray: tuple[float, float]) -> tuple[float, float]:
    """Bearing (positive left) and elevation (positive up) of a ray, radians."""
    return -math.atan(ray[0]), -math.atan2(ray[1], math.hypot(1.0, ray[0]))


def is_truncated(box: BoundingBox, width: int, height: int, margin: float = BORDER) -> bool:
    """Whether a box reaches the image border, so that its size cannot be trusted."""
    x0, y0, x1, y1 = box.corners
    return x0 < margin or y0 < margin or x1 > width - margin or y1 > height - margin


def range_from_height(camera: CameraModel, box: BoundingBox,
                      height: Height) -> tuple[float, float]:
    """Straight distance and its deviation, metres, of a box whose height in metres is known.

    The deviation holds that of the box's edges in the image and that of the height: a box may hold
    more or less of the target than it is thought to.

    NaN where the rays through its upper and lower edge are not known.
    """
    spread = _spread(camera, box)
    depth = height.metres / spread if spread > 0 else math.nan
    distance = depth * _stretch(camera.ray(*box.centre))
    return distance, distance * math.hypot(EDGE_ERROR / box.h, height.error)


def height_at_range(camera: CameraModel, box: BoundingBox, distance: float) -> float:
    """Height in metres of a box at a straight distance; NaN where it is not known."""
    return _spread(camera, box) * distance / _stretch(camera.ray(*box.centre))


def width_at_range(camera: CameraModel, box: BoundingBox, distance: float) -> float:
    """Width in metres of a box at a straight distance; NaN where it is not known."""
    left, right, middle = box.x, box.x + box.w, box.centre[1]
    across = camera.ray(right, middle)[0] - camera.ray(left, middle)[0]
    return across * distance / _stretch(camera.ray(*box.centre))


def ranges_from_depth(camera: CameraModel, box: BoundingBox, depth: np.ndarray,
                      largest: float) -> np.ndarray:
    """Straight distances, metres, of what the inner box shows in a registered depth image.

    Args:
        depth: H x W metres; NaN, 0 and values beyond ``largest`` do not count.

    Returns:
        One for each pixel, NaN where its depth is not known.
    """
    w, h = box.w * INNER_SHARE, box.h * INNER_SHARE
    cx, cy = box.centre
    x0, y0 = max(0, int(cx - w / 2)), max(0, int(cy - h / 2))
    x1, y1 = max(x0 + 1, math.ceil(cx + w / 2)), max(y0 + 1, math.ceil(cy + h / 2))
    inner = depth[y0:y1, x0:x1]
    known = (inner > 0) & (inner <= largest)
    return np.where(known, inner, np.nan).ravel() * _stretch(camera.ray(*box.centre))


def middle_and_spread(ranges: np.ndarray) -> tuple[float, float]:
    """The median of the known ranges and their deviation, metres; (NaN, NaN) of none."""
    ranges = ranges[np.isfinite(ranges)]
    if ranges.size == 0:
        return math.nan, math.nan
    middle = float(np.median(ranges))
    return middle, max(MAD_TO_SIGMA * float(np.median(np.abs(ranges - middle))), 1e-3)


def position(ray: tuple[float, float], distance: float) -> tuple[float, float, float]:
    """Point (x, y, z) in metres at a straight distance along a ray, camera frame."""
    depth = distance / _stretch(ray)
    return ray[0] * depth, ray[1] * depth, depth


def _spread(camera: CameraModel, box: BoundingBox) -> float:
    """Height of a box per unit of depth."""
    middle, top, bottom = box.centre[0], box.y, box.y + box.h
    return camera.ray(middle, bottom)[1] - camera.ray(middle, top)[1]


def _stretch(ray: tuple[float, float]) -> float:
    """Straight distance per unit of depth."""
    return math.sqrt(1 + ray[0] ** 2 + ray[1] ** 2)
