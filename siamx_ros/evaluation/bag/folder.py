"""The results folder of a replay, and the table that compares several."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
import fcntl
import json
import logging
import os
from pathlib import Path
import platform
import shutil
from typing import Any, Iterator

import cv2
import numpy as np

from siamx_ros import __version__
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag.replay_results import (
    FRAME_COLUMNS, Replay, events, frame_rows, write_plots)
from siamx_ros.evaluation.bag.results_bag import write_results_bag
from siamx_ros.evaluation.results import json_values
from siamx_ros.evaluation.tables import cell
from siamx_ros.whole_files import write_text

LOGGER = logging.getLogger(__name__)
SUMMARY = 'summary.json'
WRITTEN = (SUMMARY, 'frames.csv', 'events.jsonl', 'timing.json', 'plots', 'bag', 'node')
"""What a replay leaves in its folder."""
FRESH = '.siamx_new'
"""Where results are written while earlier ones are there."""
COMPARED = ('metrics.auc', 'metrics.success', 'metrics.precision', 'validity.wrong_while_valid',
            'validity.valid_while_absent', 'validity.false_lost', 'losses.losses',
            'losses.detection_delay_s', 'losses.returns_missed', 'losses.time_to_relocalise_s',
            'calibration.error', 'at_arrival.auc', 'frames.processed', 'frames.overwritten')
GROUPED = ('calibration', 'at_arrival')
"""Groups whose figures say too little without their name."""


@contextmanager
def results_folder(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Where to write results, an empty folder.

    If there are earlier ones to be replaced, it lies among them, and takes their place once a
    summary is in it. Until the end no other process gets the folder.

    Raises:
        InputError: see :func:`check_results`, the folder cannot be written, or another process has
            it.
    """
    folder = folder.resolve()
    check_results(folder, overwrite)
    made = not folder.exists()
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(folder))
            replaces = check_results(folder, overwrite)
            place = folder / FRESH if replaces else folder
            if replaces and place.exists():
                shutil.rmtree(place)
            place.mkdir(exist_ok=True)
        except OSError as error:
            raise InputError(f'cannot write results into {folder}: {error.strerror}') from None
        try:
            yield place
        finally:
            if not any(place.iterdir()):
                if replaces or made:
                    place.rmdir()
            elif replaces:
                _settle(folder, place)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Have a folder to oneself; the system gives it back when the process ends, however it does.

    Raises:
        InputError: another process has it.
        OSError: it is gone, or cannot be had on this file system.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f'another process is writing its results into {folder}: wait for '
                             'it, or give another --out') from None
        yield
    finally:
        os.close(handle)


def check_results(folder: Path, overwrite: bool) -> bool:
    """Whether something in a results folder is to be replaced; nothing is done to it.

    Raises:
        InputError: it holds something, and is not to be replaced or is no results folder.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    if not _is_ours(folder):
        raise InputError(f'{folder} is there and no results folder of ours: give another --out')
    if not overwrite:
        raise InputError(f'{folder} is not empty: give another --out, or --overwrite')
    return True


def _settle(folder: Path, fresh: Path) -> None:
    """Replace the earlier results, if the new ones are whole; whatever else is there stays."""
    if not is_replay(fresh):
        LOGGER.warning('the earlier results stay; what was written instead is in %s', fresh)
        return
    for name in WRITTEN:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in sorted(fresh.iterdir(), key=lambda path: path.name == SUMMARY):
        path.rename(folder / path.name)
    fresh.rmdir()


def _is_ours(folder: Path) -> bool:
    """Whether a replay was written into a folder, or broken off before its summary."""
    frames, node = folder / 'frames.csv', folder / 'node' / 'node_parameters.yaml'
    heading = ','.join(FRAME_COLUMNS).encode()
    return (folder / SUMMARY).is_file() or (folder / FRESH).is_dir() or node.is_file() or (
        frames.is_file() and frames.read_bytes().startswith(heading))


def write_replay(folder: Path, replay: Replay, summary: dict[str, Any]) -> list[Path]:
    """Write frames, events, timing, plots, results bag and, last, the summary; returns the files.

    All but ``timing.json`` and its plot are the same bytes for the same replay.

    Returns:
        What was written.
    """
    lines = [','.join(FRAME_COLUMNS), *map(','.join, frame_rows(replay))]
    write_text(folder / 'frames.csv', '\n'.join(lines) + '\n')
    write_text(folder / 'events.jsonl', ''.join(
        json.dumps(json_values(event)) + '\n' for event in events(replay)))
    write_text(folder / 'timing.json', json.dumps(json_values(timing(replay)), indent=2) + '\n')
    plots = write_plots(folder / 'plots', replay)
    write_results_bag(folder / 'bag', replay)
    write_text(folder / SUMMARY, json.dumps(json_values(summary), indent=2) + '\n')
    names = ('frames.csv', 'events.jsonl', 'timing.json', 'bag', SUMMARY)
    return [*(folder / name for name in names), *plots]


def timing(replay: Replay) -> dict[str, Any]:
    """Milliseconds of the tracker alone and frames per second, on this machine and this day."""
    seconds = replay.run.update_seconds * 1e3
    shares = {f'p{share}_ms': float(np.percentile(seconds, share)) if len(seconds) else None
              for share in (50, 95, 100)}
    return {'frames_per_second': replay.run.frames_per_second, **shares}


def versions() -> dict[str, str]:
    """What the figures were made with."""
    from importlib.metadata import version
    return {'siamx_ros': __version__, 'python': platform.python_version(),
            'machine': platform.machine(), 'numpy': np.__version__, 'opencv': cv2.__version__,
            **{name: version(name) for name in ('torch', 'rosbags')}}


def is_replay(folder: Path) -> bool:
    """Whether a folder holds a replay's results."""
    return (folder / SUMMARY).is_file()


def comparison(folders: list[Path]) -> list[list[str]]:
    """One row per results folder; the first row holds the headings.

    Raises:
        InputError: a folder holds no readable summary.
    """
    names = [each.partition('.')[::2] for each in COMPARED]
    rows = [['run', 'bag', 'mode', *(f'{group}.{name}' if group in GROUPED else name
                                     for group, name in names)]]
    for label, folder in zip(_labels(folders), folders):
        summary = read_summary(folder)
        cells = [summary['figures'].get(group, {}).get(name) for group, name in names]
        rows.append([label, summary['bag']['name'], _mode(summary['mode']), *map(cell, cells)])
    return rows


def _labels(folders: list[Path]) -> list[str]:
    """The folders' own names, or as they were given where two have the same."""
    names = [folder.resolve().name for folder in folders]
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _mode(mode: dict[str, Any]) -> str:
    latencies = mode['latency_ms']
    if not latencies:
        return mode['name']
    least, most = min(latencies), max(latencies)
    return f'{mode["name"]} {least:g}{f"-{most:g}" if most > least else ""} ms'


def read_summary(folder: Path) -> dict[str, Any]:
    """The summary of a replay.

    Raises:
        InputError: it is missing or damaged.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding='utf-8'))
        return {**summary, 'bag': dict(summary['bag']), 'mode': dict(summary['mode']),
                'figures': dict(summary['figures'])}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f'{folder / SUMMARY} is no summary of a replay: {error!r}') from None
