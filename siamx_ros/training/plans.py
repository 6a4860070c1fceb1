"""Every random choice of one training pair, made before a pixel is touched.

A plan is carried out by :func:`siamx_ros.training.pairs.render`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from siamx_ros.geometry import SEARCH_SIZE, TEMPLATE_SIZE, BoundingBox
from siamx_ros.model.network import STRIDE
from siamx_ros.patch_geometry import PatchGeometry, SquareGeometry
from siamx_ros.training.appearance import Changes, appearances
from siamx_ros.training.augment import Placement, elastic_box, target_picture
from siamx_ros.training.samples import Sample, Target
from siamx_ros.training.train_config import AugmentConfig

REACH = 12.5 * STRIDE
"""How far from the patch centre the score map's cells answer for, pixels."""
ZOOM_REACH = 2.5
"""Largest zoom of the search patch, in deviations."""
ELASTIC_WAVES = 6
"""Cosines along each side that deform a patch; the fastest has five half waves."""
NO_TARGET = np.full(4, np.nan, np.float32)
Rectangle = tuple[int, int, int, int]
"""Left, top, width, height in the search patch, pixels."""


@dataclass(frozen=True)
class PairPlan:
    """What both patches of a pair show, and how.

    Attributes:
        template, search: pictures, and what each patch is placed around.
        place_z, place_x: where the patches are cut.
        extent: corners of the target in the template patch, float32.
        box: corners of the target in the search patch, float32; NaN when it is not in it.
        elastic: how the search patch is deformed before anything is pasted into it (see
            :func:`augment.deformed`); None for not at all.
        scenes: of template and search picture (see :class:`Sample`).
        foreign: another target, for backdrop, distractor and occluder; None without these.
        backdrop: whether the foreign picture lies outside the photograph.
        distractor, occluder: where the foreign target is pasted, in this order.
        changes_z, changes_x: how the patches look beside their pictures.
    """

    template: Target
    search: Target
    place_z: Placement
    place_x: Placement
    extent: np.ndarray
    box: np.ndarray
    elastic: np.ndarray | None
    scenes: tuple[int, int]
    foreign: Target | None
    backdrop: bool
    distractor: Rectangle | None
    occluder: Rectangle | None
    changes_z: Changes
    changes_x: Changes

    def foreign_picture(self, width: int, height: int) -> np.ndarray:
        """The foreign target, height x width x 3.

        Raises:
            InputError: its picture cannot be read.
        """
        box = self.foreign.box
        image, box, _ = self.foreign.view(min(box.w / width, box.h / height))
        return target_picture(image, box, width, height)

    def backdrop_picture(self, side: int) -> np.ndarray:
        """The whole foreign picture, side x side x 3.

        Raises:
            InputError: it cannot be read.
        """
        return cv2.resize(self.foreign.view(1.0)[0], (side, side))


def make_plan(sample: Sample, foreign: Target | None, rng: np.random.Generator,
              config: AugmentConfig, geometry: PatchGeometry = SquareGeometry()) -> PairPlan:
    """Choose everything about the pair of a sample."""
    other_object = None
    if sample.other_objects and rng.random() < config.hard_negative:
        other_object = sample.other_objects[rng.integers(len(sample.other_objects))]
    mirrored = rng.random() < config.flip
    place_z = _template_place(sample.template.box, mirrored, rng, config, geometry)
    place_x = _search_place(
        sample.search.box, mirrored, sample.still, rng, config, geometry)
    backdrop = bool(foreign and sample.still and rng.random() < config.backdrop)
    search, box = sample.search, place_x.box(sample.search.box, SEARCH_SIZE)
    around = box
    if other_object is not None:
        search, box = _beside(sample.search, other_object, place_x)
        around = box if np.isfinite(box).all() else place_x.box(search.box, SEARCH_SIZE)
    elastic = None
    if sample.still and config.still_elastic:
        elastic = _elastic(around, rng, config)
        box, around = (elastic_box(corners, elastic, SEARCH_SIZE) for corners in (box, around))
    distractor = occluder = None
    if foreign and rng.random() < config.distractor:
        distractor = _distractor(around, rng)
    if foreign and rng.random() < config.occluder:
        occluder = _occluder(around, rng)
    return PairPlan(sample.template, search, place_z, place_x,
                    place_z.box(sample.template.box, TEMPLATE_SIZE),
                    box if sample.present else NO_TARGET, elastic, sample.scenes, foreign, backdrop,
                    distractor, occluder,
                    *appearances(place_z.step / place_x.step, rng, config))


