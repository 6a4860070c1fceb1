"""GOT-10k: many short videos; boxes from pixel 0, flags for absence and cover."""

from __future__ import annotations

from pathlib import Path
import re

from siamx_ros.data.annotation import TRAIN, Annotation, Entries, Entry
from siamx_ros.data.folders import sequence_folders
from siamx_ros.data.textfiles import read_flags, read_numbers
from siamx_ros.errors import InputError

KEPT_APART = re.compile(r'(^|[^a-z])(val|test)([^a-z]|$)', re.IGNORECASE)
HIGHEST_COVER = 8


def list_got10k(root: Path, split: str) -> Entries:
    """``[train/|val/]<name>/{%08d.jpg,groundtruth.txt,absence.label,cover.label}``, ``list.txt``.

    For evaluation, the validation part, or the test part with first boxes only.

    Raises:
        InputError: a list that does not match, or training on the validation or test part.
    """
    part = root / ('train' if split == TRAIN else 'val')
    base = part if part.is_dir() else root
    folders = sequence_folders(base)
    if split == TRAIN and (KEPT_APART.fullmatch(base.resolve().name)
                           or any(KEPT_APART.search(folder.name) for folder in folders)):
        raise InputError(f'{base} is not the training part of GOT-10k: never trained on')
    for folder in folders:
        yield Entry(lambda folder=folder: _annotation(folder, split).for_split(split), folder.name)


def _annotation(folder: Path, split: str) -> Annotation:
    """Its kit takes frames with cover 0 as absent, training those with an absence flag, too."""
    truth, absent = read_numbers(folder / 'groundtruth.txt', 4), None
    if (folder / 'cover.label').is_file():
        absent = read_flags(folder / 'cover.label', len(truth), HIGHEST_COVER) == 0
    if split == TRAIN and (folder / 'absence.label').is_file():
        flags = read_flags(folder / 'absence.label', len(truth)) == 1
        absent = flags if absent is None else absent | flags
    return Annotation(folder.name, folder, truth, absent, withheld=True)
