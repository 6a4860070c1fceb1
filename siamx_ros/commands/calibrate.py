"""Fit a model's confidence, measure its layers for int8, and store both in the checkpoint.

The tracker runs over simulated camera motion across held-out photographs, in which the target
leaves with a cut and comes back, the same among look-alikes, and over the videos of the training
folder, each from its first box on and, at its end, cut to others, whose targets stand in its place:
only real video shows how a target changes, and how much another one looks like it. Copies of them
have fewer and smaller images. Simulated worlds, if they are given, show people who look alike and
cross. In all of them the light changes. Each kind weighs the same.
Confidence 0.85 will stand for even odds of a right and a wrong box. What each convolution takes in
is measured on training pairs; on a CPU that is fast at int8, the fit is of that.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from siamx_ros import imaging
from siamx_ros.commands.options import add_config_file, add_settings, read_settings
from siamx_ros.commands.outputs import check_written, weights_file
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.data.folders import read_sequences
from siamx_ros.errors import InputError
from siamx_ros.evaluation.calibration import BOUNDARY, INDICATORS, fit
from siamx_ros.geometry import BoundingBox
from siamx_ros.model.devices import pick_device
from siamx_ros.model.inference import Engine
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.quantisation import Ranges, input_ranges
from siamx_ros.model.runtime import make_engine
from siamx_ros.model.weights import in_half, load_checkpoint, save_checkpoint
from siamx_ros.tracking.confidence import Calibration
from siamx_ros.tracking.tracker import Tracker
from siamx_ros.training.look_alikes import cut_out, with_look_alikes
from siamx_ros.training.synthetic_video import (
    SyntheticVideo, boxed_targets, changing_light, cut_away, lit, make_synthetic_videos, poorer)
from siamx_ros.training.pairs import PairDataset
from siamx_ros.training.pictures import PictureSet, read_pictures
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.validation import as_input

LOG = logging.getLogger(__name__)
Kinds = dict[str, list[tuple[SyntheticVideo, np.ndarray]]]
"""Videos by kind, each with the gains of its light, N x 3."""
SEED = 2 ** 30
RIGHT = 0.3
"""Overlap from which a box counts as right."""
POOR = (2, 3)
"""Of the images of a video so many become one, and of the pixels of their width and height."""
USED = ('photos', 'parts', 'regions', 'videos', 'frame_range', 'held_out', 'bad_files', 'augment')
"""Settings of training that have an effect: what is read, and the pairs that are made of it."""
SHOWN = 0.6
"""Share of a box in the image with which a video begins: the tracker asks for somewhat less, and in
smaller copies the share may be another one."""
RANGE_PAIRS = 256
"""Training pairs that the layers are measured on."""
ROUNDS = 4
"""Passes: what is learnt, and what is taken for the target that is gone, depends on the fit."""
TABLES = {'online': {'backward_every': 1}, 'network': {'online_weight': 0.0, 'backward_every': 0}}
"""Name of a table in the checkpoint -> settings it is fitted with."""
START = Calibration(backward=1.0, bias=-2.0)
"""With which the first pass runs; a model that makes no use of the first image is not asked."""
COMMON = {'steady_size': TrackerConfig().search_size}
"""Settings of all fits: in a small patch, the second peak is often not seen."""


class ImageFiles:
    """Images of files, H x W x 3 uint8 BGR, read when they are asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(imaging.read_image, self._paths)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s DATA --weights FILE --out FILE [options]'
    parser.add_argument('data', metavar='DATA', type=Path, help='training folder')
    parser.add_argument('--weights', required=True, help='name or path of a checkpoint')
    parser.add_argument('--out', metavar='FILE', type=Path, required=True, help='where to write it')
    parser.add_argument('--synthetic', metavar='N', type=int, default=40,
                        help='synthetic videos to run over (default %(default)s)')
    parser.add_argument('--simulated', metavar='DIR', type=Path,
                        help='folder of sequences that the command simulate made')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (default auto)')
    parser.add_argument('--half', action='store_true', help='store fp16, half the size')
    add_config_file(parser)
    add_settings(parser, TrainConfig(), '', only=USED)