def _beside(target: Target, other_object: BoundingBox,
            place: Placement) -> tuple[Target, np.ndarray]:
    """Move the search patch, at the target's scale, to another object of the photograph.

    Returns:
        What the patch is placed around, and the target's corners in it: NaN where no part of the
        target is in the patch. Where a part is, but its centre is beyond the score map, neither
        answer would be right, and the patch stays at the target.
    """
    x, y = other_object.centre
    anchor = BoundingBox.from_centre(x, y, target.box.w, target.box.h)
    box = place.box(target.box, SEARCH_SIZE, anchor)
    centre = (box[:2] + box[2:]) / 2
    if (np.abs(centre - SEARCH_SIZE / 2) <= REACH).all():
        return replace(target, box=anchor, inside=target.box), box
    half = place.half_extent(target.box)
    if ((centre + half <= 0) | (centre - half >= SEARCH_SIZE)).any():
        return replace(target, box=anchor, inside=target.box), NO_TARGET
    return target, place.box(target.box, SEARCH_SIZE)


def _template_place(box: BoundingBox, mirrored: bool, rng: np.random.Generator,
                    config: AugmentConfig, geometry: PatchGeometry) -> Placement:
    step_x, step_y = (1 / scale for scale in geometry.template_window(box).scales)
    scale = 1 + rng.uniform(-config.template_scale, config.template_scale, 2)
    shift = rng.uniform(-config.template_shift, config.template_shift, 2)
    return Placement(step_x * scale[0] * (-1 if mirrored else 1), step_y * scale[1], 0.0, *shift)


def _search_place(box: BoundingBox, mirrored: bool, still: bool, rng: np.random.Generator,
                  config: AugmentConfig, geometry: PatchGeometry) -> Placement:
    step_x, step_y = (1 / scale for scale in geometry.search_window(box, SEARCH_SIZE).scales)
    scale = 1 + rng.uniform(-config.search_scale, config.search_scale, 2)
    scale *= np.exp(config.search_zoom * np.clip(rng.standard_normal(), -ZOOM_REACH, ZOOM_REACH))
    shift = rng.uniform(-config.search_shift, config.search_shift, 2)
    angle = 0.0
    if still:
        scale = scale * (1 + rng.uniform(-config.still_scale, config.still_scale))
        angle = np.deg2rad(rng.uniform(-config.still_rotation, config.still_rotation))
        mirrored = mirrored != (rng.random() < config.still_flip)
    return Placement(
        step_x * scale[0] * (-1 if mirrored else 1), step_y * scale[1], float(angle), *shift)


def _elastic(box: np.ndarray, rng: np.random.Generator, config: AugmentConfig) -> np.ndarray:
    """Coefficients of a smooth random shift, both ways alike; its mean stays below the limit."""
    elastic = rng.standard_normal((2, ELASTIC_WAVES, ELASTIC_WAVES)).clip(-2, 2)
    elastic[:, 0, 0] = 0
    size = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
    mean = rng.uniform(0, config.still_elastic) * size
    # the mean square of a product of two cosines is a quarter, and there are two directions
    return elastic * mean / np.sqrt((elastic ** 2).sum() / 4)


def _occluder(box: np.ndarray, rng: np.random.Generator) -> Rectangle:
    """A part of the target, at most about half of it."""
    w, h = box[2] - box[0], box[3] - box[1]
    along_x = rng.random() < 0.5
    share = rng.uniform(0.2, 0.5)
    length = rng.uniform(0.8, 1.3)
    size = (w * share, h * length) if along_x else (w * length, h * share)
    x = box[0] + rng.uniform(-0.1, 1.1 - share) * w if along_x else box[0] - 0.1 * w
    y = box[1] - 0.1 * h if along_x else box[1] + rng.uniform(-0.1, 1.1 - share) * h
    return _rectangle(x, y, size)


def _distractor(box: np.ndarray, rng: np.random.Generator) -> Rectangle:
    """A place beside the target."""
    w, h = box[2] - box[0], box[3] - box[1]
    size = np.array([w, h]) * rng.uniform(0.6, 1.3)
    angle = rng.uniform(0, 2 * np.pi)
    reach = rng.uniform(1.1, 1.6)
    x = (box[0] + box[2]) / 2 + np.cos(angle) * reach * max(w, size[0]) - size[0] / 2
    y = (box[1] + box[3]) / 2 + np.sin(angle) * reach * max(h, size[1]) - size[1] / 2
    return _rectangle(x, y, size)


def _rectangle(x: float, y: float, size) -> Rectangle:
    """Whole pixels, at least 4 and at most the patch wide and high."""
    w, h = (int(np.clip(value, 4, SEARCH_SIZE)) for value in size)
    return round(float(x)), round(float(y)), w, h
