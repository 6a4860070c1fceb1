"""Training pictures, decoded once, and where their targets are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import logging
from pathlib import Path
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
    (photos, strays), (clips, others) = (
        list_photographs(root / part) for part in ('images', 'clips'))
    boxes, unknown = _read_boxes(root, photos, refuse=refuse)
    if (unknown or strays or others) and not held_out:
        LOG.warning('not used, as it is no picture: %s', name_some([*unknown, *strays, *others]))
    reserved = {path for index, path in enumerate(sorted(boxes)) if index % 25 == 0}
    photos = [path for path in photos if (path in reserved) == held_out]
    clips = [] if held_out else clips
    videos = sorted((root / 'video').glob('*'))
    apart = [path for path in videos if path.name in config.held_out]
    sequences = _read_videos(apart if held_out else _others(videos, apart), refuse=refuse)
    frames = [path for sequence in sequences for path in sequence.frame_paths]
    paths = photos + clips + frames
    if not paths:
        raise InputError(
            f'{root} holds nothing to validate on: expected photographs with boxes in boxes.json, '
            f'or one of the videos {", ".join(config.held_out)}; --held_out names others'
            if held_out else
            f'{root} holds no pictures: expected images/, clips/ or video/')
    images = _decode(paths, refuse=refuse)
    index = {path: i for i, path in enumerate(paths) if images[i] is not None}
    return PictureSet(
        images=images,
        boxed=[(index[p], boxes[p]) for p in photos if p in index and len(boxes.get(p, ()))],
        plain=[index[p] for p in photos + clips
               if p in index and min(images[index[p]].shape[:2]) >= MIN_TARGET],
        videos=[video for video in (_video(sequence, index) for sequence in sequences)
                if usable(video[1]).any()],
        scenes=_scenes([*photos, *(path.parent for path in clips + frames)], images))


def usable(boxes: np.ndarray) -> np.ndarray:
    """Which rows of N x 4 boxes show a target large enough, N booleans."""
    return np.isfinite(boxes).all(1) & (boxes[:, 2:] >= MIN_TRACKED).all(1)


def _others(videos: list[Path], held_out: list[Path]) -> list[Path]:
    """The videos that are of no recording of which one is held out."""
    recordings, others = {_recording(video) for video in held_out}, []
    for video in videos:
        if _recording(video) not in recordings:
            others.append(video)
        elif video not in held_out:
            LOG.warning('left out: %s is of the recording of a video that is held out', video)
    return others


def _recording(video: Path) -> int:
    """A number of a video's first picture."""
    first = list_images(video / 'img')[:1]
    return crc32(first[0].read_bytes() if first else bytes(video))


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
