"""VOT, short-term and long-term: boxes or polygons from pixel 0."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from siamx_ros.data.annotation import TEST, Annotation, Entries, Entry
from siamx_ros.data.folders import sequence_folders
from siamx_ros.data.sequence import Sequence, list_images
from siamx_ros.data.textfiles import read_numbers


def list_vot(root: Path) -> Entries:
    """``[sequences/]<name>/{color/,img/,}*.jpg``, ``groundtruth.txt`` and ``list.txt``.

    Raises:
        InputError: the list does not match.
    """
    base = root / 'sequences' if (root / 'sequences').is_dir() else root
    for folder in sequence_folders(base):
        yield Entry(partial(_sequence, folder), folder.name)


def _sequence(folder: Path) -> Sequence:
    images = next(filter(None, map(
        list_images, (folder / 'color', folder / 'img', folder))), ())
    return Annotation(folder.name, folder, read_numbers(folder / 'groundtruth.txt', 4, 8),
                      images=images).for_split(TEST)
