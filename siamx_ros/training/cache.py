"""Reading pictures, and a bounded memory of decoded ones."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.imaging import DECODE_ERRORS

JPEG_SUFFIXES = ('.jpg', '.jpeg')
JPEG_END = b'\xff\xd9'
SCALES = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
          8: cv2.IMREAD_REDUCED_COLOR_8}
TAIL = 4096
"""Bytes at the end of a JPEG file in which its end marker must stand (some files are padded)."""


def read_picture(path: Path, shrink: int = 1) -> np.ndarray:
    """Decode a file to H x W x 3 uint8 BGR; a JPEG file that was cut off is refused too.

    Args:
        shrink: 2, 4 or 8 for a picture so much smaller, which takes less time to decode.

    Raises:
        InputError: the file is missing, damaged or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from None
    whole = path.suffix.lower() not in JPEG_SUFFIXES or JPEG_END in data[-TAIL:]
    image = None
    if data and whole:
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), SCALES[shrink])
        except DECODE_ERRORS:
            pass
    if image is None:
        raise InputError(f'{path} is no picture, or damaged')
    return image


class PictureCache:
    """Decoded pictures up to a number of bytes; the one not asked for longest makes room."""

    def __init__(self, limit: float) -> None:
        self.limit, self.used = limit, 0
        self._kept: OrderedDict[tuple[Path, int], np.ndarray] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def read(self, path: Path, shrink: int = 1) -> np.ndarray:
        """The picture (see :func:`read_picture`), from memory or decoded now; do not write to it.

        Raises:
            InputError: the file is missing or damaged.
        """
        key = path, shrink
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        image = read_picture(path, shrink)
        self._kept[key] = image
        self.used += image.nbytes
        while self.used > self.limit:
            self.used -= self._kept.popitem(last=False)[1].nbytes
        return image
