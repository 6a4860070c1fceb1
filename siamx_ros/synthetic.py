"""Small generated clips with known boxes, for tests: a textured target over a textured background.

Only numpy and OpenCV. The same arguments give the same pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Iterator

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox

LEAST_VISIBLE = 0.1
"""Below this visible share a target counts as absent and its box is NaN."""


class GeneratedClip(ABC):
    """A clip that is also a source: iterable, with name, fps and frame_count.

    Args:
        boxes: N x 4, the whole target in pixels, of each frame.
        visible_shares: N, share of the target's area that is seen, 0 to 1.

    Attributes:
        boxes_xywh: frame_count x 4, the whole target in pixels; NaN while it cannot be seen.
        visible_shares: frame_count, share of the target's area that is seen, 0 to 1.
    """

    name: str
    fps = 30.0

    def __init__(self, boxes: np.ndarray, visible_shares: np.ndarray) -> None:
        self.frame_count = len(boxes)
        self.visible_shares = visible_shares
        self.boxes_xywh = np.where((visible_shares >= LEAST_VISIBLE)[:, None], boxes, np.nan)

    def __len__(self) -> int:
        return self.frame_count

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the images, H x W x 3 uint8 BGR."""
        return (self.image(index) for index in range(self.frame_count))

    @property
    def first_box(self) -> BoundingBox:
        """The box of frame 0."""
        return BoundingBox.from_xywh(self.boxes_xywh[0])

    def image(self, index: int) -> np.ndarray:
        """Render one frame, H x W x 3 uint8 BGR.

        Raises:
            IndexError: there is no such frame.
        """
        if not 0 <= index < self.frame_count:
            raise IndexError(f'frame {index} of a clip of {self.frame_count}')
        return self._rendered(index)

    @abstractmethod
    def _rendered(self, index: int) -> np.ndarray:
        """One frame that is there, H x W x 3 uint8 BGR."""


class SyntheticClip(GeneratedClip):
    """A textured rectangle that moves over a textured background; see :func:`sequence`."""

    name = 'synthetic'

    def __init__(self, *, image_size: tuple[int, int], target_size: tuple[int, int],
                 centres: np.ndarray, occluded: tuple[int, int], noise: float, seed: int,
                 twin_centres: np.ndarray | None = None) -> None:
        """Prepare background, target and occluder; see :func:`sequence`."""
        rng = np.random.default_rng(seed)
        self._size = image_size
        self._background = texture(image_size[1], image_size[0], rng, contrast=45.0)
        self._target = _patches(target_size[1], target_size[0], rng)
        cover = (round(target_size[0] * 1.6) + 8, round(target_size[1] * 1.6) + 8)
        self._cover = texture(cover[1], cover[0], rng, contrast=25.0)
        self._centres = np.asarray(centres, dtype=np.float64)
        self._twin_centres = twin_centres
        self._occluded = occluded
        self._noise, self._seed = noise, seed
        corners = self._centres - np.array(target_size) / 2
        sizes = np.broadcast_to(np.array(target_size, np.float64), corners.shape)
        boxes = np.concatenate([corners, sizes], axis=1)
        shares = np.array([BoundingBox.from_xywh(box).visible_share(*image_size) for box in boxes])
        shares[occluded[0]:occluded[1]] = 0.0
        super().__init__(boxes, shares)

    def _rendered(self, index: int) -> np.ndarray:
        canvas = self._background.astype(np.float32)
        centre = self._centres[index]
        if self._twin_centres is not None:
            _paste(canvas, self._target, self._twin_centres[index])
        _paste(canvas, self._target, centre)
        if self._occluded[0] <= index < self._occluded[1]:
            _paste(canvas, self._cover, centre)
        rng = np.random.default_rng((self._seed, index))
        canvas += rng.normal(0.0, self._noise, canvas.shape).astype(np.float32)
        return np.clip(canvas + 0.5, 0, 255).astype(np.uint8)


