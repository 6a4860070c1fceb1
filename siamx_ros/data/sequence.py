"""One video with its boxes, read from a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import re

import numpy as np

from siamx_ros.errors import InputError


@dataclass(frozen=True)
class Sequence:
    """Frames and boxes of one target.

    Attributes:
        name: name of the folder.
        frame_paths: one image file a frame, in order.
        boxes_xywh: N x 4 pixels, rows of NaN where the target is absent.
    """

    name: str
    frame_paths: tuple[Path, ...]
    boxes_xywh: np.ndarray


def read_folder(path: str | Path) -> Sequence:
    """Read ``<name>/img/*.jpg`` and ``<name>/groundtruth.txt`` (x, y, w, h a line).

    Raises:
        InputError: a part is missing, a line is malformed, or the counts differ.
    """
    path = Path(path)
    frames = sorted((path / 'img').glob('*.jpg'))
    if not frames:
        raise InputError(f'{path} is no sequence: it has no img/*.jpg')
    truth = path / 'groundtruth.txt'
    if not truth.is_file():
        raise InputError(f'{path} is no sequence: it has no groundtruth.txt')
    rows = [re.split(r'[,;\s]+', line.strip()) for line in truth.read_text().splitlines() if line]
    try:
        boxes = np.array(rows, np.float64).reshape(len(rows), 4)
    except ValueError:
        raise InputError(f'{truth} must hold four numbers x,y,w,h a line') from None
    if len(boxes) != len(frames):
        raise InputError(f'{path} has {len(frames)} images but {len(boxes)} boxes')
    return Sequence(path.name, tuple(frames), boxes)
