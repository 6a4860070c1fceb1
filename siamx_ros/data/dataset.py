"""Folders of sequences."""

from __future__ import annotations

from pathlib import Path

from siamx_ros.data.sequence import Sequence, is_sequence, read_folder
from siamx_ros.errors import InputError


def read_sequences(path: str | Path) -> list[Sequence]:
    """All sequences of a folder, sorted by name, or the one that the folder itself is.

    Args:
        path: ``<path>/<name>/{img/,groundtruth.txt}``, or one such ``<name>``.

    Raises:
        InputError: there is no sequence, or one of them is damaged.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError(f'there is no folder {path}')
    if is_sequence(path):
        return [read_folder(path)]
    sequences = [read_folder(folder) for folder in sorted(path.iterdir()) if is_sequence(folder)]
    if not sequences:
        raise InputError(f'{path} holds no sequence <name>/img with <name>/groundtruth.txt')
    return sequences


def select(sequences: list[Sequence], names: list[str]) -> list[Sequence]:
    """Those sequences that are named; all if no name is given.

    Raises:
        InputError: a name is unknown, or given twice.
    """
    if not names:
        return sequences
    by_name = {sequence.name: sequence for sequence in sequences}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise InputError(f'there is no sequence {unknown[0]!r}; known: {", ".join(by_name)}')
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f'sequence {twice[0]!r} is named more than once')
    return [by_name[name] for name in names]
