"""Readers of benchmarks in the folder layouts in which they are published.

Each returns sequences whose ``boxes_xywh`` are in our convention (0-based pixels, NaN where absent)
and whose ``truth`` holds the numbers of the benchmark's own file, as its kit scores them.
"""

from __future__ import annotations

from pathlib import Path
import re
from typing import Callable

import numpy as np

from siamx_ros.data.dataset import read_sequences
from siamx_ros.data.omnidirectional import read_360vot
from siamx_ros.data.sequence import Sequence, absent_as_nan, list_images, read_lines
from siamx_ros.errors import InputError

OTB_FIRST = {'David': 300, 'BlurCar1': 247, 'BlurCar3': 3, 'BlurCar4': 18}
"""OTB sequences whose boxes begin at a later image (counted from 1)."""


def read_benchmark(path: str | Path, kind: str) -> list[Sequence]:
    """All sequences of a benchmark, by name.

    Args:
        path: its root folder.
        kind: a key of :data:`READERS`.

    Raises:
        InputError: an unknown kind, no sequence, or a damaged one.
    """
    if kind not in READERS:
        raise InputError(f'unknown benchmark {kind!r}; known: {", ".join(READERS)}')
    path = Path(path)
    if not path.is_dir():
        raise InputError(f'there is no folder {path}')
    sequences = READERS[kind](path)
    if not sequences:
        raise InputError(f'{path} holds no sequence in the layout of {kind}')
    return sorted(sequences, key=lambda sequence: sequence.name)


def read_lasot(root: Path) -> list[Sequence]:
    """``[<class>/]<name>/{img/,groundtruth.txt,full_occlusion.txt,out_of_view.txt}``, from 1.

    Only the names in ``testing_set.txt``, where there is one.
    """
    folders = [path.parent for path in sorted(root.glob('**/groundtruth.txt'))
               if (path.parent / 'img').is_dir()]
    listed = root / 'testing_set.txt'
    if listed.is_file():
        wanted = set(read_lines(listed))
        folders = [folder for folder in folders if folder.name in wanted]
    return [_lasot_sequence(folder) for folder in folders]


def read_got10k(root: Path) -> list[Sequence]:
    """``[val/]<name>/{*.jpg,groundtruth.txt[,cover.label]}``; of the test set, first boxes only."""
    base = root / 'val' if (root / 'val').is_dir() else root
    sequences = []
    for truth_file in sorted(base.glob('*/groundtruth.txt')):
        folder = truth_file.parent
        cover_file = folder / 'cover.label'
        absent = None
        if cover_file.is_file():
            absent = read_numbers(cover_file, 1)[:, 0] <= 0
        sequences.append(_sequence(folder.name, list_images(folder),
                                   read_numbers(truth_file, 4), absent, first_only=True))
    return sequences


def read_trackingnet(root: Path) -> list[Sequence]:
    """``[TEST/]{frames/<name>/*.jpg,anno/<name>.txt}``; of the test set, first boxes only."""
    base = root / 'TEST' if (root / 'TEST').is_dir() else root
    return [_sequence(path.stem, list_images(base / 'frames' / path.stem), read_numbers(path, 4),
                      first_only=True) for path in sorted((base / 'anno').glob('*.txt'))]


def read_vot(root: Path) -> list[Sequence]:
    """``[sequences/]<name>/{color/,img/,}*.jpg`` and ``groundtruth.txt``, 4 or 8 numbers a line."""
    base = root / 'sequences' if (root / 'sequences').is_dir() else root
    listed = base / 'list.txt'
    names = read_lines(listed) if listed.is_file() else sorted(
        path.parent.name for path in base.glob('*/groundtruth.txt'))
    sequences = []
    for name in names:
        folder = base / name
        images = next(filter(None, map(list_images, (
            folder / 'color', folder / 'img', folder))), ())
        sequences.append(_sequence(name, images, read_numbers(folder / 'groundtruth.txt', 4, 8)))
    return sequences


def read_otb(root: Path) -> list[Sequence]:
    """``<name>/{img/,groundtruth_rect[.N].txt}``, from 1; several targets become ``<name>.N``."""
    sequences = []
    for path in sorted(root.glob('*/groundtruth_rect*.txt')):
        folder, number = path.parent, re.fullmatch(r'groundtruth_rect(\.\d+)?', path.stem)
        if number is None:
            continue
        truth = read_numbers(path, 4)
        first = OTB_FIRST.get(folder.name, 1) - 1
        images = list_images(folder / 'img')
        if len(images) > len(truth):
            images = images[first:first + len(truth)]
        sequences.append(_sequence(folder.name + (number[1] or ''), images, truth, offset=1))
    return sequences


