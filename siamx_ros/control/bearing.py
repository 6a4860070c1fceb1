"""Direction and distance of a target from its box and the camera's calibration.

Camera frame as in REP 103: x right, y down, z forward. Angles are given to the robot's liking:
bearing positive to the left, elevation positive upwards, radians.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox

INNER_SHARE = 0.5
"""Share of the box, about its centre, whose depth counts."""
MAD_TO_SIGMA = 1.4826
EDGE_ERROR = 2.0
"""Deviation of a measured box height, pixels."""
INVERSION_ERROR = 0.1
"""Largest distance of a point from the one that its ray is seen at, pixels."""
UNTIL = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 100, 1e-3)
"""When the search for a ray ends: OpenCV's own five steps are too few for wide lenses."""
undistort_points = getattr(cv2, 'undistortPointsIter', cv2.undistortPoints)
"""What takes :data:`UNTIL` in OpenCV 4, and in 5."""
PINHOLE_MODELS = ('plumb_bob', 'rational_polynomial', 'thin_prism', 'brown_conrady', 'radtan')
FISHEYE_MODELS = ('equidistant', 'fisheye', 'kannala_brandt', 'kannala_brandt4')
COEFFICIENTS = (0, 4, 5, 8, 12, 14)
"""How many distortion coefficients OpenCV takes; a fisheye model has none or 4."""


@dataclass(frozen=True)
class Camera:
    """Intrinsics of a camera for images of width x height pixels.

    Attributes:
        matrix: 3 x 3 camera matrix.
        distortion: coefficients of the model; empty for none.
        fisheye: whether the model is equidistant instead of plumb_bob / rational_polynomial.
    """

    width: int
    height: int
    matrix: np.ndarray
    distortion: np.ndarray
    fisheye: bool = False

    @classmethod
    def from_calibration(cls, width: int, height: int, k, d, model: str) -> Camera:
        """From the fields of a camera_info message.

        Raises:
            InputError: the camera is not calibrated, a number is not finite, or the coefficients
                are not those of a model that is known.
        """
        matrix = np.array(k, np.float64).reshape(3, 3)
        distortion = np.array(d, np.float64)
        _check(width, height, matrix, 'K', distortion)
        fisheye = model.lower() in FISHEYE_MODELS
        if distortion.any() and not fisheye and model.lower() not in PINHOLE_MODELS:
            raise InputError(f'camera_info has the distortion model {model!r}; known: '
                             f'{", ".join(PINHOLE_MODELS + FISHEYE_MODELS)}')
        if distortion.size not in ((0, 4) if fisheye else COEFFICIENTS):
            raise InputError(f'camera_info has {distortion.size} distortion coefficients for the '
                             f'model {model!r}')
        if fisheye and not distortion.size:
            distortion = np.zeros(4)
        return cls(int(width), int(height), matrix, distortion, fisheye)

    @classmethod
    def from_projection(cls, width: int, height: int, p) -> Camera:
        """Of rectified images, from P of a camera_info message: no distortion is left in them.

        The fourth column, where a stereo camera's other eye is, does not turn a ray.

        Raises:
            InputError: P is not filled in, or a number is not finite.
        """
        matrix = np.array(p, np.float64).reshape(3, 4)[:, :3]
        _check(width, height, matrix, 'P')
        return cls(int(width), int(height), matrix, np.zeros(0))

    @classmethod
    def from_field_of_view(cls, width: int, height: int, degrees: float) -> Camera:
        """A pinhole camera of a horizontal field of view, square pixels, no distortion."""
        focal = width / 2 / math.tan(math.radians(degrees) / 2)
        matrix = np.array([[focal, 0, width / 2 - 0.5], [0, focal, height / 2 - 0.5], [0, 0, 1]])
        return cls(width, height, matrix, np.zeros(0))

    def ray(self, x: float, y: float) -> tuple[float, float]:
        """Slopes (X/Z, Y/Z) of the ray through an image point in continuous pixels.

        NaN where the model has no ray for the point, or one that does not lead forwards.
        """
        point = np.array([[[x - 0.5, y - 0.5]]])
        if self.fisheye:
            seen = cv2.fisheye.undistortPoints(point, self.matrix, self.distortion)
            back = cv2.fisheye.distortPoints(seen, self.matrix, self.distortion)
        else:
            distortion = self.distortion if self.distortion.size else None
            seen = undistort_points(
                point, self.matrix, distortion, R=None, P=None, criteria=UNTIL)
            back, _ = cv2.projectPoints(
                cv2.convertPointsToHomogeneous(seen), np.zeros(3), np.zeros(3), self.matrix,
                distortion)
        if not np.abs(back - point).max() < INVERSION_ERROR:
            return math.nan, math.nan
        return float(seen[0, 0, 0]), float(seen[0, 0, 1])


