"""Training from a folder to checkpoints: what the command ``train`` does."""

from __future__ import annotations

import logging
from pathlib import Path
import time

import yaml

from siamx_ros.training.curves import draw_curves, keep_rows
from siamx_ros.training.loading import read_data
from siamx_ros.training.distributed import join
from siamx_ros.training.run import Run
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.whole_files import write_whole

LOG = logging.getLogger(__name__)


def train(data: Path | None, out: Path, config: TrainConfig, *, device: str = 'auto',
          resume: bool = False, initial: Path | None = None, backbone: Path | None = None,
          max_minutes: float = 0.0) -> float:
    """Train until ``config.steps`` (or the time is up), logging and saving every epoch.

    Args:
        data: training folder (see :func:`siamx_ros.training.pictures.read_pictures`); None for
            the sources of the settings alone.
        out: run folder.
        resume: continue ``out/last.pt``; with one process on a CPU the result equals that of an
            unbroken run bit for bit, on a GPU its pairs and rates do, but not its rounding.
        initial: checkpoint whose weights to start from.
        backbone: weights of others to start the backbone from (see :func:`start_backbone`).
        max_minutes: stop after the first epoch that ends later than this; 0 for never.

    Returns:
        The best overlap on held-out pairs, -1 if none was finite; -1 also in all processes but the
        main one, which alone validates.

    Raises:
        InputError: the data or the file to resume from cannot be used.
    """
    process = join(device)
    run = Run(out, config, process)
    if resume:
        run.restore(out / 'last.pt')
    else:
        run.start_from(initial, backbone)
    content = read_data(data, config)
    if process.is_main_process:
        if run.data not in (None, content.checksum()):
            LOG.warning('the run goes on with other data than it was trained on before')
        write_whole(out / 'config.yaml', yaml.safe_dump(config.to_dict()).encode('utf-8'))
        keep_rows(out, run.step)
        if not resume:  # of a run that was broken off before it could be resumed
            (out / 'best.pt').unlink(missing_ok=True)
    run.data = content.checksum()
    deadline = time.monotonic() + 60 * max_minutes if max_minutes else float('inf')
    run.fit(content, deadline)
    if process.is_main_process and (out / 'log.csv').exists():
        draw_curves(out)
    process.leave()
    return run.best
