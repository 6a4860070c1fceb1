"""Many trackers over many sequences: resumable, in one process or several."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
import logging
import multiprocessing
import os
from pathlib import Path
import shutil
import signal
import threading
from typing import Callable, Iterator

import numpy as np
from tqdm import tqdm

from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError
from siamx_ros.evaluation import image_checksums, results
from siamx_ros.evaluation.kits.submission import remove_official
from siamx_ros.evaluation.runner import (
    Run, SequenceError, Tracker, run_sequence)
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.tracking.process import use_threads

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Campaign:
    """What to run and where to keep it.

    Attributes:
        folder: results folder, None to keep nothing.
        overwrite: drop results of another configuration instead of refusing.
        jobs: processes; with more than one, frames per second are those of a busy machine.
        threads: threads of each process for torch and OpenCV, 0 for their own choice.
        protocol: 'once', or 'restart' five frames after every failure (VOT short-term).

    Raises:
        InputError: two sequences share a name, under which their results would be kept.
    """

    specs: tuple[TrackerSpec, ...]
    sequences: tuple[Sequence, ...]
    folder: Path | None = None
    overwrite: bool = False
    jobs: int = 1
    threads: int = 0
    protocol: str = 'once'

    def __post_init__(self) -> None:
        names = [sequence.name for sequence in self.sequences]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f'there are several sequences of the name {twice[0]!r}, which must be '
                             'unique')


def run_campaign(campaign: Campaign) -> dict[str, list[Run]]:
    """Run what is not in the results folder yet, and read back what is.

    A sequence that a tracker cannot be run over is left out, which is logged at the end.

    Returns:
        Name of the tracker -> one run per sequence that every tracker was run over, in the order
        of the sequences.

    Raises:
        InputError: see :func:`~siamx_ros.evaluation.results.open_folder`, or no sequence can be
            run; finished runs are kept.
    """
    images = {} if campaign.folder is None else image_checksums.checksums(campaign.sequences)
    done = {} if campaign.folder is None else _read_finished(campaign, images)
    todo = [(spec, sequence) for spec in campaign.specs for sequence in campaign.sequences
            if (spec.name, sequence.name) not in done]
    if done:
        LOGGER.info('%d of %d runs are read back from %s, with the speed of then', len(done),
                    len(done) + len(todo), campaign.folder)
    refused: list[SequenceError] = []
    frames = sum(len(sequence.frame_paths) for _, sequence in todo)
    work = _in_processes if campaign.jobs > 1 and len(todo) > 1 else _in_this_process
    with tqdm(total=frames, unit='frame', dynamic_ncols=True, disable=not todo) as bar:
        for spec, run in work(campaign, todo, bar):
            if isinstance(run, SequenceError):
                refused.append(run)
                continue
            if campaign.folder is not None:
                image_checksums.note(campaign.folder / spec.name, run.name, images[run.name])
                results.write_run(campaign.folder / spec.name, run)
            done[spec.name, run.name] = run
    for error in refused:
        LOGGER.warning('left out: %s', error)
    return _of_every_tracker(campaign, done, refused)


def _of_every_tracker(campaign: Campaign, done: dict[tuple[str, str], Run],
                      refused: list[SequenceError]) -> dict[str, list[Run]]:
    """The runs over those sequences that every tracker has: only they can be compared."""
    kept = [sequence.name for sequence in campaign.sequences
            if all((spec.name, sequence.name) in done for spec in campaign.specs)]
    if refused and not kept:
        raise refused[0]
    return {spec.name: [done[spec.name, name] for name in kept] for spec in campaign.specs}


def _read_finished(campaign: Campaign, images: dict[str, str]) -> dict[tuple[str, str], Run]:
    """Make or check the results folders and read what they hold.

    Nothing is deleted before all trackers are known to be there.
    """
    prints = {campaign.folder / spec.name: {**spec.fingerprint(), 'protocol': campaign.protocol}
              for spec in campaign.specs}
    if campaign.overwrite:
        _remove([folder for folder in prints if folder.exists()])
    done = {}
    for folder, fingerprint in prints.items():
        results.open_folder(folder, fingerprint)
        for sequence in campaign.sequences:
            if results.run_path(folder, sequence.name).exists():
                run = results.read_run(folder, sequence.name)
                _check_fits(run, sequence, folder, campaign.protocol)
                image_checksums.refuse_other(folder, sequence.name, images[sequence.name])
                done[folder.name, sequence.name] = run
    return done


def _remove(folders: list[Path]) -> None:
    """Delete trackers' results with the official files of them, and nothing that is not one."""
    for folder in folders:
        if not (folder / results.FINGERPRINT).exists():
            raise InputError(f'{folder} is no results folder of ours and is not deleted')
    for folder in folders:
        remove_official(folder.parent, [folder.name])
        shutil.rmtree(folder.parent / 'plots' / folder.name, ignore_errors=True)
        shutil.rmtree(folder)


