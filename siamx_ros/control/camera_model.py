"""From image points to rays: the model of a camera, and whether a camera_info is the images'.

The one rule for the node and for replayed bags.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Any

import cv2
import numpy as np

from siamx_ros.errors import InputError

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
class CameraModel:
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
    def from_calibration(cls, width: int, height: int, k, d, model: str) -> CameraModel:
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
    def from_projection(cls, width: int, height: int, p) -> CameraModel:
        """Of rectified images, from P of a camera_info message: no distortion is left in them.

        The fourth column, where a stereo camera's other eye is, does not turn a ray.

        Raises:
            InputError: P is not filled in, or a number is not finite.
        """
        matrix = np.array(p, np.float64).reshape(3, 4)[:, :3]
        _check(width, height, matrix, 'P')
        return cls(int(width), int(height), matrix, np.zeros(0))

    @classmethod
    def from_field_of_view(cls, width: int, height: int, degrees: float) -> CameraModel:
        """A pinhole camera of a horizontal field of view, square pixels, no distortion."""
        focal = width / 2 / math.tan(math.radians(degrees) / 2)
        matrix = np.array([[focal, 0, width / 2 - 0.5], [0, focal, height / 2 - 0.5], [0, 0, 1]])
        return cls(width, height, matrix, np.zeros(0))

    @classmethod
    def from_camera_info(cls, info: Any, width: int, height: int, frame_id: str, *,
                         rectified: bool = False) -> CameraModel:
        """The camera that took an image, by a camera_info message of ROS 2 or ROS 1.

        Binning and region of interest of the message are applied, as sensor_msgs defines them: K
        and P are those of the full sensor.

        Args:
            width, height: of the image, pixels.
            frame_id: of the image's header; an empty one, here or in ``info``, fits any.
            rectified: whether the image is, so that P holds instead of K and D.

        Raises:
            InputError: the message is another camera's, for another size, or not calibrated.
        """
        its_frame = info.header.frame_id
        if not same_frame(its_frame, frame_id):
            raise InputError(
                f'camera_info is in frame {its_frame!r}, the images in {frame_id!r}')
        if rectified:
            full = cls.from_projection(info.width, info.height, _field(info, 'p'))
        else:
            full = cls.from_calibration(info.width, info.height, _field(info, 'k'),
                                        _field(info, 'd'), info.distortion_model)
        return full._windowed(_Window.of(info), width, height)

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

    def _windowed(self, window: _Window, width: int, height: int) -> CameraModel:
        """The model of the part of the sensor that the image shows; raises if it is another."""
        bins = np.array([window.binning_x, window.binning_y])
        missing = np.array([window.width, window.height]) - bins * (width, height)
        if not (np.abs(missing) < bins).all():
            raise InputError(f'camera_info is for {window}, the images are {width}x{height}')
        matrix = self.matrix.copy()
        corner = np.array([window.x, window.y])
        matrix[:2] /= bins[:, None]
        matrix[:2, 2] = (self.matrix[:2, 2] + 0.5 - corner) / bins - 0.5
        return CameraModel(width, height, matrix, self.distortion, self.fisheye)


@dataclass(frozen=True)
class _Window:
    """The part of a sensor that is read out, in its full pixels, and how many become one."""

    x: int
    y: int
    width: int
    height: int
    binning_x: int
    binning_y: int

    @classmethod
    def of(cls, info: Any) -> _Window:
        """Of a camera_info message, in which zeros mean the whole sensor and no binning."""
        roi = info.roi
        whole = not (roi.width and roi.height)
        x, y, width, height = map(int, (0, 0, info.width, info.height) if whole else (
            roi.x_offset, roi.y_offset, roi.width, roi.height))
        if x + width > info.width or y + height > info.height:
            raise InputError(f'the region of interest of camera_info, {width}x{height} at ({x}, '
                             f'{y}), does not lie in its {info.width}x{info.height}')
        return cls(x, y, width, height, max(1, int(info.binning_x)), max(1, int(info.binning_y)))

    def __str__(self) -> str:
        size = f'{self.width // self.binning_x}x{self.height // self.binning_y}'
        if self.binning_x > 1 or self.binning_y > 1:
            size += f' (binning {self.binning_x}x{self.binning_y} of {self.width}x{self.height})'
        return size


def same_frame(first: str, second: str) -> bool:
    """Whether two frame_ids may name one frame: equal but for ROS 1's leading slash, or empty."""
    first, second = first.lstrip('/'), second.lstrip('/')
    return not first or not second or first == second


def _field(info: Any, name: str) -> Any:
    """A field that ROS 1 writes as a capital."""
    return getattr(info, name) if hasattr(info, name) else getattr(info, name.upper())


def _check(width: int, height: int, matrix: np.ndarray, name: str, distortion=()) -> None:
    if not (np.isfinite(matrix).all() and np.isfinite(distortion).all()):
        raise InputError('camera_info holds numbers that are not finite')
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or width <= 0 or height <= 0:
        raise InputError(
            f'camera_info is not calibrated: focal length in {name} or size is not positive')
