"""Interrupted copies of sequences: the scene cuts away from the target, which returns elsewhere.

What the adaptive scheme is for is rare in short sequences. A copy shows the first part of its
sequence, then frames of another one, in which the target is absent, then the rest seen by a camera
that has panned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Iterator
from zlib import crc32

import cv2
import numpy as np

from siamx_ros import imaging
from siamx_ros.data.degradation import Degradation
from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError

GAP = (10, 300)
"""Shortest and longest absence, frames; lengths are drawn evenly on a logarithmic scale."""
CUT = (0.35, 0.65)
"""Where the first part ends, as a share of the sequence."""
PAN = 0.3
"""Largest pan after the return, as a share of the image's width and height."""
ABSENT = np.full(4, np.nan)


def interrupted(sequence: Sequence, other: Sequence,
                rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images (H x W x 3 uint8 BGR) and boxes (x, y, w, h; NaN while absent) of the copy.

    Args:
        sequence: the target's.
        other: shown in between, resized to the same image size, back and forth if it is short.
    """
    count = len(sequence.frame_paths)
    cut = round(count * rng.uniform(*CUT))
    gap = round(np.exp(rng.uniform(*np.log(GAP))))
    wish = rng.uniform(-PAN, PAN, 2)
    for path, box in zip(sequence.frame_paths[:cut], sequence.boxes_xywh[:cut]):
        image = imaging.read_image(path)
        yield image, box
    size = image.shape[1::-1]
    there_and_back = [*other.frame_paths, *other.frame_paths[-2:0:-1]]
    for index in range(gap):
        away = imaging.read_image(there_and_back[index % len(there_and_back)])
        yield cv2.resize(away, size, interpolation=cv2.INTER_AREA), ABSENT
    pan = np.round(_allowed(wish * size, sequence.boxes_xywh[cut:], size))
    for path, box in zip(sequence.frame_paths[cut:], sequence.boxes_xywh[cut:]):
        yield _panned(imaging.read_image(path), pan), box + [*pan, 0, 0]


def recordings(sequences: list[Sequence]) -> list[int]:
    """A number of the recording of each; what begins with the same picture is of one.

    Raises:
        InputError: all are of one, so that none can be shown while another one's target is absent.
    """
    found = [crc32(imaging.read_image(sequence.frame_paths[0])) for sequence in sequences]
    if len(set(found)) < 2:
        raise InputError(f'there is one recording, of {sequences[0].name}: what is shown while its '
                         'target is absent needs another')
    return found


def shown_meanwhile(index: int, recording: list[int], rng: np.random.Generator) -> int:
    """Number of a sequence of another recording, to show while the target of one is absent."""
    first = index + int(rng.integers(1, len(recording)))
    order = [number % len(recording) for number in range(first, first + len(recording))]
    return next(number for number in order if recording[number] != recording[index])


def write_sequence(folder: Path, frames: Iterator[tuple[np.ndarray, np.ndarray]],
                   degradation: Degradation = Degradation()) -> int:
    """Write ``img/%08d.jpg`` and ``groundtruth.txt`` as a camera resolves and compresses images.

    Returns:
        the number of frames.

    Raises:
        InputError: the folder cannot be made, or an image not be shrunk or written.
    """
    try:
        (folder / 'img').mkdir(parents=True)
    except OSError as error:
        raise InputError(f'cannot make the folder {folder}: {error.strerror}') from None
    boxes = []
    for index, (image, box) in enumerate(frames, 1):
        image, box = degradation.shrunk(image, box)
        path = folder / 'img' / f'{index:08d}.jpg'
        jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, degradation.quality])[1]
        try:  # by Python: OpenCV takes no name that is not UTF-8
            path.write_bytes(jpeg.tobytes())
        except OSError as error:
            raise InputError(f'cannot write {path}: {error.strerror}') from None
        boxes.append(box)
    np.savetxt(folder / 'groundtruth.txt', np.array(boxes), fmt='%.3f', delimiter=',')
    return len(boxes)


def _allowed(pan: np.ndarray, boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The pan, made smaller where it would carry the centre of a visible box out of the image."""
    seen = boxes[np.isfinite(boxes).all(1)]
    if not len(seen):
        return pan
    centres = np.clip(seen[:, :2] + seen[:, 2:] / 2, 0, size)
    return np.clip(pan, -centres.min(0), size - centres.max(0))


def _panned(image: np.ndarray, pan: np.ndarray) -> np.ndarray:
    """The image moved by whole pixels; its edge fills what comes into view: a mirror would show
    the target twice."""
    matrix = np.array([[1, 0, pan[0]], [0, 1, pan[1]]], np.float64)
    return cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_NEAREST,
                          borderMode=cv2.BORDER_REPLICATE)
