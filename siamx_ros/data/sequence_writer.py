"""Writing a sequence: the layout that :func:`siamx_ros.data.sequence.read_folder` reads."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import cv2
import numpy as np

from siamx_ros.errors import InputError


class SequenceWriter:
    """Writes ``img/%08d.jpg`` image by image, and ``groundtruth.txt`` at the end.

    Args:
        folder: a new one, which the first image makes: without one, nothing is left behind.
        quality: of the JPEG files, 1 to 100.
    """

    def __init__(self, folder: Path, quality: int) -> None:
        self._folder, self._quality = folder, quality
        self._boxes: list[np.ndarray] = []

    def add(self, image: np.ndarray, box: np.ndarray) -> None:
        """Write one image.

        Args:
            image: H x W x 3 uint8 BGR.
            box: x, y, w, h in pixels; NaN while the target is absent.

        Raises:
            OSError: it cannot be written, or the folder not be made; it names which.
            InputError: the folder is gone.
        """
        if not self._boxes:
            (self._folder / 'img').mkdir(parents=True)
        path = self._folder / 'img' / f'{len(self._boxes) + 1:08d}.jpg'
        jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])[1]
        with _named(path):
            path.write_bytes(jpeg.tobytes())  # OpenCV takes no name that is not UTF-8
        self._boxes.append(box)

    def finish(self) -> int:
        """Write the boxes; returns the number of images; raises as :meth:`add` does."""
        path = self._folder / 'groundtruth.txt'
        with _named(path):
            np.savetxt(path, np.array(self._boxes), fmt='%.3f', delimiter=',')
        return len(self._boxes)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name in an error what cannot be written: of a full disk, the system says no name."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f'cannot write {path}: {error.strerror}') from None
    except OSError as error:
        error.filename = str(path)
        raise