def run(args: argparse.Namespace) -> int:
    """Track, fit, write; returns the exit status."""
    config = read_settings(args, {'': TrainConfig()})['']
    if args.synthetic < 0:
        raise InputError(f'--synthetic must be at least 0, got {args.synthetic}')
    check_written(args, {'DATA': args.data, '--weights': weights_file(args.weights),
                         '--simulated': args.simulated}, {'--out': args.out})
    checkpoint = load_checkpoint(args.weights)
    pick_device(args.device)  # what cannot be used is refused now rather than after the fit
    if args.half:
        in_half(checkpoint.network.state_dict())
    config = config.replace({'network': checkpoint.network.config.to_dict()})
    pictures, held_out = (read_pictures(args.data, config, held_out=part) for part in (False, True))
    kinds = _material(pictures, held_out, args.synthetic, _simulated(args.simulated))
    if not kinds:
        raise InputError(
            f'{args.data} gives nothing to track: expected a video, or two held-out photographs '
            f'with targets of a size to fly over, got {len(held_out.boxed)} with boxes and '
            f'{args.synthetic} synthetic videos to make')
    ranges = _ranges(checkpoint.network, pictures, config)
    engine = make_engine(checkpoint.network, ModelConfig(device=args.device), ranges)
    tables, figures = _fitted(engine, kinds)
    save_checkpoint(args.out, checkpoint.network, calibration=tables, ranges=ranges, half=args.half,
                    card={**checkpoint.card, 'calibration': figures})
    print(args.out)
    return 0


def _fitted(engine: Engine, kinds: Kinds) -> tuple[dict, dict]:
    """The tables of the checkpoint, and how good each is on every kind of video."""
    tables, figures = {}, {}
    for name, settings in TABLES.items():
        calibration = START
        for _ in range(ROUNDS):
            tracker = Tracker(engine, TrackerConfig().replace({**COMMON, **settings}), calibration)
            seen = [answers(tracker, videos, f'{name}, {kind}') for kind, videos in kinds.items()]
            indicators, right, absent = (np.concatenate(parts) for parts in zip(*seen))
            groups = np.repeat(np.arange(len(seen)), [len(part) for *_, part in seen])
            calibration = fit(indicators, right, absent, groups)
        tables[name] = vars(calibration)
        figures[name] = {kind: quality(calibration, *part[:2]) for kind, part in zip(kinds, seen)}
        print(f'{name}: {calibration}; {figures[name]}')
    return tables, figures


