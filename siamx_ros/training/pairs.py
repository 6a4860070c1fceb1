"""Template/search pairs, each made from its own random numbers (paper, Sec. III-E)."""

from __future__ import annotations

import logging
from typing import Callable, Sequence

import numpy as np
from torch.utils.data import Dataset

from siamx_ros.errors import InputError
from siamx_ros.config import BACKBONES
from siamx_ros.geometry import SEARCH_SIZE, TEMPLATE_SIZE
from siamx_ros.training import augment
from siamx_ros.training.pictures import PictureSet
from siamx_ros.training.plans import PairPlan, make_plan
from siamx_ros.training.samples import Sample, Source, folder_sources
from siamx_ros.training.train_config import TrainConfig

LOG = logging.getLogger(__name__)
OTHERS = 10
"""Samples drawn for one that does not show the same target."""
TRIES = 100
"""Pairs drawn in place of one whose files cannot be read."""


def render(plan: PairPlan) -> tuple[np.ndarray, ...]:
    """Carry out a plan with OpenCV.

    Returns:
        template 127 x 127 x 3 uint8 BGR, search 255 x 255 x 3 uint8 BGR, the box in the search
        patch as corners (float32, pixels; NaN when the target is not in it), both scenes (int64),
        and the target's corners in the template (float32, pixels).
    """
    image_z, box_z, shrink = plan.template.view(plan.place_z.step)
    place_z = plan.place_z.shrunk(shrink)
    image_x, box_x, shrink = plan.search.view(plan.place_x.step)
    place_x = plan.place_x.shrunk(shrink)
    backdrop = template_backdrop = None
    if plan.backdrop and (
            augment.leaves(image_z, place_z.matrix(box_z, TEMPLATE_SIZE), TEMPLATE_SIZE)
            or augment.leaves(image_x, place_x.matrix(box_x, SEARCH_SIZE), SEARCH_SIZE)):
        backdrop = plan.backdrop_picture(SEARCH_SIZE)
        template_backdrop = np.ascontiguousarray(
            backdrop[64:64 + TEMPLATE_SIZE, 64:64 + TEMPLATE_SIZE])
    template = augment.cut(image_z, box_z, place_z, TEMPLATE_SIZE, template_backdrop)
    search = augment.cut(image_x, box_x, place_x, SEARCH_SIZE, backdrop)
    if plan.elastic is not None:
        search = augment.deformed(search, plan.elastic)
    for place in filter(None, (plan.distractor, plan.occluder)):
        left, top, width, height = place
        augment.paste(search, plan.foreign_picture(width, height), left, top)
    for change in plan.changes_z:
        template = change(template)
    for change in plan.changes_x:
        search = change(search)
    return (np.ascontiguousarray(template), np.ascontiguousarray(search), plan.box,
            np.array(plan.scenes), plan.extent)


class PairDataset(Dataset):
    """``length`` pairs; pair i depends on (seed, i) and the data alone: a resumed run has the same.

    A pair whose files cannot be read is named and replaced by another one of its own numbers.

    Args:
        start: number of the first pair.
        finish: what makes an item of a plan.
    """

    def __init__(self, pictures: PictureSet | None, config: TrainConfig, *, start: int = 0,
                 length: int, seed: int, sources: Sequence[Source] = (),
                 finish: Callable[[PairPlan], object] = render) -> None:
        self.config, self.finish = config, finish
        self.geometry = BACKBONES[config.network.backbone].geometry
        self.start, self.length, self.seed = start, length, seed
        self.sources = [*(folder_sources(pictures, config) if pictures else ()), *sources]
        weights = np.array([source.weight for source in self.sources], np.float64)
        if not weights.sum() > 0:
            raise InputError('there is nothing to draw pairs from: no boxes or all weights are 0')
        self.mixture = weights / weights.sum()
        self._named: set[str] = set()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> object:
        if not 0 <= index < self.length:
            raise IndexError(index)
        number, reason = (self.seed, self.start + index), ''
        for attempt in range(TRIES):
            rng = np.random.default_rng((*number, attempt) if attempt else number)
            try:
                return self.finish(self._plan(rng))
            except InputError as error:
                reason = str(error)
                self._name(reason)
        raise InputError(f'{TRIES} pairs in a row could not be made; the last one: {reason}')

    def _plan(self, rng: np.random.Generator) -> PairPlan:
        sample = self._draw(rng)
        if rng.random() < self.config.augment.negative:
            other = self._draw_beside(sample, rng)
            if other is not None:
                sample = Sample(sample.template, other.search, still=False,
                                scenes=(sample.scenes[0], other.scenes[1]), present=False)
        foreign = self._draw_beside(sample, rng)
        return make_plan(
            sample, foreign and foreign.template, rng, self.config.augment, self.geometry)

    def _draw_beside(self, sample: Sample, rng: np.random.Generator) -> Sample | None:
        """A sample of a scene that another has no part in; None where there seems to be none."""
        for _ in range(OTHERS):
            other = self._draw(rng)
            if other.scenes[0] not in sample.scenes:
                return other
        return None

    def _draw(self, rng: np.random.Generator) -> Sample:
        return self.sources[rng.choice(len(self.sources), p=self.mixture)].draw(rng)

    def _name(self, reason: str) -> None:
        """Say once a process what could not be read."""
        if reason not in self._named:
            self._named.add(reason)
            LOG.warning('another pair is drawn: %s', reason)
