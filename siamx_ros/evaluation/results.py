"""Results on disk: one folder per tracker, one CSV per sequence, readable without the data.

``<folder>/<tracker>/run.json`` holds the tracker's fingerprint, ``<folder>/<tracker>/<name>.csv``
one line per frame. Numbers are written in full, so that what is read back is what was measured.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.evaluation.runner import Run, Windows
from siamx_ros.files import refuse_no_folder
from siamx_ros.records import TrackState
from siamx_ros.whole_files import write_text

COLUMNS = ('frame', 'x', 'y', 'w', 'h', 'confidence', 'state', 'valid', 'seconds',
           'true_x', 'true_y', 'true_w', 'true_h')
WINDOWS = 'windows'
"""A further column, ``x y side`` of each window with ``|`` between them; results may lack it."""
CODE = 'code'
"""The column after it in a run with restarts: what each frame was."""
FINGERPRINT = 'run.json'


def open_folder(folder: Path, fingerprint: dict[str, Any]) -> None:
    """Make a tracker's results folder, or check that an existing one is of the same tracker.

    Raises:
        InputError: it holds results of another configuration, or cannot be written.
    """
    path = folder / FINGERPRINT
    if path.exists():
        differing = _differences(read_fingerprint(folder), fingerprint)
        if differing:
            raise InputError(
                f'{folder} holds results of another configuration (different: '
                f'{", ".join(differing)}); give another --out, or --overwrite')
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(fingerprint, indent=2, sort_keys=True) + '\n')
    except OSError as error:
        raise InputError(f'cannot write results into {folder}: {error.strerror}') from None


def read_fingerprint(folder: Path) -> dict[str, Any]:
    """The fingerprint of a tracker's results folder.

    Raises:
        InputError: it is missing or damaged.
    """
    path = folder / FINGERPRINT
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise InputError(f'{path} cannot be read: {error}') from None
    if not isinstance(content, dict):
        raise InputError(f'{path} holds no table of settings')
    return content


def write_run(folder: Path, run: Run) -> None:
    """Write one run; the file appears whole or not at all."""
    coded = run.codes is not None
    lines = [','.join([*COLUMNS, WINDOWS, *[CODE] * coded])]
    for index in range(run.start, len(run.boxes)):
        numbers = [*run.boxes[index], run.confidence[index]]
        truth = [repr(float(value)) for value in run.truth[index]]
        lines.append(','.join([
            str(index), *(repr(float(value)) for value in numbers),
            TrackState(run.states[index]).name, str(int(run.valid[index])),
            repr(float(run.seconds[index])), *truth, _windows_text(run, index),
            *([str(int(run.codes[index]))] if coded else [])]))
    write_text(run_path(folder, run.name), '\n'.join(lines) + '\n')


def read_run(folder: Path, name: str) -> Run:
    """Read one run back.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = run_path(folder, name)
    try:
        with open(path, encoding='utf-8', newline='') as file:
            rows = list(csv.DictReader(file))
        start = int(rows[0]['frame'])
        frames = [int(row['frame']) for row in rows]
        columns = {name: np.array([float(row[name]) for row in rows])
                   for name in COLUMNS if name != 'state'}
        states = np.array([int(TrackState[row['state']]) for row in rows])
        windows = [_windows(row.get(WINDOWS) or '') for row in rows]
        codes = np.array([int(row[CODE]) for row in rows]) if CODE in rows[0] else None
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from None
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f'{path} is damaged: {error!r}') from None
    if frames != list(range(start, start + len(rows))):
        raise InputError(f'{path} is damaged: its frames are not consecutive')
    return _assemble(name, start, columns, states, windows, codes)


def run_path(folder: Path, name: str) -> Path:
    """Where a tracker's run over a sequence lies; names of groups ('walk/3') become folders."""
    return folder / f'{name}.csv'


def list_runs(folder: Path) -> list[str]:
    """Names of the sequences with results, sorted."""
    return sorted(str(path.relative_to(folder).with_suffix('')) for path in folder.rglob('*.csv'))


def list_trackers(folder: Path) -> list[str]:
    """Names of the trackers with results in a folder, sorted.

    Raises:
        InputError: there are none.
    """
    refuse_no_folder(folder)
    names = sorted(path.parent.name for path in folder.glob(f'*/{FINGERPRINT}'))
    if not names:
        raise InputError(f'{folder} holds no results (<tracker>/{FINGERPRINT})')
    return names


def json_values(value: Any) -> Any:
    """The same as JSON holds it: NaN and infinities become null."""
    if isinstance(value, dict):
        return {key: json_values(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_values(entry) for entry in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def _windows_text(run: Run, index: int) -> str:
    windows = run.windows[index] if run.windows else ()
    return '|'.join(' '.join(repr(float(value)) for value in window) for window in windows)


def _windows(text: str) -> Windows:
    """Windows as written."""
    found = tuple(tuple(map(float, window.split())) for window in text.split('|') if window)
    if any(len(window) != 3 for window in found):
        raise ValueError(f'windows {text!r}')
    return found


def _assemble(name: str, start: int, columns: dict[str, np.ndarray], states: np.ndarray,
              windows: list[Windows], codes: np.ndarray | None) -> Run:
    """Put the frames before the start back: nothing was known about them."""
    def padded(values: np.ndarray, fill: float) -> np.ndarray:
        head = np.full((start, *values.shape[1:]), fill, values.dtype)
        return np.concatenate([head, values])
    boxes = np.stack([columns[c] for c in ('x', 'y', 'w', 'h')], 1)
    truth = np.stack([columns[c] for c in ('true_x', 'true_y', 'true_w', 'true_h')], 1)
    return Run(
        name, padded(truth, np.nan), padded(boxes, np.nan), padded(columns['confidence'], 0.0),
        padded(states, 0), padded(columns['valid'] > 0, False), padded(columns['seconds'], 0.0),
        start, [()] * start + windows, None if codes is None else padded(codes, 0))


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = '') -> list[str]:
    """Names of the entries that differ; of those that ``old`` lacks, this is said."""
    names = []
    for key in sorted({*old, *new}):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            names += _differences(a, b, f'{prefix}{key}.')
        elif a != b:
            names.append(prefix + key + ('' if key in old else ' is not noted there'))
    return names