def angles(ray: tuple[float, float]) -> tuple[float, float]:
    """Bearing (positive left) and elevation (positive up) of a ray, radians."""
    return -math.atan(ray[0]), -math.atan2(ray[1], math.hypot(1.0, ray[0]))


def is_truncated(box: BoundingBox, width: int, height: int, margin: float = 1.0) -> bool:
    """Whether a box reaches the image border, so that its size cannot be trusted."""
    x0, y0, x1, y1 = box.corners
    return x0 < margin or y0 < margin or x1 > width - margin or y1 > height - margin


def range_from_height(camera: Camera, box: BoundingBox,
                      height: float) -> tuple[float, float]:
    """Straight distance and its deviation, metres, of a target of known height in metres.

    NaN where the rays through its upper and lower edge are not known.
    """
    middle, top, bottom = box.centre[0], box.y, box.y + box.h
    spread = camera.ray(middle, bottom)[1] - camera.ray(middle, top)[1]
    depth = height / spread if spread > 0 else math.nan
    distance = depth * _stretch(camera.ray(*box.centre))
    return distance, distance * EDGE_ERROR / box.h


def range_from_depth(camera: Camera, box: BoundingBox, depth: np.ndarray,
                     largest: float) -> tuple[float, float]:
    """Straight distance and its deviation, metres, from a registered depth image.

    Args:
        depth: H x W metres; NaN, 0 and values beyond ``largest`` do not count.

    Returns:
        (NaN, NaN) where the inner box holds no valid depth.
    """
    w, h = box.w * INNER_SHARE, box.h * INNER_SHARE
    cx, cy = box.centre
    x0, y0 = max(0, int(cx - w / 2)), max(0, int(cy - h / 2))
    x1, y1 = max(x0 + 1, math.ceil(cx + w / 2)), max(y0 + 1, math.ceil(cy + h / 2))
    inner = depth[y0:y1, x0:x1]
    valid = inner[np.isfinite(inner) & (inner > 0) & (inner <= largest)]
    if valid.size == 0:
        return math.nan, math.nan
    middle = float(np.median(valid))
    deviation = MAD_TO_SIGMA * float(np.median(np.abs(valid - middle)))
    stretch = _stretch(camera.ray(*box.centre))
    return middle * stretch, max(deviation * stretch, 1e-3)


def position(ray: tuple[float, float], distance: float) -> tuple[float, float, float]:
    """Point (x, y, z) in metres at a straight distance along a ray, camera frame."""
    depth = distance / _stretch(ray)
    return ray[0] * depth, ray[1] * depth, depth


def _check(width: int, height: int, matrix: np.ndarray, name: str, distortion=()) -> None:
    if not (np.isfinite(matrix).all() and np.isfinite(distortion).all()):
        raise InputError('camera_info holds numbers that are not finite')
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or width <= 0 or height <= 0:
        raise InputError(
            f'camera_info is not calibrated: focal length in {name} or size is not positive')


def _stretch(ray: tuple[float, float]) -> float:
    """Straight distance per unit of depth."""
    return math.sqrt(1 + ray[0] ** 2 + ray[1] ** 2)
