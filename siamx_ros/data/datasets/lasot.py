"""LaSOT: long videos; boxes from pixel 1, flags for full occlusion and out of view."""

from __future__ import annotations

import os
from pathlib import Path
import re
from typing import Hashable

from siamx_ros.data.annotation import TRAIN, Annotation, Entries, Entry
from siamx_ros.data.textfiles import (
    folders_by_name, read_flags, read_names, read_numbers, select_listed)
from siamx_ros.errors import InputError

FLAGS = 'full_occlusion.txt', 'out_of_view.txt'
NAME = re.compile(r'(.+)-(\d+)')


def list_lasot(root: Path, split: str) -> Entries:
    """``[<class>/]<class>-<n>/{img/%08d.jpg,groundtruth.txt,full_occlusion.txt,out_of_view.txt}``.

    For training, those of ``training_set.txt`` (all where it is absent) that are not in
    ``testing_set.txt``; for evaluation, those of ``testing_set.txt`` (all where it is absent).

    Raises:
        InputError: a list names what is not there (but the test list may, for training), there are
            two sequences of one name, or, for training, test sequences cannot be recognised.
    """
    folders = _folders(root)
    training, testing = root / 'training_set.txt', root / 'testing_set.txt'
    if split == TRAIN:
        tested = _tested_names(training, testing)
        folders = _selected(training, folders)
        if not training.is_file():
            _require_names([folder.name for folder in folders], root)
        folders = [folder for folder in folders if _key(folder.name) not in tested]
    else:
        folders = _selected(testing, folders)
    for folder in folders:
        yield Entry(lambda folder=folder: _annotation(folder).for_split(split), folder.name)


def _tested_names(training: Path, testing: Path) -> set[Hashable]:
    """Keys of the test sequences, which need not be there."""
    if not testing.is_file():
        if not training.is_file():
            raise InputError(
                f'there is neither {testing} nor {training.name}: the test sequences of LaSOT '
                'cannot be recognised, and they are never trained on')
        return set()
    names = read_names(testing)
    _require_names(names, testing)
    return set(map(_key, names))


def _require_names(names: list[str], path: Path) -> None:
    """Raise an InputError unless all are names of LaSOT: others could hide a test sequence."""
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong:
        raise InputError(f'{wrong[0]!r} in {path} is no sequence <class>-<n>: the test sequences '
                         'of LaSOT cannot be recognised, and they are never trained on')


def _selected(listed: Path, folders: list[Path]) -> list[Path]:
    """The folders that a list names, each name once; all if there is no list."""
    known = folders_by_name(folders, _key)
    return select_listed(listed, folders, _key) if listed.is_file() else list(known.values())


def _key(name: str) -> Hashable:
    """Class and number, so that capitals and zeros before the number make no difference."""
    parts = NAME.fullmatch(name)
    return (parts[1].casefold(), int(parts[2])) if parts else (name.casefold(), -1)


def _folders(root: Path) -> list[Path]:
    """All folders with boxes, sorted; what lies below one of them is not looked at."""
    folders = []
    for folder, below, files in os.walk(root, followlinks=True):
        if 'groundtruth.txt' in files:
            below.clear()
            folders.append(Path(folder))
    return sorted(folders)


def _annotation(folder: Path) -> Annotation:
    truth, absent = read_numbers(folder / 'groundtruth.txt', 4), None
    for path in (folder / name for name in FLAGS):
        if path.is_file():
            flags = read_flags(path, len(truth)) == 1
            absent = flags if absent is None else absent | flags
    return Annotation(folder.name, folder / 'img', truth, absent, origin=1)
