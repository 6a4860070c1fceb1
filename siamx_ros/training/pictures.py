"""Training pictures, decoded once, and where their targets are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import logging
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import numpy as np
from tqdm import tqdm

from siamx_ros.data.photographs import list_photographs, read_photo_boxes
from siamx_ros.data.sequence import Sequence, list_images, read_folder
from siamx_ros.errors import InputError, name_some
from siamx_ros.training.cache import read_picture
from siamx_ros.training.train_config import TrainConfig

LOG = logging.getLogger(__name__)
MIN_TARGET = 10.0
"""Smallest box side of a photograph that is drawn as a target, pixels."""
MIN_TRACKED = 4.0
"""The same of a video frame."""


@dataclass(frozen=True)
class PictureSet:
    """Decoded pictures and their targets.

    Attributes:
        images: H x W x 3 uint8 BGR arrays.
        boxed: (image index, boxes N x 4 as x, y, w, h) of photographs.
        plain: image indices that may give free regions.
        videos: for each video (image indices, boxes N x 4; NaN rows where the target is absent).
        scenes: for each image the number of the photograph, clip or video that it is of; one number
            for those that begin with the same picture.
    """

    images: list[np.ndarray]
    boxed: list[tuple[int, np.ndarray]]
    plain: list[int]
    videos: list[tuple[list[int], np.ndarray]]
    scenes: list[int]


def read_pictures(root: Path, config: TrainConfig, *, held_out: bool = False) -> PictureSet:
    """Decode the training folder (``images/``, ``boxes.json``, ``clips/``, ``video/``).

    Args:
        held_out: read the held-out part instead: its videos and every 25th boxed photograph.

    Raises:
        InputError: the folder holds nothing to train on, or a file is damaged and
            ``bad_files`` is 'refuse'.
    """
    root = Path(root)
    if not root.is_dir():
        raise InputError(f'training data folder {root} does not exist')
    refuse = config.bad_files == 'refuse'
    folder = _list_folder(root, config, warn=not held_out)
    part = _held_out(folder, config) if held_out else _trained_on(folder, config)
    sequences = _read_videos(part.videos, refuse=refuse)
    frames = [path for sequence in sequences for path in sequence.frame_paths]
    photos, boxes, paths = part.photos, folder.boxes, [*part.photos, *part.clips, *frames]
    if not paths:
        raise _nothing_there(root, config, held_out, any(_held_out(folder, config)[:3]))
    images = _decode(paths, refuse=refuse)
    index = {path: i for i, path in enumerate(paths) if images[i] is not None}
    return PictureSet(
        images=images,
        boxed=[(index[p], boxes[p]) for p in photos if p in index and len(boxes.get(p, ()))],
        plain=[index[p] for p in photos + part.clips
               if p in index and min(images[index[p]].shape[:2]) >= MIN_TARGET],
        videos=[video for video in (_video(sequence, index) for sequence in sequences)
                if usable(video[1]).any()],
        scenes=_scenes([*photos, *(path.parent for path in part.clips + frames)], images))


class _Folder(NamedTuple):
    """Files of a training folder, or of a part of it; clips are frames, videos are folders."""

    photos: list[Path]
    clips: list[Path]
    videos: list[Path]
    boxes: dict[Path, np.ndarray]


def _list_folder(root: Path, config: TrainConfig, *, warn: bool) -> _Folder:
    """All that is there; what is not used is named in a warning, as are held-out videos that are
    missing where others than usual were asked for."""
    (photos, strays), (clips, others) = (
        list_photographs(root / part) for part in ('images', 'clips'))
    boxes, unknown = _read_boxes(root, photos, refuse=config.bad_files == 'refuse')
    videos = sorted((root / 'video').glob('*'))
    missing = sorted(set(config.held_out) - {path.name for path in videos})
    if (unknown or strays or others) and warn:
        LOG.warning('not used, as it is no picture: %s', name_some([*unknown, *strays, *others]))
    if missing and config.held_out != TrainConfig().held_out and warn:
        LOG.warning('not held out, as %s has no such video: %s', root / 'video', name_some(missing))
    return _Folder(photos, clips, videos, boxes)


def _held_out(folder: _Folder, config: TrainConfig) -> _Folder:
    """Every 25th boxed photograph, and the videos that are named."""
    photos = sorted(folder.boxes)[::25]
    videos = [path for path in folder.videos if path.name in config.held_out]
    return _Folder(photos, [], videos, folder.boxes)


def _trained_on(folder: _Folder, config: TrainConfig) -> _Folder:
    """The rest, without photographs, clips and videos that begin with a picture held out."""
    apart = _held_out(folder, config)
    firsts = {path: path for path in folder.photos}
    for path in folder.clips:
        firsts.setdefault(path.parent, path)
    for video in folder.videos:
        firsts.update({video: path for path in list_images(video / 'img')[:1]})
    kept = {path: firsts.pop(path) for path in [*apart.photos, *apart.videos] if path in firsts}
    copies = _copies(firsts, set(kept.values()))
    if copies:
        LOG.warning('left out, as their first picture is held out: %s', name_some(copies))
    out = {*copies, *apart.photos, *apart.videos}
    return _Folder(
        [path for path in folder.photos if path not in out],
        [path for path in folder.clips if path.parent not in out],
        [path for path in folder.videos if path not in out], folder.boxes)


def _copies(firsts: dict[Path, Path], kept: set[Path]) -> list[Path]:
    """Those whose first picture is a copy of one that is kept; few need to be read for that."""
    sizes = {path.stat().st_size for path in kept if path.is_file()}
    alike = {name: path for name, path in firsts.items()
             if path.is_file() and path.stat().st_size in sizes}
    checksums = {_checksum(path) for path in kept if alike} - {None}
    return [name for name, path in alike.items() if _checksum(path) in checksums]


def _checksum(path: Path) -> int | None:
    """That of a file; None of one that cannot be read, which decoding it will say."""
    try:
        return crc32(path.read_bytes())
    except OSError:
        return None


def _nothing_there(root: Path, config: TrainConfig, held_out: bool, apart: bool) -> InputError:
    if held_out:
        return InputError(
            f'{root} holds nothing to validate on: expected photographs with boxes in boxes.json, '
            f'or one of the videos {", ".join(config.held_out)}; --held_out names others')
    if apart:
        return InputError(f'{root} holds nothing to train on: all its pictures are held out')
    return InputError(f'{root} holds no pictures: expected images/, clips/ or video/')


def usable(boxes: np.ndarray) -> np.ndarray:
    """Which rows of N x 4 boxes show a target large enough, N booleans."""
    return np.isfinite(boxes).all(1) & (boxes[:, 2:] >= MIN_TRACKED).all(1)


def _read_videos(folders: list[Path], *, refuse: bool) -> list[Sequence]:
    """Read frames and boxes; a damaged sequence is named and left out, or stops the run."""
    sequences = []
    for folder in folders:
        try:
            sequences.append(read_folder(folder))
        except InputError as error:
            if refuse:
                raise
            LOG.warning('skipped: %s', error)
    return sequences


def _read_boxes(root: Path, photos: list[Path], *,
                refuse: bool) -> tuple[dict[Path, np.ndarray], list[str]]:
    """Boxes by photograph, those too small to learn from left out, and names of no photograph."""
    boxes, unknown = read_photo_boxes(root / 'boxes.json', root / 'images', photos)
    names = [f'{name} of {root / "boxes.json"}' for name in unknown]
    if names and refuse:
        raise InputError(f'there is no photograph {name_some(names)}')
    large = {path: rows[rows[:, 2:].min(1) >= MIN_TARGET] for path, rows in boxes.items()}
    return large, names


def _video(sequence: Sequence, index: dict) -> tuple[list[int], np.ndarray]:
    kept = [i for i, path in enumerate(sequence.frame_paths) if path in index]
    return [index[sequence.frame_paths[i]] for i in kept], sequence.boxes_xywh[kept]


def _scenes(runs: list[Path], images: list[np.ndarray | None]) -> list[int]:
    """The scene of each image, a checksum of the first one of its photograph, clip or video."""
    scenes: dict[Path, int] = {}
    for run, image in zip(runs, images):
        if image is not None and run not in scenes:
            scenes[run] = crc32(image)
    return [scenes.get(run, 0) for run in runs]


def _decode(paths: list[Path], *, refuse: bool) -> list[np.ndarray | None]:
    """Decode in threads; a damaged file becomes None and is named, or stops the run."""
    def read(path: Path) -> np.ndarray | None:
        try:
            return read_picture(path)
        except InputError as error:
            if refuse:
                raise
            LOG.warning('skipped: %s', error)
            return None

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(tqdm(pool.map(read, paths), total=len(paths), desc='pictures', unit='file'))
