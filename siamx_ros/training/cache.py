"""Reading pictures, and a bounded memory of decoded ones."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.imaging import DECODE_ERRORS, from_16_bit, is_cut_short

SCALES = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
          8: cv2.IMREAD_REDUCED_COLOR_8}
JPEG = b'\xff\xd8'
"""How a file begins that has 8 bits and is decoded smaller in less time."""


def read_picture(path: Path, shrink: int = 1, size: tuple[int, int] | None = None) -> np.ndarray:
    """Decode a file to H x W x 3 uint8 BGR, 16 bit as :func:`from_16_bit` does.

    Args:
        shrink: 2, 4 or 8 for a picture so much smaller, which takes less time to decode.
        size: width and height of the picture in which boxes were drawn. Without it, the picture is
            turned as its EXIF orientation says; with it, only if the picture as it is stored has
            another size.

    Raises:
        InputError: the file is missing, cut short, damaged, no picture, or of another size either
            way.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from None
    whole = data and not is_cut_short(data)
    stored = () if size is None else (cv2.IMREAD_IGNORE_ORIENTATION,)
    for flag in (*stored, 0):
        image = _decoded(data, shrink, flag) if whole else None
        if image is None:
            raise InputError(f'{path} is no picture, or damaged')
        if size is None or _fits(image, shrink, size):
            return image
    height, width = image.shape[:2]
    raise InputError(f'{path} has about {width * shrink}x{height * shrink} pixels, its boxes were '
                     f'drawn in {size[0]}x{size[1]}')


def _decoded(data: bytes, shrink: int, flag: int) -> np.ndarray | None:
    content = np.frombuffer(data, np.uint8)
    try:
        deep = None if data[:2] == JPEG else cv2.imdecode(
            content, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | flag)
        if deep is None or deep.dtype != np.uint16:
            return cv2.imdecode(content, SCALES[shrink] | flag)
        return cv2.resize(
            from_16_bit(deep), None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    except DECODE_ERRORS:
        return None


def _fits(image: np.ndarray, shrink: int, size: tuple[int, int]) -> bool:
    """Whether a picture is one of that size made smaller; decoders round in different ways."""
    return bool((np.abs(np.subtract(image.shape[1::-1], np.divide(size, shrink))) < 1).all())


class PictureCache:
    """Decoded pictures up to a number of bytes; the one not asked for longest makes room."""

    def __init__(self, limit: float) -> None:
        self.limit, self.used = limit, 0
        self._kept: OrderedDict[tuple[Path, int], np.ndarray] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, path: Path, shrink: int = 1,
             size: tuple[int, int] | None = None) -> np.ndarray:
        """The picture (see :func:`read_picture`), from memory or decoded now; do not write to it.

        Raises:
            InputError: the file is missing or damaged.
        """
        key = path, shrink
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        image = read_picture(path, shrink, size)
        self._kept[key] = image
        self.used += image.nbytes
        while self.used > self.limit:
            self.used -= self._kept.popitem(last=False)[1].nbytes
        return image