def answers(tracker: Tracker, videos: list[tuple[SyntheticVideo, np.ndarray]],
            label: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every answer over videos, each in its light: indicators N x 6, rightness N, absence N."""
    rows, right, absent = [], [], []
    for video, gains in tqdm(videos, desc=label, unit='video'):
        images = map(lit, video.images, gains)
        tracker.init(next(images), BoundingBox.from_xywh(video.boxes[0]))
        for image, box in zip(images, video.boxes[1:]):
            result = tracker.update(image)
            rows.append([getattr(result, name) for name in INDICATORS])
            absent.append(not np.isfinite(box).all())
            right.append(not absent[-1]
                         and result.box.iou(BoundingBox.from_xywh(box)) >= RIGHT)
    return (np.array(rows, float).reshape(-1, len(INDICATORS)), np.array(right, bool),
            np.array(absent, bool))


def quality(calibration: Calibration, indicators: np.ndarray, right: np.ndarray) -> dict:
    """How well the fitted confidence tells right from wrong."""
    sure = np.array([calibration(*row) for row in indicators]) >= BOUNDARY
    return {'frames': len(right), 'agreement': round(float(np.mean(sure == right)), 4),
            'wrong_but_confident': round(float(sure[~right].mean()), 4),
            'right_but_not': round(float((~sure[right]).mean()), 4)}


def _ranges(network: SiameseNet, pictures: PictureSet, config: TrainConfig) -> Ranges:
    """What the network's convolutions take in over training pairs."""
    dataset = PairDataset(pictures, config, length=RANGE_PAIRS, seed=SEED)
    loader, cpu = DataLoader(dataset), torch.device('cpu')
    return input_ranges(network, (
        (as_input(template, cpu), as_input(search, cpu))
        for template, search, *_ in tqdm(loader, desc='ranges', unit='pair')))


def _material(pictures: PictureSet, held_out: PictureSet, count: int,
              simulated: list[SyntheticVideo]) -> Kinds:
    """Synthetic videos of held-out photographs, and all videos, by kind, none of them empty.

    Each with the gains of :func:`changing_light`, which are used image by image: copies of all in
    another light would need as much memory again.
    """
    rng = np.random.default_rng(SEED)
    videos = [*_videos(held_out), *_videos(pictures)]
    kinds = {'synthetic': make_synthetic_videos(held_out, count, rng),
             'look-alikes': _among_others(held_out, count, rng),
             'videos': cut_away(videos),
             'poor videos': [video for step in POOR for video in cut_away(
                 [(scene, poorer(video, step)) for scene, video in videos])],
             'simulated worlds': simulated}
    kinds = {kind: _begun(videos, kind) for kind, videos in kinds.items()}
    return {kind: [(video, changing_light(len(video.images), rng)) for video in videos]
            for kind, videos in kinds.items() if videos}


def _begun(videos: list[SyntheticVideo], kind: str) -> list[SyntheticVideo]:
    """Those with which the tracker can begin; the others are counted in a warning."""
    begun = [video for video in videos if _is_shown(next(iter(video.images)), video.boxes[0])]
    if len(begun) < len(videos):
        LOG.warning('%s: %d of %d are left out, as too much of their first box lies outside', kind,
                    len(videos) - len(begun), len(videos))
    return begun


def _is_shown(image: np.ndarray, box: np.ndarray) -> bool:
    """Whether enough of a box x, y, w, h lies in an image to begin with it; NaN is none."""
    return bool(np.isfinite(box).all()) and BoundingBox.from_xywh(box).visible_share(
        *image.shape[1::-1]) >= SHOWN


def _simulated(folder: Path | None) -> list[SyntheticVideo]:
    """The sequences of ``--simulated``.

    Raises:
        InputError: there are none, or one is damaged or begins without its target.
    """
    sequences = [] if folder is None else read_sequences(folder)
    for sequence in sequences:
        if not sequence.visible[0]:
            raise InputError(f'{sequence.name} must show its target in its first image')
    return [SyntheticVideo(ImageFiles(sequence.frame_paths), sequence.boxes_xywh)
            for sequence in sequences]


def _among_others(held_out: PictureSet, count: int,
                  rng: np.random.Generator) -> list[SyntheticVideo]:
    """Synthetic videos whose targets are among others from held-out photographs."""
    others = [cut_out(image, box) for image, boxes in boxed_targets(held_out) for box in boxes]
    return [with_look_alikes(video, others, rng)
            for video in make_synthetic_videos(held_out, count, rng)]


def _videos(pictures: PictureSet) -> list[tuple[int, SyntheticVideo]]:
    """The scene of each video, and the video from the first box on that is shown well enough.

    Where none is, from the first one.
    """
    videos = []
    for frames, boxes in pictures.videos:
        images = [pictures.images[index] for index in frames]
        shown = [_is_shown(*pair) for pair in zip(images, boxes)]
        start = int(np.argmax(shown if any(shown) else np.isfinite(boxes).all(1)))
        videos.append((pictures.scenes[frames[0]], SyntheticVideo(images[start:], boxes[start:])))
    return videos
