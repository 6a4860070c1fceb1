"""Folders of sequences."""

from __future__ import annotations

import logging
from pathlib import Path

from siamx_ros.data.annotation import Entries
from siamx_ros.data.sequence import Sequence, is_sequence, read_folder
from siamx_ros.data.textfiles import select_listed
from siamx_ros.errors import InputError, name_some
from siamx_ros.files import refuse_no_folder

LOG = logging.getLogger(__name__)


def list_folder(root: Path) -> Entries:
    """``<name>/{img/,groundtruth.txt}``, sorted by name, or the one such ``<name>`` that it is."""
    for folder in [root] if is_sequence(root) else sorted(root.iterdir()):
        if is_sequence(folder):
            yield lambda folder=folder: read_folder(folder)
        elif (folder / 'img').is_dir() or (folder / 'groundtruth.txt').is_file():
            LOG.warning('not used: %s has not both img/ and groundtruth.txt', folder)


def sequence_folders(base: Path) -> list[Path]:
    """The folders that ``list.txt`` names, or without a list those with a ``groundtruth.txt``.

    Folders with boxes that are not on the list are named in a warning.

    Raises:
        InputError: the list names what is not there.
    """
    boxed = sorted(path.parent for path in base.glob('*/groundtruth.txt'))
    listed = base / 'list.txt'
    if not listed.is_file():
        return boxed
    folders = select_listed(listed, filter(Path.is_dir, sorted(base.iterdir())))
    unused = sorted(folder.name for folder in set(boxed) - set(folders))
    if unused:
        LOG.warning('not used: %d sequences that %s does not name: %s', len(unused), listed,
                    name_some(unused))
    return folders


def read_sequences(path: str | Path) -> list[Sequence]:
    """All sequences of a folder (see :func:`list_folder`).

    Raises:
        InputError: there is no sequence, or one of them is damaged.
    """
    path = Path(path)
    refuse_no_folder(path)
    sequences = [read() for read in list_folder(path)]
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
