"""Many trackers over many sequences: resumable, in one process or several."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
import logging
import multiprocessing
from pathlib import Path
import shutil
from typing import Callable, Iterator

import numpy as np
from tqdm import tqdm

from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError
from siamx_ros.evaluation import results
from siamx_ros.evaluation.runner import Run, TwoVerbTracker, run_sequence
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.tracking.process import use_threads

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Campaign:
    """What to run and where to keep it.

    Attributes:
        specs: the trackers.
        sequences: what they run over.
        folder: results folder, None to keep nothing.
        overwrite: drop results of another configuration instead of refusing.
        jobs: processes; with more than one, frames per second are those of a busy machine.
        threads: threads of each process for torch and OpenCV, 0 for their own choice.
        protocol: 'once', or 'restart' five frames after every failure (VOT short-term).
    """

    specs: tuple[TrackerSpec, ...]
    sequences: tuple[Sequence, ...]
    folder: Path | None = None
    overwrite: bool = False
    jobs: int = 1
    threads: int = 0
    protocol: str = 'once'


def run_campaign(campaign: Campaign) -> dict[str, list[Run]]:
    """Run what is not in the results folder yet, and read back what is.

    Returns:
        Name of the tracker -> one run per sequence, in the order of the sequences.

    Raises:
        InputError: see :func:`~siamx_ros.evaluation.results.open_folder` and
            :func:`~siamx_ros.evaluation.runner.run_sequence`; finished runs are kept.
    """
    done = {} if campaign.folder is None else _read_finished(campaign)
    todo = [(spec, sequence) for spec in campaign.specs for sequence in campaign.sequences
            if (spec.name, sequence.name) not in done]
    if done:
        LOGGER.info('%d of %d runs are read back from %s', len(done),
                    len(done) + len(todo), campaign.folder)
    frames = sum(len(sequence.frame_paths) for _, sequence in todo)
    work = _in_processes if campaign.jobs > 1 and len(todo) > 1 else _in_this_process
    with tqdm(total=frames, unit='frame', dynamic_ncols=True, disable=not todo) as bar:
        for spec, run in work(campaign, todo, bar):
            if campaign.folder is not None:
                results.write_run(campaign.folder / spec.name, run)
            done[spec.name, run.name] = run
    return {spec.name: [done[spec.name, sequence.name] for sequence in campaign.sequences]
            for spec in campaign.specs}


def _read_finished(campaign: Campaign) -> dict[tuple[str, str], Run]:
    done = {}
    for spec in campaign.specs:
        folder = campaign.folder / spec.name
        if campaign.overwrite and folder.exists():
            _remove(folder)
        results.open_folder(folder, {**spec.fingerprint(), 'protocol': campaign.protocol})
        for sequence in campaign.sequences:
            if results.run_path(folder, sequence.name).exists():
                run = results.read_run(folder, sequence.name)
                _check_same_truth(run, sequence, folder)
                done[spec.name, sequence.name] = run
    return done


def _remove(folder: Path) -> None:
    """Delete a tracker's results, and nothing that is not one."""
    if not (folder / results.FINGERPRINT).exists():
        raise InputError(f'{folder} is no results folder of ours and is not deleted')
    shutil.rmtree(folder)


def _check_same_truth(run: Run, sequence: Sequence, folder: Path) -> None:
    same = np.array_equal(
        run.truth[run.start:], sequence.boxes_xywh[run.start:], equal_nan=True)
    if not same:
        raise InputError(f'{folder} holds results of {sequence.name} with other frames or boxes; '
                         'give another --out, or --overwrite')


def _in_this_process(campaign: Campaign, todo: list[tuple[TrackerSpec, Sequence]],
                     bar: tqdm) -> Iterator[tuple[TrackerSpec, Run]]:
    use_threads(campaign.threads)
    kept = _Kept()
    try:
        for spec, sequence in todo:
            bar.set_postfix_str(f'{spec.name} {sequence.name}')
            yield spec, _pass(campaign.protocol)(kept.tracker(spec), sequence, bar.update)
    finally:
        kept.drop()


def _in_processes(campaign: Campaign, todo: list[tuple[TrackerSpec, Sequence]],
                  bar: tqdm) -> Iterator[tuple[TrackerSpec, Run]]:
    context = multiprocessing.get_context('spawn')
    numbers = context.Queue()
    for number in range(campaign.jobs):
        numbers.put(number)
    longest_first = sorted(todo, key=lambda item: -len(item[1].frame_paths))
    with ProcessPoolExecutor(campaign.jobs, context, _start_worker,
                             (numbers, campaign.threads)) as pool:
        futures = {pool.submit(_work, spec, sequence, campaign.protocol): spec
                   for spec, sequence in longest_first}
        try:
            for future in as_completed(futures):
                run = future.result()
                bar.update(len(run.boxes))
                yield futures[future], run
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Kept:
    """The last tracker that was built: several sequences share it."""

    def __init__(self) -> None:
        self.spec: TrackerSpec | None = None
        self.device = ''
        self._tracker: TwoVerbTracker | None = None

    def tracker(self, spec: TrackerSpec) -> TwoVerbTracker:
        """The tracker of a specification; another one that was kept is closed."""
        if spec != self.spec:
            self.drop()
            self._tracker = spec.on_device(self.device).build()
            self.spec = spec
        return self._tracker

    def drop(self) -> None:
        """Close the tracker that is kept, where it can be closed."""
        close = getattr(self._tracker, 'close', None)
        if close is not None:
            close()
        self.spec = self._tracker = None


_worker = _Kept()
"""Of a worker process only: what it keeps between two pieces of work."""


def _start_worker(numbers: multiprocessing.Queue, threads: int) -> None:
    """Give this worker its GPU, if there are several, and its threads."""
    use_threads(threads)
    import torch
    gpus, number = torch.cuda.device_count(), numbers.get()
    _worker.device = f'cuda:{number % gpus}' if gpus > 1 else ''


def _work(spec: TrackerSpec, sequence: Sequence, protocol: str) -> Run:
    return _pass(protocol)(_worker.tracker(spec), sequence)


def _pass(protocol: str) -> Callable[..., Run]:
    """The function that runs a tracker over a sequence."""
    if protocol == 'once':
        return run_sequence
    from siamx_ros.evaluation.kits.vot import run_with_restarts
    return run_with_restarts
