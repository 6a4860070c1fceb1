"""How far the camera's own motion moved what stands still, from one image to the next."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from siamx_ros.reduced_image import AnyImage, ReducedImage

WIDTH = 120
"""Pixels along the width of the view of an image that is compared with that of the last one."""
SURE = 0.1
"""Response of phase correlation from which a shift is believed; below it, none is assumed."""


class CameraShift:
    """The sum of shifts of whole images, by phase correlation of small views of them.

    Attributes:
        total: how far what stands still has moved since the first image, x and y, image pixels.
    """

    def __init__(self) -> None:
        self.total = 0.0, 0.0
        self._seen: tuple[np.ndarray | None, int] = None, 1

    def see(self, image: AnyImage) -> bool:
        """Take in the next image, H x W x 3 uint8 BGR, or blocks of it.

        Returns whether it could be compared with the last one: not the first, nor one of blocks of
        another size. Lines of pixels are taken to stand still.
        """
        (before, was), (view, is_now) = self._seen, _view(image)
        self._seen = view, is_now
        if before is None or (before.shape, was) != (view.shape, is_now):
            return False
        if min(before.shape) < 2:
            return True
        shift, response = cv2.phaseCorrelate(before, view, _weights(before.shape))
        if response >= SURE:
            scale = image.shape[1] / view.shape[1]
            self.total = self.total[0] + scale * shift[0], self.total[1] + scale * shift[1]
        return True


def _view(image: AnyImage) -> tuple[np.ndarray, int]:
    """Every so many pixels of the green channel, float32; and what one of them is the mean of."""
    pixels, factor = (image.pixels, image.factor) if isinstance(image, ReducedImage) else (image, 1)
    step = max(1, round(image.shape[1] / WIDTH / factor))
    return pixels[::step, ::step, 1].astype(np.float32), factor


@lru_cache(maxsize=4)
def _weights(shape: tuple[int, int]) -> np.ndarray:
    """Less towards the edges, where an image that moves shows something else."""
    return cv2.createHanningWindow(shape[::-1], cv2.CV_32F)