def _check_fits(run: Run, sequence: Sequence, folder: Path, protocol: str) -> None:
    """Refuse a run that was read back and cannot stand for one over this sequence."""
    if not np.array_equal(run.truth, sequence.boxes_xywh, equal_nan=True):
        raise InputError(f'{folder} holds results of {sequence.name} with other frames or boxes; '
                         'give another --out, or --overwrite')
    if protocol == 'restart' and run.codes is None:
        raise InputError(f'{folder} holds results of an earlier version, which did not note the '
                         'new starts; give another --out, or --overwrite')


def _tried(work: Callable[[], Run]) -> Run | SequenceError:
    """A run, or why there is none of this sequence."""
    try:
        return work()
    except SequenceError as error:
        return error


def _in_this_process(campaign: Campaign, todo: list[tuple[TrackerSpec, Sequence]],
                     bar: tqdm) -> Iterator[tuple[TrackerSpec, Run | SequenceError]]:
    use_threads(campaign.threads)
    kept = _Kept()
    try:
        for spec, sequence in todo:
            bar.set_postfix_str(f'{spec.name} {sequence.name}')
            yield spec, _tried(partial(
                _pass(campaign.protocol), kept.tracker(spec), sequence, bar.update))
    finally:
        kept.drop()


def _in_processes(campaign: Campaign, todo: list[tuple[TrackerSpec, Sequence]],
                  bar: tqdm) -> Iterator[tuple[TrackerSpec, Run | SequenceError]]:
    context = multiprocessing.get_context('spawn')
    numbers = context.Queue()
    for number in range(campaign.jobs):
        numbers.put(number)
    longest_first = sorted(todo, key=lambda item: -len(item[1].frame_paths))
    with ProcessPoolExecutor(campaign.jobs, context, _start_worker,
                             (numbers, campaign.threads)) as pool:
        try:
            futures = {pool.submit(_work, spec, sequence, campaign.protocol): spec
                       for spec, sequence in longest_first}
            for future in as_completed(futures):
                run = _tried(future.result)
                bar.update(0 if isinstance(run, SequenceError) else len(run.boxes))
                yield futures[future], run
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


class _Kept:
    """The last tracker that was built: several sequences share it."""

    def __init__(self) -> None:
        self.spec: TrackerSpec | None = None
        self.device = ''
        self._tracker: Tracker | None = None

    def tracker(self, spec: TrackerSpec) -> Tracker:
        """The tracker of a specification; another one that was kept is closed."""
        if spec != self.spec:
            self.drop()
            self._tracker = spec.on_device(self.device).build()
            self.spec = spec
        return self._tracker

    def drop(self) -> None:
        """Close the tracker that is kept."""
        if self._tracker is not None:
            self._tracker.close()
        self.spec = self._tracker = None


_worker = _Kept()
"""Of a worker process only: what it keeps between two pieces of work."""


def _start_worker(numbers: multiprocessing.Queue, threads: int) -> None:
    """Give this worker its GPU, if there are several, and its threads; it ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the parent ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_threads(threads)
    import torch
    gpus, number = torch.cuda.device_count(), numbers.get()
    _worker.device = f'cuda:{number % gpus}' if gpus > 1 else ''


def _end_with_parent() -> None:
    """Wait for the parent process, which may be killed, and end this one."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _work(spec: TrackerSpec, sequence: Sequence, protocol: str) -> Run:
    return _pass(protocol)(_worker.tracker(spec), sequence)


def _pass(protocol: str) -> Callable[..., Run]:
    """The function that runs a tracker over a sequence."""
    if protocol == 'once':
        return run_sequence
    from siamx_ros.evaluation.kits.restarts import run_with_restarts
    return run_with_restarts
