"""Readers of tracking data sets in the layouts in which they are published, training parts only.

No picture is opened here: a data set becomes a list of photographs or videos with their boxes.
Sequences that a benchmark keeps for its test are never among them.
"""

from __future__ import annotations

from dataclasses import dataclass
import io
import json
from pathlib import Path
import re
from typing import Callable, Iterator

import numpy as np

from siamx_ros.errors import InputError


@dataclass(frozen=True)
class Photo:
    """A photograph and its boxes, N x 4 as x, y, w, h (float32, 0-based pixels)."""

    path: Path
    boxes: np.ndarray


@dataclass(frozen=True)
class Video:
    """Numbered frames and a box for each.

    Attributes:
        folder: where the frames are.
        pattern: name of a frame by its number, e.g. ``'%08d.jpg'``.
        first: number of the first frame.
        boxes: N x 4 as x, y, w, h (float32, 0-based pixels); NaN where the target is absent.
        recording: name of what it was cut from, if other videos were, too; '' for itself.
    """

    folder: Path
    pattern: str
    first: int
    boxes: np.ndarray
    recording: str = ''

    def frame(self, index: int) -> Path:
        """File of a frame, counted from 0."""
        return self.folder / (self.pattern % (self.first + index))


Lazy = Callable[[], 'Photo | Video']
"""Reads one entry; raises InputError where it is damaged."""


def list_coco(root: Path) -> Iterator[Lazy]:
    """``annotations/instances_train*.json`` and ``<split>/`` or ``images/<split>/``.

    Raises:
        InputError: a table is damaged, or its photographs are not there.
    """
    for path in sorted((root / 'annotations').glob('instances_train*.json')):
        split = path.stem.removeprefix('instances_')
        folder = root / split if (root / split).is_dir() else root / 'images' / split
        if not folder.is_dir():
            raise InputError(f'there is no folder of photographs {root / split} for {path.name}')
        names, boxes = _coco_table(path)
        for number, rows in sorted(boxes.items()):
            if number in names:
                photo = Photo(folder / names[number], np.array(rows, np.float32))
                yield lambda photo=photo: photo


def list_got10k(root: Path) -> Iterator[Lazy]:
    """``[train/]<name>/{%08d.jpg,groundtruth.txt,absence.label,cover.label}``, ``list.txt``.

    Raises:
        InputError: it is the validation or test part.
    """
    base = root / 'train' if (root / 'train').is_dir() else root
    listed = base / 'list.txt'
    names = _text(listed).split() if listed.is_file() else sorted(
        path.parent.name for path in base.glob('*/groundtruth.txt'))
    kept_apart = [name for name in names if re.search('_(val|test)_', name.lower())]
    if base.resolve().name.lower() in ('val', 'test') or kept_apart:
        raise InputError(f'{base} is not the training part of GOT-10k: never trained on')
    for name in names:
        yield lambda folder=base / name: _got10k_video(folder)


def list_lasot(root: Path) -> Iterator[Lazy]:
    """``[<class>/]<class-n>/{img/%08d.jpg,groundtruth.txt,full_occlusion.txt,out_of_view.txt}``.

    Those of ``training_set.txt`` (all where it is absent) that are not in ``testing_set.txt``.

    Raises:
        InputError: neither list is there, so that test sequences cannot be told apart.
    """
    tested = _names(root / 'testing_set.txt')
    trained = _names(root / 'training_set.txt')
    if not tested and not trained:
        raise InputError(
            f'{root} has neither testing_set.txt nor training_set.txt: the test sequences of LaSOT '
            'cannot be told apart, and they are never trained on')
    found = {path.parent.name: path.parent for depth in ('*', '*/*')
             for path in root.glob(f'{depth}/groundtruth.txt')}
    for name in sorted((trained or set(found)) - tested):
        folder = found.get(name, root / name.rsplit('-', 1)[0] / name)
        yield lambda folder=folder: _lasot_video(folder)


