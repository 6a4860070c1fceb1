"""The curves of a training run, drawn from its ``log.csv``."""

from __future__ import annotations

import csv
from pathlib import Path

from siamx_ros.errors import InputError

PANELS = (
    ('loss', ('loss', 'cls', 'reg')), ('held-out pairs', ('iou', 'hit')),
    ('score', ('score', 'score_absent')), ('learning rate', ('rate',)))
"""Title and columns of each panel."""


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
    """
    from matplotlib.figure import Figure
    rows = read_log(folder)
    steps = [row['step'] for row in rows]
    figure = Figure(figsize=(9, 6), layout='constrained')
    for axes, (title, names) in zip(figure.subplots(2, 2).flat, PANELS):
        for name in names:
            axes.plot(steps, [row[name] for row in rows], label=name)
        axes.set(xlabel='step', title=title)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    path = folder / 'curves.png'
    figure.savefig(path, dpi=130, metadata={'Software': None})
    return path
