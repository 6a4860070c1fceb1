"""Result files as the benchmarks' kits and servers read them.

Every writer writes one run of a tracker below a folder; boxes are ``x,y,w,h`` a line.
"""

from __future__ import annotations

from pathlib import Path
import shutil
from typing import Callable, Iterable

import numpy as np

from siamx_ros.data.sequence import Sequence
from siamx_ros.evaluation.kits import restarts
from siamx_ros.evaluation.kits.one_pass import repeat_invalid
from siamx_ros.evaluation.runner import Run
from siamx_ros.whole_files import write_text

Writer = Callable[[Path, str, Run, Sequence], None]
OFFICIAL = 'official'
"""Folder of all these files in a results folder."""
FIGURES = 'figures.json'
"""File in it with the kit's figures of every tracker."""


def remove_official(folder: Path, trackers: Iterable[str]) -> None:
    """Delete from a results folder what any writer wrote for these trackers, and the figures."""
    official = folder / OFFICIAL
    (official / FIGURES).unlink(missing_ok=True)
    for tracker in trackers:
        for place in (tracker, f'{tracker}_tracking_result', f'GOT-10k/{tracker}'):
            if (official / place).exists():
                shutil.rmtree(official / place)


def write_boxes(pattern: str, offset: int = 0, decimals: int = 6) -> Writer:
    """A writer of one file, its path by ``{tracker}`` and ``{name}``; pixels count from offset."""
    def write(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
        path = folder / pattern.format(tracker=tracker, name=sequence.name)
        write_text(path, ''.join(_line(box + [offset, offset, 0, 0], decimals) + '\n'
                                 for box in held_boxes(run)))
    return write


def write_got10k(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``GOT-10k/<tracker>/<name>/<name>_001.txt`` and ``<name>_time.txt``, seconds a frame."""
    target = folder / 'GOT-10k' / tracker / sequence.name
    write_boxes('{name}_001.txt', decimals=4)(target, tracker, run, sequence)
    write_text(target / f'{sequence.name}_time.txt',
               ''.join(f'{seconds:.8e}\n' for seconds in run.seconds))


def write_vot(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``<tracker>/baseline/<name>/<name>_001.txt``: 1 for a start, 2 a failure, 0 skipped."""
    lines = [_line(box, 4) if code == restarts.TRACKED else str(code)
             for box, code in zip(run.boxes, run.codes)]
    _write_vot(folder / tracker / 'baseline', sequence.name, lines, run)


def write_vot_long_term(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``<tracker>/longterm/<name>/<name>_001.txt`` and ``<name>_001_confidence.value``."""
    boxes = held_boxes(run)
    lines = [str(restarts.INIT) if index == run.start else
             str(restarts.SKIPPED) if index < run.start else _line(boxes[index], 4)
             for index in range(len(boxes))]
    target = folder / tracker / 'longterm'
    _write_vot(target, sequence.name, lines, run)
    values = ['nan' if index <= run.start else f'{value:.6f}'  # the kit takes a blank for 0
              for index, value in enumerate(run.confidence)]
    write_text(target / sequence.name / f'{sequence.name}_001_confidence.value',
               '\n'.join(values) + '\n')


def _write_vot(folder: Path, name: str, lines: list[str], run: Run) -> None:
    write_text(folder / name / f'{name}_001.txt', '\n'.join(lines) + '\n')
    write_text(folder / name / f'{name}_001_time.value',
               ''.join(f'{seconds:.6f}\n' for seconds in run.seconds))


def held_boxes(run: Run) -> np.ndarray:
    """N x 4 x, y, w, h: the boxes, the last one again where there is none, as kits want it."""
    return repeat_invalid(run.boxes, run.boxes[run.start])


def _line(box: np.ndarray, decimals: int) -> str:
    return ','.join(f'{value:.{decimals}f}' for value in box)
