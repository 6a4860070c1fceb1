"""OTB: short videos; boxes from pixel 1, several targets in some."""

from __future__ import annotations

from functools import partial
import logging
from pathlib import Path
import re

from siamx_ros.data.annotation import TEST, Annotation, Entries, Entry
from siamx_ros.data.sequence import Sequence, list_images
from siamx_ros.data.textfiles import read_numbers

LOG = logging.getLogger(__name__)
FRAMES = {
    'BlurCar1': (247, 988), 'BlurCar3': (3, 359), 'BlurCar4': (18, 397), 'David': (300, 770),
    'Diving': (1, 215), 'Football1': (1, 74), 'Freeman3': (1, 460), 'Freeman4': (1, 283)}
"""First and last image (counted from 1) of sequences that are published with further images."""


def list_otb(root: Path) -> Entries:
    """``<name>/{img/,groundtruth_rect[.N].txt}``; several targets become ``<name>.N``."""
    for path in sorted(root.glob('*/groundtruth_rect*.txt')):
        number = re.fullmatch(r'groundtruth_rect(\.\d+)?', path.stem)
        if number is not None:
            name = path.parent.name + (number[1] or '')
            yield Entry(partial(_sequence, path, name), name)


def _sequence(path: Path, name: str) -> Sequence:
    folder, truth = path.parent, read_numbers(path, 4)
    images = list_images(folder / 'img')
    if len(images) > len(truth):
        first, last = FRAMES.get(folder.name, (1, None))
        images = images[first - 1:last]
    if len(images) > len(truth):
        LOG.warning('not used: the last %d images of %s, for which %s has no boxes',
                    len(images) - len(truth), folder.name, path.name)
    return Annotation(name, folder, truth, origin=1,
                      images=images[:len(truth)]).for_split(TEST)
