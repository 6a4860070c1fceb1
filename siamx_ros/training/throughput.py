"""How many pairs a second the loader makes, the device prepares, and training uses up."""

from __future__ import annotations

from pathlib import Path
import time
from typing import Callable

import torch

from siamx_ros.training.loading import TrainingData, training_loader
from siamx_ros.training.distributed import Process
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.run import Run

SECONDS = 15.0
"""How long each part is measured."""
WARM_UP = 3
"""Batches before the clock starts."""


def benchmark(data: TrainingData, config: TrainConfig, process: Process) -> list[tuple[str, float]]:
    """Measure the parts of training one after another; nothing is written.

    Returns:
        (what was measured, pairs/s), in the order of the work: loader alone, preparation of a
        loaded batch on the device, a frozen backbone included, optimiser step on a prepared batch,
        and all of it together; of all processes together.
    """
    endless = config.replace({'steps': 10 ** 9, 'frozen': float(config.frozen == 1)})
    run = Run(Path(), endless, process)
    run.schedule()
    batch = next(iter(training_loader(data, endless.replace({'workers': 0}), process, 0)))
    prepared = run.prepare(0, batch)
    loader = iter(training_loader(data, endless, process, 0))
    batches = run.batches(training_loader(data, endless, process, 0))
    rows = [
        (f'loader alone ({config.workers} workers)', lambda: next(loader)),
        ('batch to the device', lambda: run.prepare(0, batch)),
        ('training step alone', lambda: run.optimise(*prepared)),
        ('training', lambda: run.optimise(*next(batches)))]
    with run.threads(0):
        return [(name, config.batch * process.count / _seconds(work, process))
                for name, work in rows]


def _seconds(work: Callable[[], object], process: Process) -> float:
    """Mean duration of one piece of work, which all processes do equally often."""
    for _ in range(WARM_UP):
        work()
    _wait(process.device)
    count, begin, over = 0, time.perf_counter(), False
    while not over:
        work()
        count += 1
        over = process.any(time.perf_counter() - begin >= SECONDS)
    _wait(process.device)
    return (time.perf_counter() - begin) / count


def _wait(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)
