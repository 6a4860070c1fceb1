"""Measure how long an update takes, where the time goes and what this machine could do.

Trackers take turns: each starts on the first image of a stretch of a sequence and updates on the
others, then the next tracker does the same; the next turn has the next sequence. So what disturbs
the machine hits all alike. The first updates of a turn do not count. The tables:

  ceilings            best matrix product in the network's precision and best copy of memory that
                      were seen, and what share of the first the network reaches
  whole updates       of each tracker: time of an update, time of its start on an image (init ms),
                      seconds from the start of a process until it has answered an image (ready s),
                      and that process's largest memory (peak MB)
  siamx while lost    an update in state LOST on an image without the target
  siamx, N targets    an update of the targets of N sequences, side by side in one image
                      (--targets N), how often longer than of one
  siamx in TRACKING   parts of an update; 'search' is the network, 'rest' what no other part took.
                      Only some updates teach the classifier: see the mean

DATA are folders of sequences; without any, generated clips are used, on which a tracker may do
other work than on a camera's images. --beside FILE.py runs a tracker that a file of yours adapts,
with its own settings and threads: make() or, for FILE.py:ARGUMENT, make(ARGUMENT) returns an object
with init(image, (x, y, w, h)) and update(image), images being H x W x 3 uint8 in BGR.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
import re
import sys
from typing import Any

from tqdm import tqdm

from siamx_ros.commands.options import TRACKER_SETTINGS, add_tracker_settings, read_settings
from siamx_ros.commands.outputs import check_written
from siamx_ros.errors import InputError
from siamx_ros.whole_files import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s [DATA ...] [--threads N] [--beside csrt|FILE.py[:ARGUMENT] ...] ...'
    parser.add_argument(
        'data', metavar='DATA', type=Path, nargs='*',
        help='folders of sequences <name>/img/ + <name>/groundtruth.txt, or such sequences')
    parser.add_argument('--size', metavar='WxH', default='640x480',
                        help='what images are brought to, default 640x480')
    parser.add_argument('--beside', metavar='TRACKER', action='append', default=[],
                        help="a tracker to measure beside ours: csrt or kcf (OpenCV's), or the "
                             'Python file of an adapter; may be given again')
    parser.add_argument('--targets', metavar='N', type=int, action='append', default=[],
                        help='also measure updates of N targets at once; may be given again')
    parser.add_argument('--turns', metavar='N', type=int, default=16,
                        help='turns of each tracker, default 16')
    parser.add_argument('--frames', metavar='N', type=int, default=30,
                        help='images of a turn, default 30')
    parser.add_argument('--starts', metavar='N', type=int, default=3,
                        help='processes started for each tracker, default 3; 0 for none')
    parser.add_argument('--out', metavar='FILE', type=Path,
                        help='write all that was measured as JSON')
    add_tracker_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and print the tables; returns the exit status."""
    size = _size(args.size)
    settings = read_settings(args, TRACKER_SETTINGS)
    check_written(args, {f'DATA {path}': path for path in args.data}, files={'--out': args.out},
                  model=settings['model'])
    from siamx_ros.evaluation.speed.measurement import measure
    from siamx_ros.evaluation.speed.report import as_tables, as_values
    plan = _plan(args, settings, size)
    with tqdm(total=plan.steps, unit='turn', file=sys.stderr) as bar:
        report = measure(plan, bar.update)
    try:
        if args.out is not None:
            values = as_values(report, {
                'size': list(size), 'turns': args.turns, 'frames': args.frames,
                'images': [stretch.name for stretch in plan.stretches],
                **{name: group.to_dict() for name, group in settings.items()}})
            write_text(args.out, json.dumps(values, indent=2) + '\n')
            print(f'wrote {args.out}', file=sys.stderr)
    finally:  # what was measured is not lost with the file
        print(as_tables(report))
    return 0


def _plan(args: argparse.Namespace, settings: dict[str, Any], size: tuple[int, int]) -> Any:
    """What is to be measured."""
    from siamx_ros.data.folders import read_sequences
    from siamx_ros.evaluation.speed.beside import read_specs
    from siamx_ros.evaluation.speed.measurement import Plan
    from siamx_ros.evaluation.speed.participants import WARM_UP
    from siamx_ros.evaluation.speed.stretches import from_sequences, generated
    if any(count < 2 for count in args.targets):
        raise InputError('--targets must be at least 2: one target is always measured')
    if args.turns < 1 or args.starts < 0:
        raise InputError('--turns must be at least 1 and --starts at least 0')
    if args.frames < WARM_UP + 2:
        raise InputError(f'--frames must be at least {WARM_UP + 2}: the first image and '
                         f'{WARM_UP} more of each turn do not count')
    sequences = [sequence for path in args.data for sequence in read_sequences(path)]
    stretches = from_sequences(sequences[:args.turns], size, args.frames) if sequences \
        else generated(size, args.frames)
    return Plan(settings['model'], settings['tracking'], read_specs(args.beside),
                tuple(stretches), args.turns, args.starts,
                tuple(sorted(set(args.targets))))


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r'(\d{2,5})x(\d{2,5})', text)
    if not match:
        raise InputError(f'--size must be WIDTHxHEIGHT in pixels, e.g. 640x480, got {text!r}')
    return int(match[1]), int(match[2])
