"""VOT, short-term and long-term: boxes or polygons from pixel 0."""

from __future__ import annotations

from pathlib import Path

from siamx_ros.data.annotation import TEST, Annotation, Entries
from siamx_ros.data.folders import sequence_folders
from siamx_ros.data.sequence import list_images
from siamx_ros.data.textfiles import read_numbers


def list_vot(root: Path) -> Entries:
    """``[sequences/]<name>/{color/,img/,}*.jpg``, ``groundtruth.txt`` and ``list.txt``.

    Raises:
        InputError: the list does not match.
    """
    base = root / 'sequences' if (root / 'sequences').is_dir() else root
    for folder in sequence_folders(base):
        yield lambda folder=folder: Annotation(
            folder.name, folder, read_numbers(folder / 'groundtruth.txt', 4, 8),
            images=next(filter(None, map(
                list_images, (folder / 'color', folder / 'img', folder))), ())).for_split(TEST)
