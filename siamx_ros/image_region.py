"""The pixels around a window, for a network's device to make the patch of."""

from __future__ import annotations

import math

import numpy as np

from siamx_ros.geometry import CropWindow
from siamx_ros.imaging import crop, matrix_of, whole_pixels
from siamx_ros.patch_geometry import MOST_PIXELS, Region
from siamx_ros.reduced_image import AnyImage, area_around, pixels_of, shrunk


def cut_region(image: AnyImage, window: CropWindow, fill: tuple[float, float, float]) -> Region:
    """What :func:`imaging.crop` makes the patch of, which becomes the same but for rounding.

    A very long window, which would be too many pixels, is cut here.

    Args:
        image: H x W x 3 uint8 BGR, or blocks of it.
        fill: colour outside the image.
    """
    pixels, inside = pixels_of(image, window)
    region = _on_pixels(pixels, inside, fill) if inside.is_on_pixels else _between(
        pixels, inside, fill)
    height, width = region.pixels.shape[:2]
    if height * width > MOST_PIXELS * region.side ** 2:
        return Region.of_patch(crop(image, window, fill))
    return region


def _on_pixels(image: np.ndarray, window: CropWindow, fill: tuple[float, float, float]) -> Region:
    """Of a window whose corners are those of pixels, beyond which nothing is looked at."""
    pixels, side = whole_pixels(image, window, fill), window.patch_side
    step_y, step_x = (length / side for length in pixels.shape[:2])
    return Region(pixels, (step_x / 2 - 0.5, step_y / 2 - 0.5), (step_x, step_y), side)


def _between(image: np.ndarray, window: CropWindow, fill: tuple[float, float, float]) -> Region:
    """Of any window; a line of ``fill`` stands for all that is outside on that side."""
    side = window.patch_side
    image, matrix = shrunk(image, matrix_of(window), side)
    steps, origins = matrix.diagonal().tolist(), matrix[:, 2].tolist()
    corner, size = zip(*(_span(*axis, side) for axis in zip(origins, steps, image.shape[1::-1])))
    pixels = area_around(image, corner, size, fill)
    return Region(pixels, (origins[0] - corner[0], origins[1] - corner[1]), tuple(steps), side)


def _span(origin: float, step: float, limit: int, side: int) -> tuple[int, int]:
    """First of the needed pixels of a line of ``limit``, and their number.

    One beyond each end stands for all that are there; at least one pixel is of the line.
    """
    first, last = math.floor(origin), math.floor(origin + step * (side - 1)) + 1
    first, last = min(max(first, -1), limit - 1), max(min(last, limit), 0)
    return first, last - first + 1