def sequence(*, frames: int = 60, image_size: tuple[int, int] = (320, 240),
             target_size: tuple[int, int] = (48, 36), speed: float = 3.0,
             centres: np.ndarray | None = None, occluded: tuple[int, int] = (0, 0),
             noise: float = 2.0, seed: int = 0,
             twin_centres: np.ndarray | None = None) -> SyntheticClip:
    """Make a clip of a textured rectangle that moves over a textured background.

    Args:
        frames: number of frames; ignored if ``centres`` is given.
        image_size: width and height in pixels.
        target_size: width and height of the target in pixels.
        speed: greatest speed of the default path, a flat eight, in pixels per frame.
        centres: N x 2 target centres in pixels; let them leave the image to make it leave.
        occluded: first frame and the one after the last in which something covers the target.
        noise: standard deviation of the pixel noise, grey levels.
        twin_centres: N x 2 centres of something that looks as the target does, and is behind it
            where they meet; None for nothing.

    Raises:
        InputError: there would be no frame, the target is not seen in the first, or the twin has
            another number of frames.
    """
    if centres is None:
        centres = _eight(frames, image_size, target_size, speed)
    clip_centres = np.asarray(centres, dtype=np.float64)
    if clip_centres.ndim != 2 or clip_centres.shape[1:] != (2,) or not len(clip_centres):
        raise InputError(f'centres must be N x 2 with N > 0, got shape {clip_centres.shape}')
    if twin_centres is not None and np.shape(twin_centres) != clip_centres.shape:
        raise InputError(f'twin_centres must be {len(clip_centres)} x 2 as centres are, got shape '
                         f'{np.shape(twin_centres)}')
    clip = SyntheticClip(image_size=image_size, target_size=target_size, centres=clip_centres,
                         occluded=occluded, noise=noise, seed=seed, twin_centres=twin_centres)
    if np.isnan(clip.boxes_xywh[0]).any():
        raise InputError('the target must be seen in the first frame')
    return clip


def texture(height: int, width: int, rng: np.random.Generator, *,
            contrast: float = 40.0) -> np.ndarray:
    """Random clouds with detail at all scales, height x width x 3 uint8 BGR."""
    total = np.zeros((height, width, 3), np.float32)
    cell = max(4, max(height, width) // 4)
    weight = 1.0
    while cell >= 2:
        shape = (height // cell + 2, width // cell + 2)
        grey = rng.normal(0, 1, (*shape, 1)) + 0.4 * rng.normal(0, 1, (*shape, 3))
        layer = cv2.resize(grey.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        total += weight * layer
        cell, weight = cell // 2, weight * 0.7
    total *= contrast / max(float(total.std()), 1e-6)
    return np.clip(total + 120, 0, 255).astype(np.uint8)


def _patches(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A target of saturated patches, unlike the clouds around it."""
    colours = rng.choice(np.array([20, 235], np.uint8), (4, 5, 3))
    return cv2.resize(colours, (width, height), interpolation=cv2.INTER_NEAREST)


def _eight(frames: int, image_size: tuple[int, int], target_size: tuple[int, int],
           speed: float) -> np.ndarray:
    """Centres along a flat eight that stays inside the image."""
    room = np.maximum((np.array(image_size) - np.array(target_size)) / 2 - 2, 0)
    reach = room * (0.8, 0.6)
    step = speed / max(float(np.hypot(reach[0], 2 * reach[1])), 1e-6)
    phase = np.arange(frames) * step
    offset = np.stack([reach[0] * np.sin(phase), reach[1] * np.sin(2 * phase)], axis=1)
    return np.array(image_size) / 2 + offset


def _paste(canvas: np.ndarray, patch: np.ndarray, centre: np.ndarray) -> None:
    """Blend a patch into the float canvas at a sub-pixel centre."""
    height, width = patch.shape[:2]
    left, top = centre[0] - width / 2, centre[1] - height / 2
    x0, y0 = int(np.floor(left)), int(np.floor(top))
    shift = np.array([[1, 0, left - x0], [0, 1, top - y0]])
    size = (width + 1, height + 1)
    colours = cv2.warpAffine(patch.astype(np.float32), shift, size)
    alpha = cv2.warpAffine(np.ones((height, width), np.float32), shift, size)[..., None]
    rows = slice(max(y0, 0), min(y0 + size[1], canvas.shape[0]))
    columns = slice(max(x0, 0), min(x0 + size[0], canvas.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    inner = (slice(rows.start - y0, rows.stop - y0), slice(columns.start - x0, columns.stop - x0))
    view = canvas[rows, columns]
    view *= 1 - alpha[inner]
    view += colours[inner]
