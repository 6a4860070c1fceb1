"""The images that trackers are timed on, in memory: short stretches of several sequences."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Iterable, Sequence

import cv2
import numpy as np

from siamx_ros.data import sequence as data
from siamx_ros.errors import InputError
from siamx_ros.evaluation.runner import first_visible
from siamx_ros.geometry import BoundingBox
from siamx_ros.imaging import read_image
from siamx_ros.synthetic import sequence as generate

GENERATED = ((1 / 8, 1 / 6), (1 / 16, 1 / 6), (1 / 5, 1 / 5), (1 / 4, 1 / 2))
"""Width and height of the generated clips' targets, relative to the image."""


@dataclass(frozen=True)
class Stretch:
    """Consecutive images of one size, H x W x 3 uint8 BGR, and the target's box on the first."""

    name: str
    images: tuple[np.ndarray, ...]
    box: BoundingBox


def side_by_side(stretches: Sequence[Stretch]) -> tuple[list[np.ndarray], list[BoundingBox]]:
    """Images of the size of the first stretch's that show all of them, each made smaller.

    Returns:
        The images, and the box of each stretch on the first.
    """
    across = math.ceil(math.sqrt(len(stretches)))
    height, width = (length // across for length in stretches[0].images[0].shape[:2])
    images, boxes = [np.zeros_like(image) for image in stretches[0].images], []
    for index, stretch in enumerate(stretches):
        x, y, box = index % across * width, index // across * height, stretch.box
        for image, part in zip(images, stretch.images):
            image[y:y + height, x:x + width] = cv2.resize(
                part, (width, height), interpolation=cv2.INTER_AREA)
        down, right = height / part.shape[0], width / part.shape[1]
        boxes.append(BoundingBox(x + box.x * right, y + box.y * down, box.w * right, box.h * down))
    return images, boxes


def from_sequences(sequences: Iterable[data.Sequence], size: tuple[int, int],
                   frames: int) -> list[Stretch]:
    """The first ``frames`` images of each sequence from where the target is seen.

    Args:
        size: width and height that the images are brought to, pixels.

    Raises:
        InputError: a sequence is shorter, or one of its images cannot be read.
    """
    stretches = []
    for sequence in sequences:
        start = first_visible(sequence)
        paths = sequence.frame_paths[start:start + frames]
        if len(paths) < frames:
            raise InputError(f'{sequence.name} has {len(paths)} images from where its target is '
                             f'seen, {frames} are needed')
        images = [read_image(path) for path in paths]
        height, width = images[0].shape[:2]
        x, y, w, h = sequence.boxes_xywh[start]
        across, down = size[0] / width, size[1] / height
        stretches.append(Stretch(
            sequence.name, tuple(cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                                 for image in images),
            BoundingBox(x * across, y * down, w * across, h * down)))
    return stretches


def generated(size: tuple[int, int], frames: int) -> list[Stretch]:
    """Clips of targets of several sizes that move slowly, in images of (width, height) pixels."""
    stretches = []
    for number, shares in enumerate(GENERATED):
        target = tuple(max(4, round(share * side)) for share, side in zip(shares, size))
        clip = generate(frames=frames, image_size=size, target_size=target, seed=number)
        stretches.append(Stretch(f'generated-{number + 1}', tuple(clip), clip.first_box))
    return stretches
