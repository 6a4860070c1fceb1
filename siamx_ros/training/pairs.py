"""Template/search pairs, each made from its own random numbers (paper, Sec. III-E)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from torch.utils.data import Dataset

from siamx_ros.geometry import BoundingBox, context_side
from siamx_ros.model.network import TEMPLATE_SIZE
from siamx_ros.training import augment
from siamx_ros.training.augment import Placement
from siamx_ros.training.pictures import PictureSet
from siamx_ros.training.settings import AugmentConfig, TrainConfig

SEARCH_SIZE = 255
"""Side of the search patch in training, pixels."""
NO_TARGET = np.full(4, np.nan, np.float32)


@dataclass(frozen=True)
class Sample:
    """A target in two pictures; ``still`` when both are the same photograph."""

    image_z: np.ndarray
    box_z: BoundingBox
    image_x: np.ndarray
    box_x: BoundingBox | None
    still: bool


class PairDataset(Dataset):
    """``length`` pairs; pair i depends on (seed, i) alone, so a run resumes exactly.

    Item: template 127 x 127 x 3 uint8 BGR, search 255 x 255 x 3 uint8 BGR, and the box in the
    search patch as corners (float32, pixels; NaN when the target is not in it).
    """

    def __init__(self, pictures: PictureSet, config: TrainConfig, *, start: int = 0,
                 length: int, seed: int) -> None:
        self.pictures, self.config = pictures, config
        self.start, self.length, self.seed = start, length, seed
        self.mixture = _mixture(pictures, config)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not 0 <= index < self.length:
            raise IndexError(index)
        rng = np.random.default_rng((self.seed, self.start + index))
        sample = self._draw(rng)
        if rng.random() < self.config.augment.negative:
            other = self._draw(rng)
            sample = Sample(sample.image_z, sample.box_z, other.image_z, None, False)
            return make_pair(sample, other.box_z, self._borrow(rng), rng, self.config.augment)
        anchor = sample.box_x or sample.box_z
        return make_pair(sample, anchor, self._borrow(rng), rng, self.config.augment)

    def _draw(self, rng: np.random.Generator) -> Sample:
        kind = rng.choice(3, p=self.mixture)
        if kind == 2:
            return _video_sample(self.pictures, rng, self.config.frame_range)
        if kind == 0:
            image_index, boxes = self.pictures.boxed[rng.integers(len(self.pictures.boxed))]
            box = BoundingBox.from_xywh(boxes[rng.integers(len(boxes))])
        else:
            image_index = self.pictures.plain[rng.integers(len(self.pictures.plain))]
            box = free_region(self.pictures.images[image_index], rng)
        image = self.pictures.images[image_index]
        return Sample(image, box, image, box, True)

    def _borrow(self, rng: np.random.Generator) -> tuple[np.ndarray, BoundingBox]:
        """A foreign target, for occluders and distractors."""
        sample = self._draw(rng)
        return sample.image_z, sample.box_z


def free_region(image: np.ndarray, rng: np.random.Generator) -> BoundingBox:
    """A random textured rectangle of a photograph; the most textured of a few tries."""
    height, width = image.shape[:2]
    best, best_texture = None, -1.0
    for _ in range(4):
        size = min(height, width) * np.exp(rng.uniform(np.log(0.08), np.log(0.5)))
        aspect = np.exp(rng.uniform(-0.9, 0.9))
        w = min(width - 2.0, max(8.0, size * np.sqrt(aspect)))
        h = min(height - 2.0, max(8.0, size / np.sqrt(aspect)))
        x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
        texture = float(image[int(y):int(y + h), int(x):int(x + w)].std())
        if texture > best_texture:
            best, best_texture = BoundingBox(x, y, w, h), texture
        if texture > 25:
            break
    return best


def make_pair(sample: Sample, anchor: BoundingBox, foreign: tuple[np.ndarray, BoundingBox],
              rng: np.random.Generator,
              config: AugmentConfig) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut and alter both patches of a sample.

    Args:
        anchor: what the search patch is placed around; the target, or a foreign object when the
            target is absent.
        foreign: picture and box of another target, for occluders and distractors.
    """
    mirrored = rng.random() < config.flip
    place_z = _template_place(sample.box_z, mirrored, rng, config)
    place_x = _search_place(anchor, mirrored, sample.still, rng, config)
    backdrop = template_backdrop = None
    if sample.still and rng.random() < config.backdrop:
        backdrop = cv2.resize(foreign[0], (SEARCH_SIZE, SEARCH_SIZE))
        template_backdrop = np.ascontiguousarray(backdrop[64:64 + TEMPLATE_SIZE, 64:64 + TEMPLATE_SIZE])
    template = augment.cut(
        sample.image_z, sample.box_z, place_z, TEMPLATE_SIZE, template_backdrop)
    search = augment.cut(sample.image_x, anchor, place_x, SEARCH_SIZE, backdrop)
    box = place_x.box(anchor, SEARCH_SIZE)
    if rng.random() < config.distractor:
        _add_distractor(search, box, foreign, rng)
    if rng.random() < config.occluder:
        _add_occluder(search, box, foreign, rng)
    template, search = _alter(template, search, rng, config)
    return template, search, box if sample.box_x is not None else NO_TARGET


