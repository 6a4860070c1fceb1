"""The log of a training run, ``log.csv``, and the curves drawn from it."""

from __future__ import annotations

import csv
import logging
from pathlib import Path
from typing import Mapping

from siamx_ros.errors import InputError
from siamx_ros.figures import new_figure, save_figure
from siamx_ros.whole_files import write_text

LOG = logging.getLogger(__name__)
COLUMNS = ('step', 'rate', 'loss', 'cls', 'reg', 'iou', 'hit', 'score', 'score_absent',
           'pairs_per_s')
PANELS = (
    ('loss', ('loss', 'cls', 'reg')), ('held-out pairs', ('iou', 'hit')),
    ('score', ('score', 'score_absent')), ('learning rate', ('rate',)))
"""Title and columns of each panel."""


def add_row(folder: Path, row: Mapping[str, float]) -> None:
    """Add an epoch to the log, the steps as a whole number; the file is there whole or as before.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / 'log.csv'
    before = path.read_text(encoding='utf-8') if path.exists() else ','.join(COLUMNS) + '\n'
    numbers = {name: f'{row[name]:.6g}' for name in COLUMNS}
    write_text(path, before + ','.join({**numbers, 'step': str(row['step'])}.values()) + '\n')


def keep_rows(folder: Path, step: int) -> None:
    """Drop the log's rows of later steps, which will be done again, and those that are incomplete.

    A log without a row that is left is removed.

    Raises:
        OSError: it cannot be written.
    """
    path = folder / 'log.csv'
    if not path.exists():
        return
    head, *rows = path.read_text(encoding='utf-8', errors='replace').splitlines() or ['']
    kept = [row for row in rows if _is_row(row) and float(row.split(',')[0]) <= step]
    if head != ','.join(COLUMNS) and rows:
        LOG.warning('%s is begun anew: its first line does not name the columns', path)
    if kept and head == ','.join(COLUMNS):
        write_text(path, '\n'.join([head, *kept]) + '\n')
    else:
        path.unlink()


def _is_row(line: str) -> bool:
    try:
        return len([float(value) for value in line.split(',')]) == len(COLUMNS)
    except ValueError:
        return False


def read_log(folder: Path) -> list[dict[str, float]]:
    """The rows of a run's ``log.csv``, one for each epoch.

    Raises:
        InputError: there is none, it is empty, or a value in it is no number.
    """
    path = folder / 'log.csv'
    try:
        with path.open(newline='', encoding='utf-8') as file:
            rows = [{name: float(value) for name, value in row.items()}
                    for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise InputError(f'cannot read the log of a training run from {path}: {error}') from None
    wanted = {'step', *(name for _, names in PANELS for name in names)}
    if not rows or not wanted <= set(rows[0]):
        raise InputError(f'{path} is not the log of a training run')
    return rows


def draw_curves(folder: Path) -> Path:
    """Write ``curves.png`` into a run's folder; returns its path.

    Raises:
        InputError: the run has no usable log.
        OSError: it cannot be written.
    """
    rows = read_log(folder)
    steps = [row['step'] for row in rows]
    figure = new_figure(9, 6)
    for axes, (title, names) in zip(figure.subplots(2, 2).flat, PANELS):
        for name in names:
            axes.plot(steps, [row[name] for row in rows], label=name)
        axes.set(xlabel='step', title=title)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return save_figure(figure, folder / 'curves.png')
