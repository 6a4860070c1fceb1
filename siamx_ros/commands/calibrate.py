"""Fit a model's confidence on held-out training pictures and store it in the checkpoint.

Pairs are drawn from the pictures that training keeps apart, a third of them without the target;
confidence 0.85 will stand for even odds of right and wrong.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from siamx_ros.commands.options import add_config_file, add_settings, read_settings
from siamx_ros.config import TrackerConfig
from siamx_ros.evaluation.calibration import BOUNDARY, fit
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Engine
from siamx_ros.model.weights import load_checkpoint, save_checkpoint
from siamx_ros.tracking import decode
from siamx_ros.training.pairs import SEARCH_SIZE, PairDataset
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.settings import TrainConfig

SEED = 2 ** 30
RIGHT = 0.3
"""Overlap from which an answer counts as right."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s DATA --weights FILE --out FILE [options]'
    parser.add_argument('data', metavar='DATA', type=Path, help='training folder')
    parser.add_argument('--weights', required=True, help='name or path of a checkpoint')
    parser.add_argument('--out', metavar='FILE', type=Path, required=True, help='where to write it')
    parser.add_argument('--pairs', metavar='N', type=int, default=3000, help='pairs to look at')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--half', action='store_true', help='store fp16, half the size')
    add_config_file(parser)
    add_settings(parser, TrainConfig(), '')


def run(args: argparse.Namespace) -> int:
    """Look at the pairs, fit, write; returns the exit status."""
    config = read_settings(args, {'': TrainConfig()})['']
    config = config.replace({
        'videos': 0.7, 'photos': 0.3, 'regions': 0.0, 'augment.negative': 0.33,
        'augment.search_shift': 40.0, 'augment.coarse': 0.1, 'augment.colour': 0.1,
        'augment.noise': 0.1, 'augment.still_rotation': 6.0, 'augment.flip': 0.5,
        'augment.still_flip': 0.0})
    checkpoint = load_checkpoint(args.weights)
    pairs = PairDataset(
        read_pictures(args.data, config, held_out=True), config, length=args.pairs, seed=SEED)
    scores, peaks, similarities, right = look(Engine(checkpoint.network, args.device), pairs)
    calibration = fit(scores, peaks, similarities, right)
    confidence = np.array([calibration(*row) for row in zip(scores, peaks, similarities)])
    agree = float(np.mean((confidence >= BOUNDARY) == right))
    false_alarm = float(np.mean(confidence[~right] >= BOUNDARY))
    missed = float(np.mean(confidence[right] < BOUNDARY))
    save_checkpoint(
        args.out, checkpoint.network, calibration=vars(calibration), half=args.half,
        card={**checkpoint.card, 'calibration': {
            'pairs': args.pairs, 'agreement': agree, 'wrong_but_confident': false_alarm,
            'right_but_not': missed}})
    print(f'{args.out}: {calibration}; agreement {agree:.3f}, wrong but confident '
          f'{false_alarm:.3f}, right but not {missed:.3f}')
    return 0


def look(engine: Engine, pairs: PairDataset) -> tuple[np.ndarray, ...]:
    """Raw score, peak ratio, similarity and rightness of the chosen answer to every pair."""
    window = CropWindow(SEARCH_SIZE / 2, SEARCH_SIZE / 2, SEARCH_SIZE, SEARCH_SIZE)
    config = TrackerConfig()
    rows = []
    for index in tqdm(range(len(pairs)), desc='pairs', unit='pair'):
        template_patch, search, corners = pairs[index]
        template = engine.embed(template_patch)
        maps = engine.search(search, template)
        last = BoundingBox(0, 0, 64, 64)
        if np.isfinite(corners).all():
            last = BoundingBox.from_corners(*map(float, corners))
        best = decode.choose(
            maps.scores, maps.distances, window, last, config, config.window_influence)
        right = bool(np.isfinite(corners).all()) and best.box.iou(last) >= RIGHT
        rows.append((best.score, best.peak_ratio,
                     engine.similarity(maps, best.cell, template), right))
    scores, peaks, similarities, right = (np.array(column) for column in zip(*rows))
    return scores, peaks, similarities, right
