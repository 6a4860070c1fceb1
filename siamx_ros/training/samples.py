"""One target in two pictures: what a training pair is made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Callable, Protocol

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.training.pictures import MIN_TARGET, PictureSet, usable
from siamx_ros.training.train_config import TrainConfig

MIN_WHOLE = 3 * MIN_TARGET
"""Smallest side of an object that has parts, pixels."""


@dataclass(frozen=True)
class Target:
    """A box in a picture that is decoded when it is asked for.

    Attributes:
        read: returns the picture, H x W x 3 uint8 BGR; raises InputError where it is damaged.
        shrinks: whether ``read`` takes a number by which the picture is to be smaller.
        box: what a patch is placed around.
        inside: the target, where that is not ``box``.
    """

    read: Callable[..., np.ndarray]
    box: BoundingBox
    inside: BoundingBox | None = None
    shrinks: bool = False

    def view(self, step: float) -> tuple[np.ndarray, BoundingBox, int]:
        """The picture as fine as is needed to sample it every ``step`` pixels.

        Returns:
            The picture, what a patch is placed around in it, and by how much it is smaller than
            the file's picture (1, 2, 4 or 8).

        Raises:
            InputError: it cannot be read, or the target lies outside of it.
        """
        shrink = next(n for n in (8, 4, 2, 1) if n <= max(1.0, step)) if self.shrinks else 1
        image = self.read(shrink) if self.shrinks else self.read()
        target, height, width = self.inside or self.box, *image.shape[:2]
        if target.visible_share(width * shrink, height * shrink) <= 0:
            raise InputError(
                f'box {target} lies outside its picture of {width * shrink}x{height * shrink}')
        return image, BoundingBox(*(value / shrink for value in self.box.xywh)), shrink


@dataclass(frozen=True)
class Sample:
    """A target in two pictures.

    Attributes:
        template, search: the target in each; ``search`` is another one in a negative pair.
        still: whether both are the same photograph.
        scenes: numbers of the photograph, clip or video that the template and the search picture
            are from; where they differ, the one does not show what the other does.
        present: whether the search picture shows the target of the template.
        other_objects: other boxes of the same photograph.
    """

    template: Target
    search: Target
    still: bool
    scenes: tuple[int, int] = (0, 0)
    present: bool = True
    other_objects: tuple[BoundingBox, ...] = ()


class Source(Protocol):
    """Where samples come from."""

    weight: float

    def draw(self, rng: np.random.Generator) -> Sample:
        """A sample by the given random numbers."""


@dataclass(frozen=True)
class Photographs:
    """Boxed photographs of the training folder.

    Attributes:
        parts: probability that the target is a part of the object.
    """

    pictures: PictureSet
    weight: float
    parts: float = 0.0

    def draw(self, rng: np.random.Generator) -> Sample:
        index, boxes = self.pictures.boxed[rng.integers(len(self.pictures.boxed))]
        return photo_sample(
            lambda: self.pictures.images[index], boxes, rng, self.pictures.scenes[index],
            parts=self.parts)


@dataclass(frozen=True)
class Regions:
    """Free regions of photographs and clips of the training folder."""

    pictures: PictureSet
    weight: float

    def draw(self, rng: np.random.Generator) -> Sample:
        index = self.pictures.plain[rng.integers(len(self.pictures.plain))]
        image = self.pictures.images[index]
        target = Target(lambda: image, free_region(image, rng))
        return Sample(target, target, True, (self.pictures.scenes[index],) * 2)


@dataclass(frozen=True)
class Videos:
    """Boxed videos of the training folder."""

    pictures: PictureSet
    weight: float
    frame_range: int

    def draw(self, rng: np.random.Generator) -> Sample:
        frames, boxes = self.pictures.videos[rng.integers(len(self.pictures.videos))]
        return video_sample(
            lambda index: self.pictures.images[frames[index]], boxes, self.frame_range, rng,
            self.pictures.scenes[frames[0]])


def folder_sources(pictures: PictureSet, config: TrainConfig) -> list[Source]:
    """The parts of the training folder that there are, their weights adding up to its weight."""
    shares = [config.photos * bool(pictures.boxed), config.regions * bool(pictures.plain),
              config.videos * bool(pictures.videos)]
    factor = config.folder_weight / (sum(shares) or 1.0)
    photos, regions, videos = (share * factor for share in shares)
    return [Photographs(pictures, photos, config.parts), Regions(pictures, regions),
            Videos(pictures, videos, config.frame_range)]


def photo_sample(read: Callable[..., np.ndarray], boxes: np.ndarray, rng: np.random.Generator,
                 scene: int, shrinks: bool = False, parts: float = 0.0) -> Sample:
    """One of the boxes (N x 4) of a photograph, or with a probability a part of it, twice."""
    chosen = int(rng.integers(len(boxes)))
    box = BoundingBox.from_xywh(boxes[chosen])
    if parts and rng.random() < parts and min(box.w, box.h) >= MIN_WHOLE:
        box = part_of(box, rng)
    target = Target(read, box, shrinks=shrinks)
    other_objects = tuple(BoundingBox.from_xywh(row) for i, row in enumerate(boxes) if i != chosen)
    return Sample(target, target, True, (scene, scene), other_objects=other_objects)


def video_sample(read: Callable[..., np.ndarray], boxes: np.ndarray, frame_range: int,
                 rng: np.random.Generator, scene: int, shrinks: bool = False) -> Sample:
    """Two frames of one video at most ``frame_range`` apart; the target is visible in both."""
    visible = np.flatnonzero(usable(boxes))
    i = int(visible[rng.integers(len(visible))])
    near = visible[np.abs(visible - i) <= frame_range]
    j = int(near[rng.integers(len(near))])
    first, second = (Target(partial(read, index), BoundingBox.from_xywh(boxes[index]),
                            shrinks=shrinks) for index in (i, j))
    return Sample(first, second, False, (scene, scene))


def part_of(box: BoundingBox, rng: np.random.Generator) -> BoundingBox:
    """A random rectangle within a box, as a face or a wheel is: 0.35 to 0.75 of either side."""
    w, h = np.array([box.w, box.h]) * rng.uniform(0.35, 0.75, 2)
    return BoundingBox(
        box.x + rng.uniform(0, box.w - w), box.y + rng.uniform(0, box.h - h), float(w), float(h))


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
