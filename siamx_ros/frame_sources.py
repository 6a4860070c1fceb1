"""Where images come from: a video file, a folder of images, or a camera number."""

from __future__ import annotations

from itertools import count
import logging
from pathlib import Path
from typing import Iterator, Protocol

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.files import refuse_name, refuse_pointer
from siamx_ros.imaging import IMAGE_SUFFIXES, list_images, read_image

LOGGER = logging.getLogger(__name__)
UNKNOWN_FPS = 30.0
LAST_CAMERA = 2 ** 31 - 1
"""OpenCV takes no higher numbers."""
MAX_DAMAGED = 1000
"""Frames of a video that may fail to be decoded before it counts as over."""
TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""Degrees clockwise by which frames are to be turned -> how OpenCV calls it."""


class Source(Protocol):
    """Images in order, each H x W x 3 uint8 BGR.

    Attributes:
        name: a short name for titles and file names.
        fps: frames per second, 30 where the source does not say.
        frame_count: how many images to expect, None where unknown; a damaged video may end early.
        number: of the image that was yielded last, the first one being 0; frames of a video that
            could not be decoded have numbers, too.
    """

    name: str
    fps: float
    frame_count: int | None
    number: int

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the images from the first on."""


def open_source(spec: str) -> Source:
    """Open a source and check that it can be read.

    Args:
        spec: path of a video file or of a folder of images (natural order of names), or the number
            of a camera.

    Raises:
        InputError: there is no such file, folder or camera, or it holds no readable image.
    """
    path = Path(spec)
    if spec.isdecimal() and not path.exists():
        return CameraSource(int(spec))
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise InputError(f'there is no video file, image folder or camera number {spec!r}')
    return VideoSource(path)


class FolderSource:
    """The images of a folder in natural order of their names: 2.jpg comes before 10.jpg."""

    number = 0

    def __init__(self, folder: Path, fps: float = UNKNOWN_FPS) -> None:
        """List the images.

        Raises:
            InputError: the folder holds no image, or the first cannot be read.
        """
        try:
            self.paths = list_images(folder)
        except OSError as error:
            raise InputError(f'cannot list the folder {folder}: {error.strerror}') from None
        if not self.paths:
            below = '; there is a folder img/ in it' if (folder / 'img').is_dir() else ''
            raise InputError(f'the folder {folder} holds no image '
                             f'({", ".join(sorted(IMAGE_SUFFIXES))}){below}')
        read_image(self.paths[0])
        resolved = folder.resolve()
        self.name = resolved.parent.name if resolved.name == 'img' else resolved.name
        self.fps = fps
        self.frame_count: int | None = len(self.paths)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the images; raises InputError at one that cannot be read."""
        for self.number, path in enumerate(self.paths):
            yield read_image(path)


class VideoSource:
    """A video file; each iteration starts at its first frame.

    Frames are turned as the file says, as those of a phone are that was held upright.
    """

    number = 0

    def __init__(self, path: Path) -> None:
        """Open the file and decode its first frame.

        Raises:
            InputError: it is not a video that this OpenCV can decode.
        """
        self.path = path
        self.name = path.stem
        capture = self._open()
        fps, frames = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
        has_frame = capture.read()[0]
        capture.release()
        if not has_frame:
            raise InputError(f'{path} holds no frame that can be decoded')
        self.fps = fps if np.isfinite(fps) and 0 < fps < 1000 else UNKNOWN_FPS
        self.frame_count: int | None = int(frames) if np.isfinite(frames) and frames > 0 else None

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the frames that can be decoded, and log a warning if the file announces more."""
        capture, read, damaged = self._open(), 0, 0
        try:
            turn = turn_of(capture)
            while True:
                has_frame, image = capture.read()
                if not has_frame:
                    damaged += 1
                    if read + damaged > min(self.frame_count or 0, read + MAX_DAMAGED):
                        break
                    continue
                self.number = read + damaged
                read += 1
                yield image if turn is None else cv2.rotate(image, turn)
        finally:
            capture.release()
        if self.frame_count and read < self.frame_count:
            LOGGER.warning('%s announces %d frames, %d could be decoded',
                           self.path, self.frame_count, read)

    def _open(self) -> cv2.VideoCapture:
        if not self.path.is_file() or self.path.stat().st_size == 0:
            raise InputError(f'{self.path} is empty or not a file, expected a video')
        refuse_pointer(self.path)
        refuse_name(self.path)
        capture = cv2.VideoCapture(str(self.path))
        if not capture.isOpened():
            raise InputError(f'cannot read {self.path} as a video')
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        return capture


def turn_of(capture: cv2.VideoCapture) -> int | None:
    """How the frames of an opened video are to be turned, for ``cv2.rotate``; None if they are not.

    OpenCV can do it, but 4.11 does not unless it is asked to and 4.6 turns the wrong way: it counts
    the degrees the other way round.
    """
    if capture.get(cv2.CAP_PROP_ORIENTATION_AUTO):
        return None
    degrees = round(capture.get(cv2.CAP_PROP_ORIENTATION_META))
    return TURNS.get((-degrees if cv2.__version__.startswith('4.6.') else degrees) % 360)


class CameraSource:
    """A camera of this computer, by number."""

    frame_count, number = None, 0

    def __init__(self, number: int) -> None:
        """Open the camera.

        Raises:
            InputError: there is no such camera.
        """
        if number > LAST_CAMERA:
            raise InputError(f'there is no camera {number}')
        self.name = f'camera{number}'
        self._capture = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise InputError(f'cannot open camera {number}')
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps = fps if np.isfinite(fps) and 0 < fps < 1000 else UNKNOWN_FPS

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield images until the camera stops."""
        try:
            for self.number in count():
                has_frame, image = self._capture.read()
                if not has_frame:
                    return
                yield image
        finally:
            self._capture.release()
