"""Copies of sequences as a camera that rolls would have recorded them."""

from __future__ import annotations

from typing import Iterator

import cv2
import numpy as np

from siamx_ros import imaging
from siamx_ros.data.returning import ABSENT
from siamx_ros.data.sequence import Sequence
from siamx_ros.patch_geometry import rolled_size


def angles(count: int, speed: float, within: float = 0.0) -> np.ndarray:
    """How far each of ``count`` images is rolled, degrees, counter-clockwise.

    Args:
        speed: degrees an image; below 0 for clockwise.
        within: the roll turns back where it is this far, either way; 0: it goes on.
    """
    rolled = speed * np.arange(count)
    if not within:
        return rolled
    return within - np.abs((rolled + within) % (4 * within) - 2 * within)


def rolled(sequence: Sequence, speed: float,
           within: float = 0.0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images (H x W x 3 uint8 BGR) and boxes (x, y, w, h; NaN while absent) of the copy.

    Images become square, as wide as the longer side was, so that little leaves them; where more is
    seen than was filmed, the picture is mirrored at its edge. The box is that around the ellipse in
    the one of before. What has its middle outside of the image is absent.

    Args:
        speed, within: see :func:`angles`.
    """
    every = angles(len(sequence.frame_paths), speed, within)
    for path, box, angle in zip(sequence.frame_paths, sequence.boxes_xywh, every):
        image = imaging.read_image(path)
        height, width = image.shape[:2]
        side = max(height, width)
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
        turn[:, 2] += (side - width) / 2, (side - height) / 2
        yield (cv2.warpAffine(image, turn, (side, side), borderMode=cv2.BORDER_REFLECT),
               _turned(box, turn, angle, side))


def _turned(box: np.ndarray, turn: np.ndarray, angle: float, side: int) -> np.ndarray:
    if not np.isfinite(box).all():
        return ABSENT
    middle = turn @ [*(box[:2] + box[2:] / 2 - 0.5), 1.0] + 0.5
    size = np.array(rolled_size(*box[2:], angle))
    return np.concatenate([middle - size / 2, size]) if (
        (middle >= 0) & (middle < side)).all() else ABSENT
