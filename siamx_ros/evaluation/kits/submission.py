"""Result files as the benchmarks' kits and servers read them.

Every function writes one run of a tracker below a folder; boxes are ``x,y,w,h`` a line.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamx_ros.data.sequence import Sequence
from siamx_ros.evaluation.kits import restarts
from siamx_ros.evaluation.kits.one_pass import repeat_invalid
from siamx_ros.evaluation.results import write_whole
from siamx_ros.evaluation.runner import Run


def write_lasot(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``<tracker>_tracking_result/<name>.txt``, pixels from 1."""
    _write(folder / f'{tracker}_tracking_result' / f'{sequence.name}.txt', _held(run), offset=1)


def write_got10k(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``GOT-10k/<tracker>/<name>/<name>_001.txt`` and ``<name>_time.txt``, seconds a frame."""
    target = folder / 'GOT-10k' / tracker / sequence.name
    _write(target / f'{sequence.name}_001.txt', _held(run), decimals=4)
    write_whole(target / f'{sequence.name}_time.txt',
                ''.join(f'{seconds:.8e}\n' for seconds in run.seconds))


def write_trackingnet(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``<tracker>/<name>.txt``; the server takes a zip of the folder."""
    _write(folder / tracker / f'{sequence.name}.txt', _held(run))


def write_otb(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``<tracker>/<name>.txt``, pixels from 1."""
    _write(folder / tracker / f'{sequence.name}.txt', _held(run), offset=1)


def write_360vot(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``<tracker>/<name>.txt``."""
    _write(folder / tracker / f'{sequence.name}.txt', _held(run), decimals=4)


def write_vot(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``<tracker>/baseline/<name>/<name>_001.txt``: 1 for a start, 2 a failure, 0 skipped."""
    lines = [_line(box, 4) if code == restarts.TRACKED else str(code)
             for box, code in zip(run.boxes, run.codes)]
    _write_vot(folder / tracker / 'baseline', sequence.name, lines, run)


def write_vot_long_term(folder: Path, tracker: str, run: Run, sequence: Sequence) -> None:
    """``<tracker>/longterm/<name>/<name>_001.txt`` and ``<name>_001_confidence.value``."""
    boxes = _held(run)
    lines = [str(restarts.INIT) if index == run.start else
             str(restarts.SKIPPED) if index < run.start else _line(boxes[index], 4)
             for index in range(len(boxes))]
    target = folder / tracker / 'longterm'
    _write_vot(target, sequence.name, lines, run)
    values = ['' if index <= run.start else f'{value:.6f}'
              for index, value in enumerate(run.confidence)]
    write_whole(target / sequence.name / f'{sequence.name}_001_confidence.value',
                '\n'.join(values) + '\n')


def _write_vot(folder: Path, name: str, lines: list[str], run: Run) -> None:
    write_whole(folder / name / f'{name}_001.txt', '\n'.join(lines) + '\n')
    write_whole(folder / name / f'{name}_time.value',
                ''.join(f'{seconds:.6f}\n' for seconds in run.seconds))


def _held(run: Run) -> np.ndarray:
    """The boxes, without gaps: kits want a box in every frame."""
    return repeat_invalid(run.boxes, run.boxes[run.start])


def _write(path: Path, boxes: np.ndarray, offset: int = 0, decimals: int = 6) -> None:
    write_whole(path, ''.join(_line(box + [offset, offset, 0, 0], decimals) + '\n'
                              for box in boxes))


def _line(box: np.ndarray, decimals: int) -> str:
    return ','.join(f'{value:.{decimals}f}' for value in box)
