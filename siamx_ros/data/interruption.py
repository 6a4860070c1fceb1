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
from siamx_ros.data.returning import ABSENT, Chance, Return, returned
from siamx_ros.data.sequence import Sequence
from siamx_ros.data.sequence_writer import SequenceWriter
from siamx_ros.errors import InputError

GAP = (10, 300)
"""Shortest and longest absence, frames; lengths are drawn evenly on a logarithmic scale."""
CUT = (0.35, 0.65)
"""Where the first part ends, as a share of the sequence."""


def interrupted(sequence: Sequence, other: Sequence, rng: np.random.Generator,
                manner: Return = Return()) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images (H x W x 3 uint8 BGR) and boxes (x, y, w, h; NaN while absent) of the copy.

    Args:
        other: shown in between, resized to the same image size, back and forth if it is short.
    """
    paths, boxes = sequence.frame_paths, sequence.boxes_xywh
    cut = round(len(paths) * rng.uniform(*CUT))
    gap = round(np.exp(rng.uniform(*np.log(GAP))))
    chance = Chance.drawn(rng)
    for path, box in zip(paths[:cut], boxes[:cut]):
        image = imaging.read_image(path)
        yield image, box
    size = image.shape[1::-1]
    there_and_back = [*other.frame_paths, *other.frame_paths[-2:0:-1]]
    for index in range(gap):
        away = imaging.read_image(there_and_back[index % len(there_and_back)])
        away = cv2.resize(away, size, interpolation=cv2.INTER_AREA)
        yield away, ABSENT
    seen = boxes[:cut][np.isfinite(boxes[:cut]).all(1)]
    yield from returned(map(imaging.read_image, paths[cut:]), boxes[cut:],
                        seen[-1] if len(seen) else ABSENT, away, manner, chance)


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
    """Write ``img/%08d.jpg`` and ``groundtruth.txt``; returns the number of frames.

    Returns:
        the number of frames.

    Raises:
        InputError: the folder cannot be made, or an image not be shrunk or written.
    """
    writer = SequenceWriter(folder, degradation.quality)
    for image, box in frames:
        writer.add(*degradation.shrunk(image, box))
    return writer.finish()
