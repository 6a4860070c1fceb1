"""Reading images, and cutting square windows out of them: the same for tracking and training."""

from __future__ import annotations

import math
from pathlib import Path
import re

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import CropWindow

DECODE_ERRORS = cv2.error, MemoryError
"""Raised for a header that gives more pixels than OpenCV takes, or than fit into memory."""
IMAGE_SUFFIXES = frozenset(
    ('.bmp', '.jpeg', '.jpg', '.png', '.pgm', '.ppm', '.tif', '.tiff', '.webp'))


def list_images(folder: Path) -> tuple[Path, ...]:
    """The image files of a folder in natural order of their names: 2.jpg comes before 10.jpg.

    Raises:
        OSError: the folder cannot be listed.
    """
    return tuple(sorted(
        (path for path in folder.iterdir()
         if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.')),
        key=natural_key))


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Sort key by which numbers inside names count as numbers, and capitals only in a tie."""
    parts = re.split(r'(\d+)', path.name.lower())
    return ([(0, int(part), '') if part.isdecimal() else (1, 0, part) for part in parts],
            path.name)


def read_image(path: str | Path) -> np.ndarray:
    """Read an image file as H x W x 3 uint8 BGR.

    Raises:
        InputError: the file is missing or no image.
    """
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except DECODE_ERRORS:
        image = None
    if image is None:
        raise InputError(f'cannot read an image from {path}')
    return image


def check_image(image: np.ndarray) -> np.ndarray:
    """Return the image if it is H x W x 3 uint8 with pixels.

    Raises:
        InputError: it is anything else.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 \
            or image.shape[2] != 3 or image.size == 0:
        shape = getattr(image, 'shape', None)
        dtype = getattr(image, 'dtype', type(image).__name__)
        raise InputError(f'an image must be H x W x 3 uint8 (BGR), got shape {shape}, {dtype}')
    return image


def mean_colour(image: np.ndarray) -> tuple[float, float, float]:
    """Mean of each channel: the fill outside the image (taken from the first frame only)."""
    blue, green, red, _ = cv2.mean(image)
    return blue, green, red


def crop(image: np.ndarray, window: CropWindow, fill: tuple[float, float, float]) -> np.ndarray:
    """Resample a window to its patch, exact to sub-pixels.

    Args:
        image: H x W x 3 uint8.
        window: which square of the image, and the patch side S it becomes.
        fill: colour outside the image.

    Returns:
        S x S x 3 uint8. Continuous patch and image coordinates are related by
        ``window.to_image`` without any offset.
    """
    step = window.side / window.patch_side
    left, top = window.centre_x - window.side / 2, window.centre_y - window.side / 2
    matrix = np.array([
        [step, 0, left + step / 2 - 0.5],
        [0, step, top + step / 2 - 0.5]])
    return warp(image, matrix, window.patch_side, fill)


def warp(image: np.ndarray, matrix: np.ndarray, side: int, fill: tuple[float, float, float],
         backdrop: np.ndarray | None = None) -> np.ndarray:
    """Bilinear resampling to side x side; ``matrix`` (2 x 3) maps patch indices to image indices.

    Outside the image lies ``fill``, or the ``backdrop`` (side x side x 3) where one is given.
    """
    factor = int(min(math.hypot(*column) for column in matrix[:, :2].T.tolist()))
    if factor >= 2:
        image, matrix = _shrunk(image, matrix, side, factor)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if backdrop is not None:
        return cv2.warpAffine(
            image, matrix, (side, side), dst=backdrop.copy(), flags=flags,
            borderMode=cv2.BORDER_TRANSPARENT)
    return cv2.warpAffine(
        image, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)


def crop_as_authors(image: np.ndarray, window: CropWindow,
                    fill: tuple[float, float, float]) -> np.ndarray:
    """The released tracker's crop: rounded corner, side truncated, resized (for parity runs).

    Its patch shows the target about 0.7 image pixels off the exact window's place.
    """
    side = max(1, int(window.side))
    half = (window.side + 1) / 2
    left, top = round(window.centre_x - half), round(window.centre_y - half)
    colour = tuple(float(int(value)) for value in fill)
    height, width = image.shape[:2]
    cut = np.empty((side, side, 3), np.uint8)
    cut[:] = np.array(colour, np.uint8)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x1 > x0 and y1 > y0:
        cut[y0 - top:y1 - top, x0 - left:x1 - left] = image[y0:y1, x0:x1]
    return cv2.resize(cut, (window.patch_side, window.patch_side))


CROPS = {'exact': crop, 'authors': crop_as_authors}


def _shrunk(image: np.ndarray, matrix: np.ndarray, side: int,
            factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Average blocks of factor x factor pixels under the patch, so that it is not undersampled.

    Returns the smaller image and the matrix that leads into it.
    """
    corners = matrix @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]])
    limit = np.array(image.shape[1::-1])
    low = np.clip(np.floor(corners.min(1)).astype(int) - factor, 0, limit) // factor * factor
    high = np.clip(np.ceil(corners.max(1)).astype(int) + factor, 0, limit)
    blocks = (high - low) // factor
    if blocks.min() < 1:
        return image, matrix
    end = low + blocks * factor
    small = cv2.resize(
        image[low[1]:end[1], low[0]:end[0]], (int(blocks[0]), int(blocks[1])),
        interpolation=cv2.INTER_AREA)
    moved = matrix / factor
    moved[:, 2] = (matrix[:, 2] + 0.5 - low) / factor - 0.5
    return small, moved
