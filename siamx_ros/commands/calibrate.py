"""Fit a model's confidence on held-out video and store it in the checkpoint.

The tracker runs over the videos that training keeps apart and over simulated camera flights across
held-out photographs, in which the target leaves with a cut and comes back. Confidence 0.85 will
stand for even odds of a right and a wrong box.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from siamx_ros.commands.options import add_config_file, add_settings, read_settings
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.evaluation.calibration import BOUNDARY, INDICATORS, fit
from siamx_ros.geometry import BoundingBox
from siamx_ros.model.runtime import make_engine
from siamx_ros.model.weights import load_checkpoint, save_checkpoint
from siamx_ros.tracking.confidence import Calibration
from siamx_ros.tracking.tracker import Tracker
from siamx_ros.training.flights import Flight, make_flight
from siamx_ros.training.pictures import PictureSet, read_pictures
from siamx_ros.training.settings import TrainConfig

SEED = 2 ** 30
RIGHT = 0.3
"""Overlap from which a box counts as right."""
ROUNDS = 2
"""Passes: what is learnt while tracking depends on the confidence, and that on the fit."""
TABLES = {'online': {}, 'network': {'online_weight': 0.0}}
"""Name of a table in the checkpoint -> settings it is fitted with."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s DATA --weights FILE --out FILE [options]'
    parser.add_argument('data', metavar='DATA', type=Path, help='training folder')
    parser.add_argument('--weights', required=True, help='name or path of a checkpoint')
    parser.add_argument('--out', metavar='FILE', type=Path, required=True, help='where to write it')
    parser.add_argument('--flights', metavar='N', type=int, default=40, help='flights to run over')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--half', action='store_true', help='store fp16, half the size')
    add_config_file(parser)
    add_settings(parser, TrainConfig(), '')


def run(args: argparse.Namespace) -> int:
    """Track, fit, write; returns the exit status."""
    config = read_settings(args, {'': TrainConfig()})['']
    checkpoint = load_checkpoint(args.weights)
    engine = make_engine(checkpoint.network, ModelConfig(device=args.device))
    pictures = read_pictures(args.data, config, held_out=True)
    rng = np.random.default_rng(SEED)
    videos = [*_videos(pictures), *(make_flight(pictures, rng) for _ in range(args.flights))]
    tables, figures = {}, {}
    for name, settings in TABLES.items():
        calibration = Calibration()
        for _ in range(ROUNDS):
            tracker = Tracker(
                engine, TrackerConfig().replace({'adaptive': 'off', **settings}), calibration)
            indicators, right = look(tracker, videos, name)
            calibration = fit(indicators, right)
        tables[name], figures[name] = vars(calibration), quality(calibration, indicators, right)
        print(f'{name}: {calibration}; {figures[name]}')
    save_checkpoint(args.out, checkpoint.network, calibration=tables, half=args.half,
                    card={**checkpoint.card, 'calibration': figures})
    print(args.out)
    return 0


def look(tracker: Tracker, videos: list[Flight], label: str) -> tuple[np.ndarray, np.ndarray]:
    """Indicators (N x 4) and rightness (N) of every answer over the videos."""
    rows, right = [], []
    for video in tqdm(videos, desc=label, unit='video'):
        tracker.init(video.images[0], BoundingBox.from_xywh(video.boxes[0]))
        for image, box in zip(video.images[1:], video.boxes[1:]):
            result = tracker.update(image)
            rows.append([getattr(result, name) for name in INDICATORS])
            shown = bool(np.isfinite(box).all())
            right.append(shown and result.box.iou(BoundingBox.from_xywh(box)) >= RIGHT)
    return np.array(rows), np.array(right)


def quality(calibration: Calibration, indicators: np.ndarray, right: np.ndarray) -> dict:
    """How well the fitted confidence tells right from wrong."""
    sure = np.array([calibration(*row) for row in indicators]) >= BOUNDARY
    return {'frames': len(right), 'agreement': round(float(np.mean(sure == right)), 4),
            'wrong_but_confident': round(float(sure[~right].mean()), 4),
            'right_but_not': round(float((~sure[right]).mean()), 4)}


def _videos(pictures: PictureSet) -> list[Flight]:
    return [Flight([pictures.images[index] for index in frames], boxes)
            for frames, boxes in pictures.videos]
