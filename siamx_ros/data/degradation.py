"""What a poorer camera would have recorded: fewer images, fewer pixels, stronger compression."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError

SMALLEST = 16
"""Least side of what is left of an image, pixels."""


@dataclass(frozen=True)
class Degradation:
    """How sequences are recorded anew.

    Attributes:
        every: one image of so many is kept; between two images everything moves so much further.
        shrink: an image has so many times fewer pixels along either side.
        quality: of the JPEG files, 1 (worst) to 100.

    Raises:
        InputError: a value out of range.
    """

    every: int = 1
    shrink: int = 1
    quality: int = 95

    def __post_init__(self) -> None:
        for name, most in (('every', None), ('shrink', None), ('quality', 100)):
            value = getattr(self, name)
            if value < 1 or (most and value > most):
                allowed = 'at least 1' if most is None else f'1 to {most}'
                raise InputError(f'--{name} must be {allowed}, got {value}')

    def thinned(self, sequence: Sequence) -> Sequence:
        """The sequence with one image of every ``every``, the first one among them."""
        return replace(sequence, frame_paths=sequence.frame_paths[::self.every],
                       boxes_xywh=sequence.boxes_xywh[::self.every], truth=None, absent=None)

    def shrunk(self, image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """An image (H x W x 3 uint8 BGR) and a box (x, y, w, h) in fewer pixels.

        Raises:
            InputError: too little of the image would be left.
        """
        if self.shrink == 1:
            return image, box
        height, width = image.shape[:2]
        size = width // self.shrink, height // self.shrink
        if min(size) < SMALLEST:
            raise InputError(
                f'--shrink {self.shrink} leaves {size[0]}x{size[1]} pixels of an image of '
                f'{width}x{height}; at least {SMALLEST} must be left of each side')
        scale = np.divide(size, (width, height))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA), box * [*scale, *scale]