def read_uav(root: Path) -> list[Sequence]:
    """UAV123: ``data_seq/UAV123/<folder>/*.jpg``, ``anno/UAV123/<name>.txt``, ``configSeqs.m``."""
    annotations = root / 'anno' / 'UAV123'
    images = root / 'data_seq' / 'UAV123'
    ranges = _uav_ranges(root)
    sequences = []
    for path in sorted(annotations.glob('*.txt')):
        folder, first, last = ranges.get(path.stem, (path.stem, 1, None))
        sequences.append(_sequence(path.stem, list_images(images / folder)[first - 1:last],
                                   read_numbers(path, 4), offset=1))
    return sequences


READERS: dict[str, Callable[[Path], list[Sequence]]] = {
    'folder': read_sequences, 'lasot': read_lasot, 'got10k': read_got10k,
    'trackingnet': read_trackingnet, 'vot': read_vot, 'votlt': read_vot, 'otb': read_otb,
    'uav': read_uav, '360vot': read_360vot}
"""Name on the command line -> reader of its layout."""


def read_numbers(path: Path, *widths: int) -> np.ndarray:
    """Read lines of numbers between commas or blanks; one of ``widths`` numbers in every line.

    Raises:
        InputError: not readable, or a line that is something else (named by its number).
    """
    rows: list[list[float]] = []
    for number, line in enumerate(read_lines(path), 1):
        try:
            row = [float(part) for part in re.split(r'[,;\s]+', line.strip()) if part]
        except ValueError:
            row = []
        if len(row) == 1 and np.isnan(row[0]):
            row = [np.nan] * (len(rows[0]) if rows else widths[0])
        if len(row) not in widths or (rows and len(row) != len(rows[0])):
            raise InputError(f'{path}, line {number}, must hold {" or ".join(map(str, widths))} '
                             f'numbers, got {line.strip()[:60]!r}')
        rows.append(row)
    return np.array(rows, np.float64).reshape(len(rows), -1)


def polygon_bounds(polygons: np.ndarray) -> np.ndarray:
    """Axis-aligned x, y, w, h (N x 4) around polygons of four corners (N x 8)."""
    x, y = polygons[:, 0::2], polygons[:, 1::2]
    low = np.stack([x.min(1), y.min(1)], 1)
    return np.concatenate([low, np.stack([x.max(1), y.max(1)], 1) - low], 1)


def _lasot_sequence(folder: Path) -> Sequence:
    absent = None
    for name in ('full_occlusion.txt', 'out_of_view.txt'):
        if (folder / name).is_file():
            text = ','.join(read_lines(folder / name))
            flags = np.array([part.strip() == '1' for part in text.split(',')])
            absent = flags if absent is None else absent | flags
    return _sequence(folder.name, list_images(folder / 'img'),
                     read_numbers(folder / 'groundtruth.txt', 4), absent, offset=1)


def _sequence(name: str, images: tuple[Path, ...], truth: np.ndarray,
              absent: np.ndarray | None = None, offset: int = 0,
              first_only: bool = False) -> Sequence:
    """Check the counts and bring boxes into our convention.

    Args:
        offset: 1 for benchmarks that count pixels from 1.
        first_only: whether a single box may stand for a withheld truth.
    """
    if first_only and images and len(truth) == 1:
        truth = np.concatenate([truth, np.full((len(images) - 1, 4), np.nan)])
    if not images or len(images) != len(truth):
        raise InputError(f'sequence {name} has {len(images)} images but {len(truth)} boxes')
    if absent is not None and len(absent) != len(images):
        raise InputError(f'sequence {name} has {len(images)} images but {len(absent)} flags')
    boxes = polygon_bounds(truth) if truth.shape[1] == 8 else truth.copy()
    boxes[:, :2] -= offset
    boxes = absent_as_nan(boxes)
    if absent is not None:
        boxes[absent] = np.nan
    return Sequence(name, images, boxes, truth, absent)


def _uav_ranges(root: Path) -> dict[str, tuple[str, int, int]]:
    """Name -> folder, first and last image, from UAV123's own list of sequences."""
    path = root / 'configSeqs.m'
    if not path.is_file():
        return {}
    entry = re.compile(r"'name','([^']+)','path','[^']*?([^'/\\]+)[/\\]?','startFrame',(\d+),"
                       r"'endFrame',(\d+)")
    found = entry.findall('\n'.join(read_lines(path)).replace(' ', ''))
    return {name: (folder, int(first), int(last)) for name, folder, first, last in found}
