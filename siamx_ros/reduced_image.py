"""Means of blocks of pixels in place of an image's own, where a target in it is large."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Sequence

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import CropWindow

FLAGS = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
         8: cv2.IMREAD_REDUCED_COLOR_8}
"""Side of a block -> OpenCV's flag for it; a JPEG file's own blocks have 8 x 8 pixels."""


@dataclass(frozen=True)
class ReducedImage:
    """What is known of an image: a mean for each block of factor x factor pixels.

    Attributes:
        pixels: uint8 BGR, one for each block, with those that lie partly outside.
        factor: side of a block, pixels.
        size: width and height of the image, pixels.
    """

    pixels: np.ndarray
    factor: int
    size: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the image, as an array of all its pixels has them."""
        return self.size[1], self.size[0], 3


AnyImage = np.ndarray | ReducedImage
"""H x W x 3 uint8 BGR, or blocks of such pixels."""


def all_pixels(image: AnyImage) -> np.ndarray:
    """The image, which must not be one of blocks.

    Raises:
        InputError: it is.
    """
    if isinstance(image, ReducedImage):
        raise InputError('this needs an image with all its pixels, got one of blocks of '
                         f'{image.factor} x {image.factor} pixels')
    return image


def pixels_of(image: AnyImage, window: CropWindow) -> tuple[np.ndarray, CropWindow]:
    """The pixels that there are, and a window of the image in terms of them."""
    if isinstance(image, ReducedImage):
        return image.pixels, window.reduced(image.factor)
    return image, window


def area_of(image: AnyImage, centre: tuple[float, float],
            size: tuple[float, float]) -> tuple[np.ndarray, tuple[float, ...], tuple[float, ...]]:
    """The pixels that there are, and centre and size of an area in terms of them."""
    if not isinstance(image, ReducedImage):
        return image, centre, size
    factor = image.factor
    return image.pixels, (centre[0] / factor, centre[1] / factor), (
        size[0] / factor, size[1] / factor)


def largest_factor(step: float) -> int:
    """Side of the largest blocks that are enough where ``step`` pixels a side become one."""
    return max((factor for factor in FLAGS if factor <= step), default=1)


def decode_reduced(data: bytes, size: tuple[int, int], factor: int) -> ReducedImage | None:
    """Decode a JPEG file to blocks, in less time than to pixels; None where OpenCV cannot.

    They lie as they are stored, whatever the EXIF orientation.

    Args:
        size: width and height that its header gives.
        factor: side of a block, one of :data:`FLAGS`.
    """
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8),
                              FLAGS[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    except (cv2.error, MemoryError):
        return None
    if pixels is None or pixels.shape[1::-1] != tuple(-(-side // factor) for side in size):
        return None
    return ReducedImage(pixels, factor, size)


def halvings(step: float) -> int:
    """How often an image is halved of which every ``step`` pixels become one."""
    return max(0, int(math.log2(step)))


def halved(pixels: np.ndarray, times: int) -> np.ndarray:
    """The mean of every two by two pixels, so often: by far the fastest averaging."""
    for _ in range(times):
        height, width = pixels.shape[:2]
        pixels = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return pixels


def shrunk(image: np.ndarray, matrix: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Halve what lies under the patch while it would be undersampled.

    Returns the smaller image and the matrix that leads into it; both as they are if need be.
    """
    times = halvings(min(math.hypot(*column) for column in matrix[:, :2].T.tolist()))
    if not times:
        return image, matrix
    factor = 2 ** times
    corners = matrix @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]])
    limit = np.array(image.shape[1::-1])
    low = np.clip(np.floor(corners.min(1)).astype(int) - factor, 0, limit) // factor * factor
    high = np.clip(np.ceil(corners.max(1)).astype(int) + factor, 0, limit)
    blocks = (high - low) // factor
    if blocks.min() < 1:
        return image, matrix
    end = low + blocks * factor
    small = halved(image[low[1]:end[1], low[0]:end[0]], times)
    moved = matrix / factor
    moved[:, 2] = (matrix[:, 2] + 0.5 - low) / factor - 0.5
    return small, moved


def area_around(image: np.ndarray, corner: Sequence[int], size: Sequence[int],
                fill: tuple[float, float, float], times: int = 0) -> np.ndarray:
    """A rectangle that touches the image, ``fill`` outside; a view where all of it is inside.

    Args:
        times: how often it is halved, before most of what is outside is added; its sides are
            multiples of 2 to the power of this.
    """
    spans, borders, block = [], [], 2 ** times
    for low, length, limit in zip(corner, size, image.shape[1::-1]):
        first = min(max(low, 0), limit - 1)
        last = max(min(low + length, limit), first + 1)
        before = min(max(first - low, 0), length - (last - first))
        spans.append(slice(first, last))
        borders.append((before, length - (last - first) - before))
    near = [tuple(width % block for width in each) for each in borders]
    far = [tuple(width // block for width in each) for each in borders]
    inside = _bordered(image[spans[1], spans[0]], near, fill)
    return _bordered(halved(inside, times), far, fill)


def _bordered(pixels: np.ndarray, borders: Sequence[tuple[int, ...]],
              fill: tuple[float, float, float]) -> np.ndarray:
    """Pixels with so many more before and after them, in x and in y."""
    if not any(sum(borders, ())):
        return pixels
    return cv2.copyMakeBorder(
        pixels, *borders[1], *borders[0], cv2.BORDER_CONSTANT, value=fill)