def list_trackingnet(root: Path) -> Iterator[Lazy]:
    """``TRAIN_<n>/{anno/<name>.txt,frames/<name>/%d.jpg}``; the folder or one of its parts.

    A name is that of the recording, ``_`` and the number of the target in it.
    """
    own = re.fullmatch(r'TRAIN_\d+', root.resolve().name)
    for part in [root] if own else sorted(root.glob('TRAIN_*')):
        for path in sorted((part / 'anno').glob('*.txt')):
            yield lambda part=part, path=path: _checked(Video(
                part / 'frames' / path.stem, '%d.jpg', 0, _numbers(path, 4),
                re.sub(r'_\d+$', '', path.stem)))


LAYOUTS: dict[str, Callable[[Path], Iterator[Lazy]]] = {
    'coco': list_coco, 'got10k': list_got10k, 'lasot': list_lasot,
    'trackingnet': list_trackingnet}


def _coco_table(path: Path) -> tuple[dict[int, str], dict[int, list]]:
    """File names and boxes by the number of the image; crowds are left out."""
    def without_outline(entry: dict) -> dict:
        entry.pop('segmentation', None)
        return entry

    names: dict[int, str] = {}
    boxes: dict[int, list] = {}
    try:
        table = json.loads(_text(path), object_hook=without_outline)
        names.update({image['id']: image['file_name'] for image in table['images']})
        for entry in table['annotations']:
            if not entry.get('iscrowd'):
                x, y, w, h = (float(value) for value in entry['bbox'])
                boxes.setdefault(entry['image_id'], []).append((x, y, w, h))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f'{path} is not a COCO table of instances: {error!r}') from None
    return names, boxes


def _got10k_video(folder: Path) -> Video:
    boxes = _numbers(folder / 'groundtruth.txt', 4)
    absent = np.zeros(len(boxes), bool)
    if (folder / 'absence.label').is_file():
        absent |= _flags(folder / 'absence.label', len(boxes)) > 0
    if (folder / 'cover.label').is_file():
        absent |= _flags(folder / 'cover.label', len(boxes)) == 0
    boxes[absent] = np.nan
    return _checked(Video(folder, '%08d.jpg', 1, boxes))


def _lasot_video(folder: Path) -> Video:
    boxes = _numbers(folder / 'groundtruth.txt', 4)
    boxes[:, :2] -= 1
    for name in ('full_occlusion.txt', 'out_of_view.txt'):
        if (folder / name).is_file():
            boxes[_flags(folder / name, len(boxes)) > 0] = np.nan
    return _checked(Video(folder / 'img', '%08d.jpg', 1, boxes))


def _checked(video: Video) -> Video:
    if not video.folder.is_dir():
        raise InputError(f'there is no folder of frames {video.folder}')
    if not len(video.boxes):
        raise InputError(f'{video.folder} has no boxes')
    return video


def _numbers(path: Path, columns: int) -> np.ndarray:
    """Lines of ``columns`` numbers between commas or blanks, float32."""
    text = _text(path).replace(',', ' ')
    if not text.strip():
        return np.zeros((0, columns), np.float32)
    try:
        rows = np.loadtxt(io.StringIO(text), np.float32, comments=None, ndmin=2)
    except ValueError as error:
        raise InputError(f'{path} must hold {columns} numbers a line: {error}') from None
    if rows.shape[1] != columns:
        raise InputError(f'{path} must hold {columns} numbers a line, got {rows.shape[1]}')
    return rows


def _flags(path: Path, count: int) -> np.ndarray:
    """``count`` whole numbers between commas, blanks or line ends."""
    try:
        flags = np.array(_text(path).replace(',', ' ').split(), np.float32)
    except ValueError as error:
        raise InputError(f'{path} must hold numbers: {error}') from None
    if len(flags) != count:
        raise InputError(f'{path} holds {len(flags)} flags for {count} boxes')
    return flags


def _names(path: Path) -> set[str]:
    return set(_text(path).split()) if path.is_file() else set()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'cannot read {path}: {error}') from None
