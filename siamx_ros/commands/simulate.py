"""Make sequences of simulated worlds, in which a robot follows a person among others.

Two of the four others look like the target; people cross before it, it hides, leaves and comes
back, the light changes. The robot knows where its target is, so that the images do not depend on a
tracker. The box is that of what is seen of the target. The same world gives the same images.
Needs Panda3D. Then: python -m siamx_ros evaluate OUT
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from siamx_ros.commands.outputs import check_written
from siamx_ros.data.sequence_writer import SequenceWriter
from siamx_ros.errors import InputError
from siamx_ros.files import new_folder
from siamx_ros.simulation.scenario import DURATION_S
from siamx_ros.simulation.true_pilot import watch

SHORTEST_S, LONGEST_S = 1.0, 600.0
"""Of an episode, seconds."""
QUALITY = 95
"""Of the JPEG files: the camera's own compression is in the images already."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('--out', metavar='DIR', type=Path, required=True, help='new folder')
    parser.add_argument('--worlds', metavar='SEED', type=int, nargs='+', default=[0],
                        help='seeds of the worlds, a sequence each (default 0)')
    parser.add_argument('--seconds', metavar='S', type=float, default=DURATION_S,
                        help='length of each, 20 images a second (default %(default)g)')


def run(args: argparse.Namespace) -> int:
    """Write the sequences; returns the exit status."""
    if min(args.worlds) < 0 or len(set(args.worlds)) < len(args.worlds):
        raise InputError(f'--worlds must be different seeds of at least 0, got {args.worlds}')
    if not SHORTEST_S <= args.seconds <= LONGEST_S:
        raise InputError(f'--seconds must be {SHORTEST_S:g} to {LONGEST_S:g}, got {args.seconds:g}')
    check_written(args, {}, folders={'--out': args.out})
    frames = 0
    with new_folder(args.out) as folder:
        for seed in tqdm(args.worlds, unit='world'):
            writer = SequenceWriter(folder / f'world_{seed:02}', QUALITY)
            watch(seed, args.seconds, writer.add)
            frames += writer.finish()
    print(f'{args.out}: {len(args.worlds)} sequences, {frames} frames')
    return 0
