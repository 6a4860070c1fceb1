"""Train a network on a folder of photographs and videos (see docs/training.md).

One process: python -m siamx_ros train DATA --out runs/light
Several:     torchrun --nproc_per_node=6 -m siamx_ros train DATA --out runs/full --config FILE

The run folder gets config.yaml, log.csv, curves.png, last.pt (to resume), best.pt and
final.pt (checkpoints for --weights: the best one on held-out pairs, and the last). COCO, GOT-10k,
LaSOT and TrackingNet are mixed in with --sources; with them, DATA may be left out.
"""

from __future__ import annotations

import argparse
from importlib import import_module
import os
from pathlib import Path
import sys

from siamx_ros.commands.options import add_config_file, add_settings, read_settings
from siamx_ros.commands.outputs import check_written
from siamx_ros.errors import InputError
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.train import train

RESULTS = ('final.pt', 'last.pt')
"""What makes a folder that of a run; without them, it was broken off in its first epoch."""
WRITTEN = (*RESULTS, 'best.pt', 'log.csv', 'config.yaml', 'curves.png')
"""Files of a run folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('data', metavar='DATA', type=Path, nargs='?', help='training folder')
    parser.add_argument('--out', metavar='FOLDER', type=Path, required=True, help='run folder')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N (default auto)')
    parser.add_argument('--resume', action='store_true',
                        help="continue the run folder's last.pt, with its config.yaml")
    parser.add_argument('--initial', metavar='FILE', type=Path,
                        help='start from the weights of this checkpoint')
    parser.add_argument('--backbone', metavar='FILE', type=Path,
                        help='start from weights of others: search.onnx of FEAR-XS, or the file of '
                        "torchvision's ResNet-50")
    parser.add_argument('--minutes', metavar='N', type=float, default=0.0,
                        help='stop after the first epoch that ends later than this')
    add_config_file(parser)
    add_settings(parser, TrainConfig(), '')


def run(args: argparse.Namespace) -> int:
    """Train; returns the exit status."""
    settings = args
    if args.resume:
        args, settings = _resumed(args)
    config = read_settings(settings, {'': TrainConfig()})['']
    if not args.minutes >= 0:
        raise InputError(f'--minutes must be at least 0, got {args.minutes:g}')
    for name, value in {'--initial': args.initial, '--backbone': args.backbone}.items():
        if args.resume and value:
            raise InputError(f"--resume goes on from the run's last.pt: leave {name} out")
    check_written(args, {'DATA': args.data, '--initial': args.initial},
                  {f'--out {name}': args.out / name for name in WRITTEN}, {'--out': args.out})
    if not args.resume and any((args.out / name).exists() for name in RESULTS):
        resumed = 'add --resume or ' if (args.out / 'last.pt').exists() else ''
        raise InputError(f'{args.out} already holds a run: {resumed}name another folder')
    import_module('matplotlib')  # for the curves; missed now rather than after the last step
    best = train(args.data, args.out, config, device=args.device, resume=args.resume,
                 initial=args.initial, backbone=args.backbone, max_minutes=args.minutes)
    if int(os.environ.get('RANK', 0)) != 0:
        return 0
    if best < 0:
        print('error: nothing was learnt: in no epoch the overlap on held-out pairs was a finite '
              'number', file=sys.stderr)
        return 1
    if (args.out / 'best.pt').exists():
        print(f'{args.out}/best.pt')
    return 0


def _resumed(args: argparse.Namespace) -> tuple[argparse.Namespace, argparse.Namespace]:
    """The options without the run's own settings file, and with it before all others."""
    own, options = args.out / 'config.yaml', vars(args)
    others = [path for path in args.config if Path(path).resolve() != own.resolve()]
    first = [str(own)] if own.is_file() else []
    return (argparse.Namespace(**{**options, 'config': others}),
            argparse.Namespace(**{**options, 'config': first + others}))