def _template_place(box: BoundingBox, mirrored: bool, rng: np.random.Generator,
                    config: AugmentConfig) -> Placement:
    step = context_side(box.w, box.h) / TEMPLATE_SIZE
    scale = 1 + rng.uniform(-config.template_scale, config.template_scale, 2)
    shift = rng.uniform(-config.template_shift, config.template_shift, 2)
    return Placement(step * scale[0] * (-1 if mirrored else 1), step * scale[1], 0.0, *shift)


def _search_place(box: BoundingBox, mirrored: bool, still: bool, rng: np.random.Generator,
                  config: AugmentConfig) -> Placement:
    step = context_side(box.w, box.h) / TEMPLATE_SIZE
    scale = 1 + rng.uniform(-config.search_scale, config.search_scale, 2)
    shift = rng.uniform(-config.search_shift, config.search_shift, 2)
    angle = 0.0
    if still:
        scale = scale * (1 + rng.uniform(-config.still_scale, config.still_scale))
        angle = np.deg2rad(rng.uniform(-config.still_rotation, config.still_rotation))
        mirrored = mirrored != (rng.random() < config.still_flip)
    return Placement(
        step * scale[0] * (-1 if mirrored else 1), step * scale[1], float(angle), *shift)


def _alter(template: np.ndarray, search: np.ndarray, rng: np.random.Generator,
           config: AugmentConfig) -> tuple[np.ndarray, np.ndarray]:
    """Colour, blur, resolution and noise; resolution and greyness strike both patches alike."""
    if rng.random() < config.coarse:
        factor = np.exp(rng.uniform(0, np.log(7)))
        template = augment.coarsen(template, factor)
        search = augment.coarsen(search, factor * rng.uniform(0.85, 1.2))
    if rng.random() < config.grey:
        template, search = augment.blend_grey(template, 0.0), augment.blend_grey(search, 0.0)
    patches = []
    for patch in (template, search):
        patch = augment.recolour(patch, rng, config.colour)
        if rng.random() < config.blur:
            patch = augment.blur(patch, rng)
        if rng.random() < config.noise:
            patch = augment.add_noise(patch, rng)
        patches.append(np.ascontiguousarray(patch))
    return patches[0], patches[1]


def _add_occluder(search: np.ndarray, box: np.ndarray, foreign: tuple[np.ndarray, BoundingBox],
                  rng: np.random.Generator) -> None:
    """Cover a part of the target, at most about half of it, with another picture."""
    w, h = box[2] - box[0], box[3] - box[1]
    along_x = rng.random() < 0.5
    share = rng.uniform(0.2, 0.5)
    size = (w * share, h * rng.uniform(0.8, 1.3)) if along_x else (w * rng.uniform(0.8, 1.3), h * share)
    x = box[0] + rng.uniform(-0.1, 1.1 - share) * w if along_x else box[0] - 0.1 * w
    y = box[1] - 0.1 * h if along_x else box[1] + rng.uniform(-0.1, 1.1 - share) * h
    augment.paste(search, _foreign_patch(foreign, size), x, y)


def _add_distractor(search: np.ndarray, box: np.ndarray, foreign: tuple[np.ndarray, BoundingBox],
                    rng: np.random.Generator) -> None:
    """Paste another object beside the target."""
    w, h = box[2] - box[0], box[3] - box[1]
    size = np.array([w, h]) * rng.uniform(0.6, 1.3)
    angle = rng.uniform(0, 2 * np.pi)
    reach = rng.uniform(1.1, 1.6)
    x = (box[0] + box[2]) / 2 + np.cos(angle) * reach * max(w, size[0]) - size[0] / 2
    y = (box[1] + box[3]) / 2 + np.sin(angle) * reach * max(h, size[1]) - size[1] / 2
    augment.paste(search, _foreign_patch(foreign, size), x, y)


def _foreign_patch(foreign: tuple[np.ndarray, BoundingBox], size) -> np.ndarray:
    """A foreign target, resized to (w, h) patch pixels (at least 4, at most the patch)."""
    image, box = foreign
    x0, y0, x1, y1 = box.clipped(image.shape[1], image.shape[0]).corners
    cutout = image[int(y0):max(int(y1), int(y0) + 1), int(x0):max(int(x1), int(x0) + 1)]
    w, h = (int(np.clip(value, 4, SEARCH_SIZE)) for value in size)
    return cv2.resize(cutout, (w, h), interpolation=cv2.INTER_AREA)


def _video_sample(pictures: PictureSet, rng: np.random.Generator, frame_range: int) -> Sample:
    """Two frames of one video at most ``frame_range`` apart; the template's target is visible."""
    frames, boxes = pictures.videos[rng.integers(len(pictures.videos))]
    visible = np.flatnonzero(np.isfinite(boxes).all(1) & (boxes[:, 2:].min(1) >= 4))
    i = int(visible[rng.integers(len(visible))])
    near = visible[np.abs(visible - i) <= frame_range]
    j = int(near[rng.integers(len(near))])
    return Sample(
        pictures.images[frames[i]], BoundingBox.from_xywh(boxes[i]),
        pictures.images[frames[j]], BoundingBox.from_xywh(boxes[j]), False)


def _mixture(pictures: PictureSet, config: TrainConfig) -> np.ndarray:
    """Shares of photographs, free regions and videos, of those that there are."""
    shares = np.array([
        config.photos if pictures.boxed else 0,
        config.regions if pictures.plain else 0,
        config.videos if pictures.videos else 0], np.float64)
    return shares / shares.sum()
