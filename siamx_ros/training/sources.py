"""Published data sets beside the training folder: pictures are decoded when they are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
import logging
import os
from zlib import crc32

import numpy as np
from tqdm import tqdm

from siamx_ros.data.annotation import TRAIN, Photo, Video
from siamx_ros.data.catalogue import DATASETS
from siamx_ros.errors import InputError
from siamx_ros.training.cache import PictureCache
from siamx_ros.training.pictures import MIN_TARGET, usable
from siamx_ros.training.samples import Sample, photo_sample, video_sample
from siamx_ros.training.train_config import SourceSpec, TrainConfig

LOG = logging.getLogger(__name__)
HELD_OUT_EVERY = 50
"""Of so many photographs or videos of a source, the last is kept for validation."""


@dataclass(frozen=True)
class LargeSource:
    """Photographs or videos of one data set, with a memory shared among the sources."""

    spec: SourceSpec
    entries: tuple[Photo | Video, ...]
    cache: PictureCache

    @property
    def weight(self) -> float:
        return self.spec.weight

    def draw(self, rng: np.random.Generator) -> Sample:
        """A photograph's target twice, or a video's in two frames."""
        entry = self.entries[rng.integers(len(self.entries))]
        if isinstance(entry, Photo):
            return photo_sample(lambda shrink: self.cache.read(entry.path, shrink, entry.size),
                                entry.boxes, rng, _scene(entry), shrinks=True)
        return video_sample(lambda index, shrink: self.cache.read(entry.frame(index), shrink),
                            entry.boxes, self.spec.frame_range, rng, _scene(entry), shrinks=True)


def _scene(entry: Photo | Video) -> int:
    """A number of a photograph or of a video's recording, above all of a training folder's."""
    name = entry.path if isinstance(entry, Photo) else entry.recording or entry.folder
    return 2 ** 32 + crc32(os.fsencode(name))


def read_sources(config: TrainConfig) -> tuple[list[LargeSource], list[LargeSource]]:
    """The data sets that ``config.sources`` names; their pictures stay on the disk.

    Returns:
        Those to train on, and the held-out part of each: every 50th photograph or recording.

    Raises:
        InputError: a data set is missing, empty or not for training, or a part of it is damaged
            and ``bad_files`` is 'refuse'.
    """
    share = config.cache_mb * 1e6 / (max(1, config.workers) + 1)
    caches = PictureCache(share), PictureCache(share)  # one is used in a thread of its own
    training, held_out = [], []
    for spec in config.source_specs:
        entries = _entries(spec, config)
        recordings = list(dict.fromkeys(map(_scene, entries)))
        scenes = set(recordings[HELD_OUT_EVERY - 1::HELD_OUT_EVERY])
        parts = ([entry for entry in entries if (_scene(entry) in scenes) == kept]
                 for kept in (False, True))
        for part, cache, sources in zip(parts, caches, (training, held_out)):
            if part:
                sources.append(LargeSource(spec, tuple(part), cache))
    return training, held_out


def _entries(spec: SourceSpec, config: TrainConfig) -> list[Photo | Video]:
    """All photographs or videos with a target; damaged ones are named and left out."""
    if not spec.path.is_dir():
        raise InputError(f'there is no folder {spec.path} for the source {spec.kind}')
    entries, skipped = [], 0
    for read in tqdm(DATASETS[spec.kind][TRAIN](spec.path), desc=spec.kind, unit='entry'):
        try:
            entry = read()
            if config.bad_files == 'refuse':
                _require_files(entry)
        except InputError as error:
            if config.bad_files == 'refuse':
                raise
            LOG.warning('skipped: %s', error)
            skipped += 1
            continue
        entry = _with_targets(entry)
        if entry is not None:
            entries.append(entry)
    if not entries:
        raise InputError(f'{spec.path} holds no training data in the layout of {spec.kind}')
    if skipped:
        LOG.warning('%s: %d entries skipped, %d used', spec.kind, skipped, len(entries))
    return entries


def _with_targets(entry: Photo | Video) -> Photo | Video | None:
    """The entry with its usable boxes alone; None without any."""
    if isinstance(entry, Video):
        return entry if usable(entry.boxes).any() else None
    boxes = entry.boxes[usable(entry.boxes) & (entry.boxes[:, 2:] >= MIN_TARGET).all(1)]
    return replace(entry, boxes=boxes) if len(boxes) else None


def _require_files(entry: Photo | Video) -> None:
    """Raise an InputError unless the photograph, or first and last frame, are there."""
    paths = [entry.path] if isinstance(entry, Photo) else [
        entry.frame(0), entry.frame(len(entry.boxes) - 1)]
    for path in paths:
        if not path.is_file():
            raise InputError(f'{path} is missing')
