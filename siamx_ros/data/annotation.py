"""What a data set holds: photographs with their boxes, and videos with a target in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import numpy as np

from siamx_ros.data.sequence import Sequence, absent_as_nan, list_images
from siamx_ros.errors import InputError

TRAIN, TEST = SPLITS = ('train', 'test')
"""What is trained on, and what trackers are evaluated on: never the same files."""


@dataclass(frozen=True)
class Photo:
    """A photograph and its boxes.

    Attributes:
        boxes: N x 4 as x, y, w, h (float32, 0-based pixels).
        size: width and height of the picture in which they were drawn, which the file may turn by
            its EXIF orientation; None if they were drawn in the turned picture.
    """

    path: Path
    boxes: np.ndarray
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Video:
    """Numbered frames to train on, and a box for each.

    Attributes:
        folder: where the frames are.
        pattern: name of a frame by its number, e.g. ``'%08d.jpg'``.
        first: number of the first frame.
        boxes: N x 4 as x, y, w, h (float32, 0-based pixels); NaN where the target is absent.
        recording: name of what it was cut from, if other videos were, too; '' for itself.
    """

    folder: Path
    pattern: str
    first: int
    boxes: np.ndarray
    recording: str = ''

    def frame(self, index: int) -> Path:
        """File of a frame, counted from 0."""
        return self.folder / (self.pattern % (self.first + index))


Content = Photo | Video | Sequence


@dataclass(frozen=True)
class Entry:
    """One thing that a data set holds, opened only when it is called.

    Attributes:
        read: reads it, or raises an InputError.
        name: that a sequence will have; '' where it is not known before.
    """

    read: Callable[[], Content]
    name: str = ''

    def __call__(self) -> Content:
        return self.read()


Entries = Iterator[Entry]


@dataclass(frozen=True)
class Annotation:
    """A target in a video, as the files of its data set describe it.

    Attributes:
        folder: where the frames are.
        truth: N x 4 as x, y, w, h, or N x 8 as four corners.
        absent: N booleans from the data set's flags; None where it has none.
        origin: number of the first pixel, 0 or 1.
        pattern, first, recording: as in :class:`Video`; for data sets that are trained on.
        images: the files of the frames; None for all images of the folder.
        withheld: whether a single box may stand for a truth that is kept secret.
    """

    name: str
    folder: Path
    truth: np.ndarray
    absent: np.ndarray | None = None
    origin: int = 0
    pattern: str = '%08d.jpg'
    first: int = 1
    recording: str = ''
    images: tuple[Path, ...] | None = None
    withheld: bool = False

    def for_split(self, split: str) -> Video | Sequence:
        """The video to train on, or the sequence to evaluate on.

        Raises:
            InputError: there are no frames, or not as many as boxes.
        """
        return self._video() if split == TRAIN else self._sequence()

    def _video(self) -> Video:
        """Frames are not counted, as a data set may have millions of them."""
        if not self.folder.is_dir():
            raise InputError(f'there is no folder of frames {self.folder}')
        if not len(self.truth):
            raise InputError(f'{self.folder} has no boxes')
        boxes = self._boxes(self.truth).astype(np.float32)
        return Video(self.folder, self.pattern, self.first, boxes, self.recording)

    def _sequence(self) -> Sequence:
        images, truth = self.images, self.truth
        images = list_images(self.folder) if images is None else images
        if self.withheld and images and len(truth) == 1:
            truth = np.concatenate([truth, np.full((len(images) - 1, 4), np.nan)])
        if not images or len(images) != len(truth):
            raise InputError(
                f'sequence {self.name} has {len(images)} images but {len(truth)} boxes')
        return Sequence(self.name, images, self._boxes(truth), truth, self.absent)

    def _boxes(self, truth: np.ndarray) -> np.ndarray:
        boxes = polygon_bounds(truth) if truth.shape[1] == 8 else truth.copy()
        boxes[:, :2] -= self.origin
        boxes = absent_as_nan(boxes)
        if self.absent is not None:
            boxes[self.absent] = np.nan
        return boxes


def polygon_bounds(polygons: np.ndarray) -> np.ndarray:
    """Axis-aligned x, y, w, h (N x 4) around polygons of four corners (N x 8)."""
    x, y = polygons[:, 0::2], polygons[:, 1::2]
    low = np.stack([x.min(1), y.min(1)], 1)
    return np.concatenate([low, np.stack([x.max(1), y.max(1)], 1) - low], 1)
