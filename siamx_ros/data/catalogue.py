"""All data sets that can be trained on or evaluated on."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Callable

from siamx_ros.data.annotation import SPLITS, TEST, TRAIN, Entries
from siamx_ros.data.datasets.coco import list_coco
from siamx_ros.data.datasets.got10k import list_got10k
from siamx_ros.data.datasets.lasot import list_lasot
from siamx_ros.data.datasets.otb import list_otb
from siamx_ros.data.datasets.trackingnet import list_trackingnet
from siamx_ros.data.datasets.uav123 import list_uav123
from siamx_ros.data.datasets.vot import list_vot
from siamx_ros.data.datasets.vot360 import list_360vot
from siamx_ros.data.folders import list_folder
from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError
from siamx_ros.files import refuse_no_folder

Lister = Callable[[Path], Entries]


def _both(lister: Callable) -> dict[str, Lister]:
    return {split: partial(lister, split=split) for split in SPLITS}


DATASETS: dict[str, dict[str, Lister]] = {
    'folder': {TEST: list_folder},
    'coco': {TRAIN: list_coco},
    'got10k': _both(list_got10k),
    'lasot': _both(list_lasot),
    'trackingnet': _both(list_trackingnet),
    'vot': {TEST: list_vot},
    'votlt': {TEST: list_vot},
    'otb': {TEST: list_otb},
    'uav': {TEST: list_uav123},
    '360vot': {TEST: list_360vot}}
"""Name on the command line -> for each split it has, what lists its entries."""


def kinds(split: str) -> tuple[str, ...]:
    """The names of the data sets that have a split."""
    return tuple(kind for kind, listers in DATASETS.items() if split in listers)


def read_benchmark(path: str | Path, kind: str) -> list[Sequence]:
    """All sequences of a benchmark, by name.

    Their ``boxes_xywh`` are in our convention (0-based pixels, NaN where absent), their ``truth``
    holds the numbers of the benchmark's own file, as its kit scores them.

    Raises:
        InputError: an unknown kind, no sequence, or a damaged one.
    """
    if kind not in kinds(TEST):
        raise InputError(f'unknown benchmark {kind!r}; known: {", ".join(kinds(TEST))}')
    path = Path(path)
    refuse_no_folder(path)
    sequences = [read() for read in DATASETS[kind][TEST](path)]
    if not sequences:
        example = ' (<name>/img with <name>/groundtruth.txt)' if kind == 'folder' else ''
        raise InputError(f'{path} holds no sequence in the layout of {kind}{example}')
    return sorted(sequences, key=lambda sequence: sequence.name)
