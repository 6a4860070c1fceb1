"""One video with its boxes, read from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from siamx_ros import imaging
from siamx_ros.data.textfiles import read_numbers
from siamx_ros.errors import InputError


@dataclass(frozen=True)
class Sequence:
    """Frames and boxes of one target.

    Attributes:
        frame_paths: one image file a frame, in order.
        boxes_xywh: N x 4 pixels, 0-based continuous edges, rows of NaN where the target is absent.
        truth: the ground truth as the benchmark's file holds it, N x 4 or N x 8; None if the same.
        absent: N booleans from the benchmark's own files; None where it has none.
    """

    name: str
    frame_paths: tuple[Path, ...]
    boxes_xywh: np.ndarray
    truth: np.ndarray | None = None
    absent: np.ndarray | None = None

    @property
    def visible(self) -> np.ndarray:
        """N booleans: where there is a box."""
        return np.isfinite(self.boxes_xywh).all(1)


def is_sequence(path: Path) -> bool:
    """Whether a folder looks like ``<name>/img`` with ``<name>/groundtruth.txt``."""
    return (path / 'img').is_dir() and (path / 'groundtruth.txt').is_file()


def read_folder(path: str | Path) -> Sequence:
    """Read ``<name>/img/`` (images in the order of their names) and ``<name>/groundtruth.txt``.

    Raises:
        InputError: a part is missing, a line is malformed, or the counts differ.
    """
    path = Path(path)
    frames = list_images(path / 'img')
    if not frames:
        raise InputError(f'{path} is no sequence: it has no images in {path.name}/img')
    truth = path / 'groundtruth.txt'
    if not truth.is_file():
        raise InputError(f'{path} is no sequence: it has no groundtruth.txt')
    boxes = read_boxes(truth)
    if len(boxes) != len(frames):
        raise InputError(f'{path} has {len(frames)} images but {len(boxes)} boxes')
    return Sequence(path.name, frames, boxes)


def list_images(folder: Path) -> tuple[Path, ...]:
    """The image files of a folder as :func:`imaging.list_images` does; none without a folder."""
    return imaging.list_images(folder) if folder.is_dir() else ()


def read_boxes(path: str | Path) -> np.ndarray:
    """Read x, y, w, h a line, separated by commas, semicolons or blanks.

    Returns:
        N x 4 float64; lines with NaN, or without a positive width and height, become rows of NaN.

    Raises:
        InputError: not readable, or a line that does not hold four numbers (named by its number).
    """
    return absent_as_nan(read_numbers(path, 4))


def absent_as_nan(boxes: np.ndarray) -> np.ndarray:
    """A copy of N x 4 boxes in which every row that is no box is NaN throughout."""
    boxes = np.array(boxes, np.float64)
    with np.errstate(invalid='ignore'):
        is_box = np.isfinite(boxes).all(1) & (boxes[:, 2:] > 0).all(1)
    boxes[~is_box] = np.nan
    return boxes
