"""Reading images, and cutting square windows out of them: the same for tracking and training."""

from __future__ import annotations

import math
from pathlib import Path
import re
from typing import Iterator

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.files import refuse_pointer
from siamx_ros.geometry import CropWindow
from siamx_ros.reduced_image import (
    AnyImage, ReducedImage, all_pixels, area_around, halved, halvings, pixels_of, shrunk)

DECODE_ERRORS = cv2.error, MemoryError
"""Raised for a header that gives more pixels than OpenCV takes, or than fit into memory."""
SAMPLES = 20_000
"""Pixels that are looked at, at least, to find the range of an image's values."""
SPREADS = (1 / 8, 1 / 2)
"""Share of 16 bits that an image's values use: up to the first they are spread, from the second on
taken as they are."""
JPEG_SCAN = 0xda
"""Marker of a segment after which pixels come."""
LEAST_SPAN = 255.0
"""How many values become 0 to 255 at least, so that the noise of an empty image is not spread."""
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
    """Read an image file as H x W x 3 uint8 BGR; 16 bit as :func:`from_16_bit` does.

    Raises:
        InputError: the file is missing, cut short, not fetched by Git LFS or no image.
    """
    refuse_pointer(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f'cannot read an image from {path}: {error.strerror}') from None
    if is_cut_short(data):
        raise InputError(f'cannot read an image from {path}: the file is cut short')
    image = decode_image(data)
    if image is None:
        raise InputError(f'cannot read an image from {path}')
    return image


def decode_image(data: bytes, *, spread: bool = True, turned: bool = True) -> np.ndarray | None:
    """Decode an image file to H x W x 3 uint8 BGR; None if OpenCV cannot.

    Args:
        data: the bytes of the file, whole (see :func:`is_cut_short`).
        spread: 16 bit become 8 by :func:`from_16_bit`; False for the upper 8.
        turned: as the EXIF orientation says; False for the pixels as they are stored.
    """
    try:
        flags = cv2.IMREAD_COLOR | (0 if turned else cv2.IMREAD_IGNORE_ORIENTATION)
        deep = cv2.IMREAD_ANYDEPTH if spread else 0
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags | deep)
        if image is not None and image.dtype not in (np.uint8, np.uint16):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except DECODE_ERRORS:
        return None
    return from_16_bit(image) if image is not None and image.dtype == np.uint16 else image


