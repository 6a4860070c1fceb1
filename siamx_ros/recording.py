"""Leave results behind: a CSV of boxes and an annotated video."""

from __future__ import annotations

from contextlib import contextmanager
import errno
import math
import os
from pathlib import Path
import shutil
from typing import Iterator

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.files import refuse_name
from siamx_ros.records import TrackResult

CSV_COLUMNS = ('frame', 'x', 'y', 'w', 'h', 'confidence', 'state')
CODECS = {'.mp4': 'mp4v', '.m4v': 'mp4v', '.mov': 'mp4v', '.avi': 'MJPG', '.mkv': 'mp4v'}
"""File suffix -> codec that every OpenCV build encodes."""
ROUNDING = 0.01
"""Share of its images by which a video that is whole may be announced as longer or shorter."""
FULL = 1 << 20
"""A disk with fewer bytes left counts as full."""


class CsvRecorder:
    """Writes one line per frame with :data:`CSV_COLUMNS`; the same results give the same bytes."""

    def __init__(self, path: str | Path) -> None:
        """Create the file and write the heading.

        Raises:
            InputError: the file cannot be written.
        """
        try:
            self._file = open(path, 'w', encoding='utf-8', newline='\n')
        except OSError as error:
            raise InputError(f'cannot write {path}: {error.strerror}') from None
        self._path = str(path)
        self._file.write(','.join(CSV_COLUMNS) + '\n')

    def write(self, frame: int, result: TrackResult) -> None:
        """Write one line: box in image pixels (nan without a box), confidence, state's name.

        Raises:
            OSError: no space is left, for example; it names the file.
        """
        numbers = result.box.xywh if result.box else (math.nan,) * 4
        box = ','.join(f'{number:.3f}' for number in numbers)
        with self._named():
            self._file.write(f'{frame},{box},{result.confidence:.6f},{result.state.name}\n')

    def close(self) -> None:
        """Finish the file; raises as :meth:`write` does."""
        with self._named():
            self._file.close()

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the file in an error: of an open one, the system says no name."""
        try:
            yield
        except OSError as error:
            error.filename = self._path
            raise


def codec_of(path: Path) -> str:
    """The codec of a video file.

    Raises:
        InputError: the suffix is not in :data:`CODECS`.
    """
    try:
        return CODECS[path.suffix.lower()]
    except KeyError:
        raise InputError(
            f'a video is written as {", ".join(CODECS)}, got {path.name!r}') from None


class VideoRecorder:
    """Writes images of one size into a video file that ordinary players open."""

    def __init__(self, path: str | Path, fps: float, width: int, height: int) -> None:
        """Create the file; odd sizes are cut by one pixel, because MPEG-4 needs even ones.

        Raises:
            InputError: the suffix is not in :data:`CODECS`, the name is not UTF-8, or the file
                cannot be written.
        """
        self.path = Path(path)
        codec = codec_of(self.path)
        refuse_name(self.path)
        try:
            self.path.touch()
        except OSError as error:
            raise InputError(f'cannot write {path}: {error.strerror}') from None
        self._size = (max(2, width // 2 * 2), max(2, height // 2 * 2))
        fourcc = cv2.VideoWriter_fourcc(*codec)
        self._writer = cv2.VideoWriter(str(self.path), fourcc, float(fps), self._size)
        self._count = 0
        if not self._writer.isOpened():
            raise InputError(f'this OpenCV cannot write a video to {path}')

    def write(self, image: np.ndarray) -> None:
        """Append an H x W x 3 uint8 BGR image; another size than announced is resized."""
        width, height = self._size
        image = image[:height, :width]
        if image.shape[:2] != (height, width):
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        self._writer.write(image)
        self._count += 1

    def close(self) -> None:
        """Finish the file, and look at it: OpenCV says nothing of images that it could not write.

        Raises:
            OSError: they are not in the file, for want of space or for another reason.
        """
        self._writer.release()
        count, self._count = self._count, 0
        found = cv2.VideoCapture(str(self.path)).get(cv2.CAP_PROP_FRAME_COUNT)
        if abs(found - count) > max(1, ROUNDING * count):
            full = shutil.disk_usage(self.path.absolute().parent).free < FULL
            code = errno.ENOSPC if full else errno.EIO
            raise OSError(code, f'{os.strerror(code)}, the video is not whole', str(self.path))
