"""Folders of sequences."""

from __future__ import annotations

from functools import partial
import logging
from pathlib import Path

from siamx_ros.data.annotation import Entries, Entry
from siamx_ros.data.sequence import Sequence, is_sequence, read_folder
from siamx_ros.data.textfiles import select_listed
from siamx_ros.errors import InputError, name_some
from siamx_ros.files import refuse_no_folder

LOG = logging.getLogger(__name__)


def list_folder(root: Path) -> Entries:
    """``<name>/{img/,groundtruth.txt}``, sorted by name, or the one such ``<name>`` that it is."""
    for folder in [root] if is_sequence(root) else sorted(root.iterdir()):
        if is_sequence(folder):
            yield Entry(partial(read_folder, folder), folder.name)
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


def read_sequences(path: str | Path, names: list[str] | None = None) -> list[Sequence]:
    """All sequences of a folder (see :func:`list_folder`), or those that are named.

    Raises:
        InputError: there is no sequence, one of them is damaged, or see :func:`read_named`.
    """
    path = Path(path)
    refuse_no_folder(path)
    entries = list_folder(path)
    sequences = read_named(entries, names) if names else [read() for read in entries]
    if not sequences:
        raise InputError(f'{path} holds no sequence <name>/img with <name>/groundtruth.txt')
    return sequences


def read_named(entries: Entries, names: list[str]) -> list[Sequence]:
    """Those sequences of a data set that are named, in this order; damage to others is no matter.

    Entries that tell their names are opened only if they are asked for.

    Returns:
        One sequence a name; none if there are no entries at all.

    Raises:
        InputError: a name is unknown, or given twice, or its sequence is damaged.
    """
    known: dict[str, Sequence | None] = {}
    damage: list[InputError] = []
    for entry in entries:
        if entry.name and entry.name not in names:
            known[entry.name] = None
            continue
        try:
            sequence = entry()
        except InputError as error:
            damage.append(error)
        else:
            known[sequence.name] = sequence
    if not known and not damage:
        return []
    _check_names(names, list(known), damage)
    return [known[name] for name in names]


def _check_names(names: list[str], known: list[str], damage: list[InputError]) -> None:
    """Refuse a name that is not known, with what could not be read, or that is given twice."""
    unknown = [name for name in names if name not in known]
    if unknown:
        why = f' that can be read ({name_some(damage)})' if damage else ''
        raise InputError(f'there is no sequence {unknown[0]!r}{why}; known: '
                         f'{", ".join(known) or "none"}')
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f'sequence {twice[0]!r} is named more than once')