def is_cut_short(data: bytes) -> bool:
    """Whether the bytes of a JPEG or PNG file lack their end; False for other formats.

    Some versions of OpenCV decode what is there of a JPEG and fill up the rest.
    """
    if data[:2] == b'\xff\xd8':
        return data.rfind(b'\xff\xd9', _jpeg_pixels(data)) < 0
    return data[:8] == b'\x89PNG\r\n\x1a\n' and data.rfind(b'IEND') < 0


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, begin and end of each segment of a JPEG file, up to that of its first scan.

    What a segment holds is passed over: it may be a thumbnail with an end of its own.
    """
    position, marker = 2, 0
    while marker != JPEG_SCAN and position + 4 <= len(data) and data[position] == 0xff:
        marker = data[position + 1]
        if marker == 0xff:  # markers may be filled up with it
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2:position + 4], 'big')
        yield marker, position, end
        position = end


def _jpeg_pixels(data: bytes) -> int:
    """Where the first scan of a JPEG file begins, its length if nowhere."""
    return next((begin for marker, begin, _ in jpeg_segments(data) if marker == JPEG_SCAN),
                len(data))


def from_16_bit(pixels: np.ndarray) -> np.ndarray:
    """H x W or H x W x C uint16 as uint8, spread where the values use a small part of the range.

    Cameras of 10 to 14 bits, and thermal ones, send values that lie close together. Their lowest
    and highest become 0 and 255 where these differ by less than the first of :data:`SPREADS`; from
    the second on the upper 8 bits are taken. Between the two, and where hardly anything differs,
    the window changes gradually, so that a video does not flicker.
    """
    full = float(np.iinfo(np.uint16).max)
    low, high = value_range(pixels)
    span = high - low
    share = float(np.interp(span / full, SPREADS, (0.0, 1.0)))
    if share == 1:
        return (pixels >> 8).astype(np.uint8)
    width = max(span, LEAST_SPAN)
    first = low - (width - span) * low / (full - span)
    first, width = first * (1 - share), width + (full - width) * share
    shifted = np.maximum(pixels, np.uint16(first))
    return cv2.convertScaleAbs(shifted, alpha=255 / width, beta=-255 * int(first) / width)


def value_range(pixels: np.ndarray) -> tuple[float, float]:
    """The lowest and highest value of an image, without the outermost half percent of each."""
    step = max(1, int(math.sqrt(pixels.size / SAMPLES)))
    low, high = np.percentile(pixels[::step, ::step], (0.5, 99.5))
    return float(low), float(high)


def check_image(image: AnyImage) -> AnyImage:
    """Return the image if it is H x W x 3 uint8 with pixels, or consists of blocks that are.

    Raises:
        InputError: it is anything else.
    """
    if isinstance(image, ReducedImage):
        check_image(image.pixels)
        return image
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 \
            or image.shape[2] != 3 or image.size == 0:
        got = f'shape {image.shape}, {image.dtype}' if isinstance(image, np.ndarray) \
            else type(image).__name__
        raise InputError(f'an image must be H x W x 3 uint8 (BGR), got {got}')
    return image


def mean_colour(image: np.ndarray) -> tuple[float, float, float]:
    """Mean of each channel: the fill outside the image (taken from the first frame only)."""
    blue, green, red, _ = cv2.mean(image)
    return blue, green, red


def crop(image: AnyImage, window: CropWindow, fill: tuple[float, float, float]) -> np.ndarray:
    """Resample a window to its patch, exact to sub-pixels.

    Args:
        image: H x W x 3 uint8, or blocks of it.
        window: which part of the image, and the patch side S it becomes.
        fill: colour outside the image.

    Returns:
        S x S x 3 uint8. Continuous patch and image coordinates are related by
        ``window.to_image`` without any offset.
    """
    image, window = pixels_of(image, window)
    side = window.patch_side
    if window.is_on_pixels:
        return cv2.resize(whole_pixels(image, window, fill), (side, side))
    return warp(image, matrix_of(window), side, fill)


def whole_pixels(image: np.ndarray, window: CropWindow,
                 fill: tuple[float, float, float]) -> np.ndarray:
    """The pixels of a window that is on pixels, halved while they are two or more for one."""
    left, top, width, height = map(round, window.box.xywh)
    times = halvings(1 / max(window.scales))
    even = not (width | height) % 2 ** times
    pixels = area_around(image, (left, top), (width, height), fill, times if even else 0)
    return pixels if even else halved(pixels, times)


def matrix_of(window: CropWindow) -> np.ndarray:
    """The 2 x 3 matrix that maps indices of a window's patch to indices of the image."""
    (left, top, _, _), (step_x, step_y) = window.box.xywh, (1 / scale for scale in window.scales)
    return np.array([[step_x, 0, left + step_x / 2 - 0.5], [0, step_y, top + step_y / 2 - 0.5]])


def warp(image: np.ndarray, matrix: np.ndarray, side: int, fill: tuple[float, float, float],
         backdrop: np.ndarray | None = None) -> np.ndarray:
    """Bilinear resampling to side x side; ``matrix`` (2 x 3) maps patch indices to image indices.

    Outside the image lies ``fill``, or the ``backdrop`` (side x side x 3) where one is given.
    """
    image, matrix = shrunk(image, matrix, side)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    if backdrop is not None:
        return cv2.warpAffine(
            image, matrix, (side, side), dst=backdrop.copy(), flags=flags,
            borderMode=cv2.BORDER_TRANSPARENT)
    return cv2.warpAffine(
        image, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=fill)


def crop_as_authors(image: AnyImage, window: CropWindow,
                    fill: tuple[float, float, float]) -> np.ndarray:
    """The released tracker's crop: rounded corner, side truncated, resized (for parity runs).

    Its patch shows the target about 0.7 image pixels off the exact window's place.

    Raises:
        InputError: an image of blocks, which has no such corners.
    """
    image = all_pixels(image)
    across, down = (max(1, int(length)) for length in (window.width, window.height))
    left = round(window.centre_x - (window.width + 1) / 2)
    top = round(window.centre_y - (window.height + 1) / 2)
    colour = tuple(float(int(value)) for value in fill)
    height, width = image.shape[:2]
    cut = np.empty((down, across, 3), np.uint8)
    cut[:] = np.array(colour, np.uint8)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + across, width), min(top + down, height)
    if x1 > x0 and y1 > y0:
        cut[y0 - top:y1 - top, x0 - left:x1 - left] = image[y0:y1, x0:x1]
    return cv2.resize(cut, (window.patch_side, window.patch_side))


CROPS = {'exact': crop, 'authors': crop_as_authors}
