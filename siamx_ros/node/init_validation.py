"""Which boxes are accepted as targets, and the numbered reasons for which others are refused."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import MIN_VISIBLE, BoundingBox, context_side
from siamx_ros.messages.from_msg import MAX_THETA
from siamx_ros.node_config import NodeConfig
from siamx_ros.srv import InitTarget

Code = InitTarget.Response


class Refusal(InputError):
    """A request that is answered with an error code of InitTarget."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_numbers(request: Any) -> None:
    """Check what can be checked without an image.

    Raises:
        Refusal: rotated, not finite, without extent, or of an image with one side only.
    """
    box = request.bbox
    if not abs(box.center.theta) <= MAX_THETA:
        raise Refusal(Code.BBOX_ROTATED, f'rotated boxes are not supported (theta '
                      f'{box.center.theta:g})')
    numbers = [box.center.position.x, box.center.position.y, box.size_x, box.size_y]
    if not all(map(math.isfinite, numbers)) or min(numbers[2:]) <= 0:
        raise Refusal(Code.BBOX_INVALID,
                      f'the box needs finite numbers and a positive size, got {numbers}')
    if bool(request.image_width) != bool(request.image_height):
        raise Refusal(Code.BBOX_INVALID, 'image_width and image_height must both be given or both '
                      f'be 0, got {request.image_width} and {request.image_height}')


def box_on_image(request: Any, image: np.ndarray, config: NodeConfig) -> BoundingBox:
    """The box of a request in pixels of the camera's image.

    Args:
        request: InitTarget request whose numbers were checked.
        image: H x W x 3 uint8 BGR, the image on which the box lies.
        config: smallest size and contrast.

    Raises:
        Refusal: too small, less than half inside the image, or nothing to recognise in it.
    """
    height, width = image.shape[:2]
    fx = width / request.image_width if request.image_width else 1.0
    fy = height / request.image_height if request.image_height else 1.0
    box = request.bbox
    cx, cy = box.center.position.x * fx, box.center.position.y * fy
    w, h = box.size_x * fx, box.size_y * fy
    if min(w, h) < config.min_box_size:
        raise Refusal(Code.BBOX_TOO_SMALL, f'the box is {w:g}x{h:g} px, at least '
                      f'{config.min_box_size:g} px are needed')
    inside = _overlap(cx, w, width) * _overlap(cy, h, height)
    if inside < MIN_VISIBLE:
        raise Refusal(Code.BBOX_OUT_OF_IMAGE, f'{inside:.0%} of the box lie inside the image of '
                      f'{width}x{height} px, at least {MIN_VISIBLE:.0%} are needed')
    accepted = BoundingBox.from_centre(cx, cy, w, h)
    found = contrast(image, accepted)
    if found < config.min_contrast:
        raise Refusal(Code.LOW_TEXTURE, f'the box and its surroundings have a contrast of '
                      f'{found:.1f} grey levels, at least {config.min_contrast:g} are needed')
    return accepted


def contrast(image: np.ndarray, box: BoundingBox) -> float:
    """Standard deviation, in grey levels, of what the tracker's template would hold.

    The window is the box with its surroundings; a light blur keeps sensor noise from counting.
    """
    side = context_side(box.w, box.h)
    window = BoundingBox.from_centre(*box.centre, side, side)
    x0, y0, x1, y1 = window.clipped(image.shape[1], image.shape[0]).corners
    part = image[math.floor(y0):math.ceil(y1), math.floor(x0):math.ceil(x1)]
    if max(part.shape[:2]) > 128:
        scale = 128 / max(part.shape[:2])
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(cv2.blur(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), (3, 3)).std())


def _overlap(centre: float, size: float, length: int) -> float:
    """Share of an interval that lies within 0 to ``length``; any finite numbers are safe."""
    low, high = max(centre - size / 2, 0.0), min(centre + size / 2, float(length))
    return max(0.0, high - low) / size
