"""From data folders to batches: what is trained on, what is held out, and their loaders."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
import os
from pathlib import Path
import signal
from zlib import crc32

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from siamx_ros.errors import InputError
from siamx_ros.training.pairs import PairDataset
from siamx_ros.training.pictures import PictureSet, read_pictures
from siamx_ros.training.distributed import Process
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.sources import LargeSource, read_sources
from siamx_ros.training.validation import as_input

VALIDATION_PAIRS = 512
VALIDATION_SEED = 2 ** 31
GRACE = 5
"""Seconds that the training process has to end the others in order, after a signal to all."""


@dataclass(frozen=True)
class TrainingData:
    """Pictures to train on and pictures that are held out.

    Attributes:
        folder, held_out: both parts of the training folder; None without one.
        sources, held_out_sources: both parts of the other data sets.
    """

    folder: PictureSet | None
    held_out: PictureSet | None
    sources: list[LargeSource]
    held_out_sources: list[LargeSource]

    def checksum(self) -> int:
        """A number of what is trained on: scenes and boxes of the folder, boxes of the sources."""
        parts = [entry.boxes for source in self.sources for entry in source.entries]
        if self.folder is not None:
            parts += [np.array(self.folder.scenes), np.array(self.folder.plain)]
            parts += [boxes for _, boxes in self.folder.boxed + self.folder.videos]
        return crc32(b''.join(np.array(part.shape).tobytes() + part.tobytes() for part in parts))


def read_data(folder: Path | None, config: TrainConfig) -> TrainingData:
    """Read the training folder into memory and list the other data sets.

    Raises:
        InputError: there is nothing to train on, or what is there cannot be used.
    """
    if folder is None and not config.sources:
        raise InputError('there is nothing to train on: name a training folder or sources')
    sources, kept = read_sources(config)
    if folder is None:
        return TrainingData(None, None, sources, kept)
    return TrainingData(read_pictures(folder, config), read_pictures(folder, config, held_out=True),
                        sources, kept)


def training_loader(data: TrainingData, config: TrainConfig, process: Process,
                    step: int) -> DataLoader:
    """Batches from a step on; every process of a run gets its own share of each step's pairs.

    From now on OpenCV has one thread in this process, if pairs are made in others: those are
    forked, its pool of threads does not come along, and a worker would wait for it for ever.
    """
    if config.workers:
        cv2.setNumThreads(1)
    start, total = (n * config.batch * process.count for n in (step, config.steps))
    dataset = PairDataset(
        data.folder, config, start=start, length=total - start, seed=config.seed,
        sources=data.sources)
    return DataLoader(
        dataset, batch_size=config.batch, num_workers=config.workers,
        sampler=range(process.rank, len(dataset), process.count),
        pin_memory=process.device.type == 'cuda',
        worker_init_fn=_give_way if process.device.type == 'cpu' else _heed_no_signal)


def _heed_no_signal(_worker: int) -> None:
    """Leave it to the training process, which gets what is sent to all too, to end the others.

    SIGTERM has them end a while later: where the training process fails, it sends that alone.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))


def _give_way(worker: int) -> None:
    """Make pairs in the time that the training step leaves of its cores."""
    _heed_no_signal(worker)
    os.nice(10)


def validation_loader(data: TrainingData, config: TrainConfig) -> DataLoader:
    """Always the same pairs: of the training folder's held-out part, or of the sources' without it.

    Raises:
        InputError: nothing is held out, or no pair of it shows its target.
    """
    config = config.replace({'folder_weight': 1.0})
    try:
        dataset = PairDataset(
            data.held_out, config, length=VALIDATION_PAIRS, seed=VALIDATION_SEED,
            sources=() if data.held_out else data.held_out_sources)
    except InputError as error:
        raise InputError(f'nothing is held out for validation: {error}') from None
    plans = copy(dataset)
    plans.finish = lambda plan: np.isfinite(plan.box).all()
    if not any(plans[index] for index in range(len(plans))):
        raise InputError('no pair to validate on shows its target: lower augment.negative, got '
                         f'{config.augment.negative:g}, or augment.hard_negative, got '
                         f'{config.augment.hard_negative:g}')
    return DataLoader(dataset, batch_size=config.batch)


def to_inputs(batch, device: torch.device) -> tuple[torch.Tensor, ...]:
    """Template, search (B x 3 x S x S float, BGR), boxes, scenes and extents.

    See :class:`LossModule`.
    """
    template, search, boxes, scenes, extents = batch
    return (as_input(template, device), as_input(search, device), boxes.to(device), scenes,
            extents.to(device))
