"""How a target is seen again after an absence: size, side, and what it comes out from behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, Sequence

import cv2
import numpy as np

from siamx_ros.errors import InputError

PAN = 0.3
"""Largest pan after the return, as a share of the image's width and height."""
LARGEST_ZOOM = 4.0
SMALLEST = 8.0
"""Least width and height of a target that is made smaller, pixels."""
ENTRY = 12
"""Images within which a target that enters by a side has come to its place."""
VISIBLE = 0.5
"""Share of a target that is seen, from which on it counts as present."""
COVER = 1.2
"""Width of what hides the target, relative to the target's."""
ABSENT = np.full(4, np.nan)


@dataclass(frozen=True)
class Return:
    """What is asked of a return; the defaults only pan.

    Attributes:
        zoom: the target is up to so many times larger or smaller than it would have been.
        other_side: it enters by the left or right side of the image, the one farther from where it
            was last seen.
        occlusion: images within which it comes out from behind a band as high as the image.

    Raises:
        InputError: a value out of range.
    """

    zoom: float = 1.0
    other_side: bool = False
    occlusion: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.zoom <= LARGEST_ZOOM:
            raise InputError(f'--zoom must be 1 to {LARGEST_ZOOM:g}, got {self.zoom:g}')
        if self.occlusion < 0:
            raise InputError(f'--occlusion must be at least 0, got {self.occlusion}')


@dataclass(frozen=True)
class Chance:
    """What is left to chance in a return; drawn whole, so that one seed pans alike in all.

    Attributes:
        pan: -PAN to PAN of the image's width and height.
        zoom: logarithm relative to that of the largest zoom, -1 to 1.
        leftwards: whether what hides the target moves off to the left.
    """

    pan: np.ndarray
    zoom: float
    leftwards: bool

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Chance:
        """Draw one."""
        return cls(rng.uniform(-PAN, PAN, 2), rng.uniform(-1, 1), bool(rng.integers(2)))


class ReturnCamera:
    """The camera after the return: it has panned, and may have zoomed and turn further.

    Args:
        boxes: of the frames it shows, N x 4, NaN while absent.
        last: where the target was last seen.
        size: (width, height) of the images.
    """

    def __init__(self, manner: Return, chance: Chance, boxes: np.ndarray, last: np.ndarray,
                 size: tuple[int, int]) -> None:
        self._size, seen = np.array(size), boxes[np.isfinite(boxes).all(1)]
        enters = manner.other_side and len(seen) > 0 and bool(np.isfinite(last).all())
        zoom = _allowed_zoom(manner.zoom ** chance.zoom, seen, self._size)
        self._resized = np.maximum(1, np.round(self._size * zoom)).astype(int)
        self._zoom = self._resized / self._size
        middle = (self._size - self._resized) / 2
        pan, centres = chance.pan * self._size, _centres(seen)
        if enters:
            mirrored = size[0] - (last[0] + last[2] / 2)
            pan[0] = mirrored - (centres[0, 0] * self._zoom[0] + middle[0])
        inside = np.clip(centres, 0, self._size)  # a zoom may take these out, and the pan back in
        pan = _allowed(pan, inside * self._zoom + middle, self._size)
        self._pan = np.round(middle + pan)
        self._entry = 0.0
        if enters:
            x, _, width, _ = self._moved(seen[0], self._pan)
            self._entry = size[0] - x if mirrored > size[0] / 2 else -(x + width)

    def show(self, image: np.ndarray, box: np.ndarray,
             index: int) -> tuple[np.ndarray, np.ndarray]:
        """An image (H x W x 3) and a box (x, y, w, h), ``index`` images after the return.

        The edge fills what comes into view: a mirror would show the target twice.
        """
        shift = self._pan + [round(self._entry * max(0.0, 1 - index / ENTRY)), 0]
        if (self._resized != self._size).any():
            shrinks = self._resized[0] < self._size[0]
            image = cv2.resize(image, self._resized.tolist(),
                               interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
        image = cv2.warpAffine(image, matrix, self._size.tolist(), flags=cv2.INTER_NEAREST,
                               borderMode=cv2.BORDER_REPLICATE)
        return image, self._moved(box, shift)

    def _moved(self, box: np.ndarray, shift: np.ndarray) -> np.ndarray:
        return box * [*self._zoom, *self._zoom] + [*shift, 0, 0]


def returned(images: Iterator[np.ndarray], boxes: np.ndarray, last: np.ndarray, away: np.ndarray,
             manner: Return, chance: Chance) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and boxes of a return: a box counts where at least half of it is in view.

    Args:
        images: H x W x 3 uint8 BGR.
        boxes: one for each, x, y, w, h, NaN while absent.
        last: where the target was last seen.
        away: what is seen on the band that hides it, an image of the same size.
    """
    size = away.shape[1::-1]
    camera, slow = ReturnCamera(manner, chance, boxes, last, size), manner.occlusion
    for index, (image, box) in enumerate(zip(images, boxes)):
        image, box = camera.show(image, box, index)
        seen = _inside(box, size)
        if slow and np.isfinite(box).all():
            image = _hidden(image, box, away, index / slow, chance.leftwards)
            seen *= min(index / slow, 1.0)
        yield image, box if seen >= VISIBLE else ABSENT


def _hidden(image: np.ndarray, box: np.ndarray, away: np.ndarray, uncovered: float,
            leftwards: bool) -> np.ndarray:
    """The image with a band of ``away`` that leaves a share of the box's width uncovered."""
    width = max(1, round(box[2] * COVER))
    first = round(box[0] - box[2] * uncovered + box[2] - width if leftwards
                  else box[0] + box[2] * uncovered)
    columns = np.arange(max(first, 0), min(first + width, image.shape[1]))
    image = image.copy()
    image[:, columns] = away[:, (columns - first) % image.shape[1]]
    return image


def _inside(box: np.ndarray, size: Sequence[int]) -> float:
    """Share of a box inside the image, 0 of none."""
    low, high = np.maximum(box[:2], 0), np.minimum(box[:2] + box[2:], size)
    return float(np.prod(np.maximum(high - low, 0)) / np.prod(box[2:]))


def _allowed_zoom(zoom: float, seen: np.ndarray, size: np.ndarray) -> float:
    """The zoom, made milder where the target would fill the image, leave it, or all but vanish."""
    if not len(seen):
        return zoom
    extent = np.maximum(seen[:, 2:].max(0), np.ptp(_centres(seen), axis=0))
    return float(min(max(zoom, min(1.0, SMALLEST / seen[:, 2:].min())),
                     max(1.0, (size / extent).min())))


def _allowed(pan: np.ndarray, centres: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The pan, made smaller where it would carry a visible target's centre out of the image."""
    return np.clip(pan, -centres.min(0), size - centres.max(0)) if len(centres) else pan


def _centres(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, :2] + boxes[:, 2:] / 2
