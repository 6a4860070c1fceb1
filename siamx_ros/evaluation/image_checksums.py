"""Which image files a run was over: a checksum beside its results, ``<tracker>/<name>.images``."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Iterable

from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError
from siamx_ros.whole_files import write_text


def checksums(sequences: Iterable[Sequence]) -> dict[str, str]:
    """Name of a sequence -> a checksum of its image files.

    It is of the names and sizes of all files, without their folder, and of what the first and the
    last one hold: reading all would take as long as tracking. A file that cannot be read counts as
    one of no size, and is left to those who need it.
    """
    of_files = {each.name: each.frame_paths for each in sequences}
    known = {paths: _checksum(paths) for paths in set(of_files.values())}
    return {name: known[paths] for name, paths in of_files.items()}


def note(folder: Path, name: str, checksum: str) -> None:
    """Keep the checksum of the sequence ``name`` in a tracker's results folder."""
    write_text(_place(folder, name), f'{checksum}\n')


def noted(folder: Path, name: str) -> str:
    """The checksum that was kept; '' beside results of before there were any.

    Raises:
        InputError: it cannot be read.
    """
    path = _place(folder, name)
    try:
        return path.read_text(encoding='utf-8', errors='replace').strip()
    except FileNotFoundError:
        return ''
    except OSError as error:
        raise InputError(f'cannot read {path}: {error.strerror}') from None


def refuse_other(folder: Path, name: str, checksum: str) -> None:
    """Refuse results over other image files than those with this checksum.

    Raises:
        InputError: they are.
    """
    if noted(folder, name) not in ('', checksum):
        raise InputError(f'{folder} holds results of {name} with other images; give another --out, '
                         'or --overwrite')


def _place(folder: Path, name: str) -> Path:
    return folder / f'{name}.images'


def _checksum(paths: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(os.fsencode(path.name) + b'\0%d\n' % _size(path))
    for path in (*paths[:1], *paths[-1:]):
        digest.update(_content(path))
    return digest.hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b''
