"""Make copies of sequences as a camera that rolls would have recorded them.

Images become square. Then: python -m siamx_ros evaluate OUT
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from tqdm import tqdm

from siamx_ros.commands.outputs import check_written
from siamx_ros.data.folders import read_sequences
from siamx_ros.data.interruption import write_sequence
from siamx_ros.data.rolling import rolled
from siamx_ros.errors import InputError
from siamx_ros.files import new_folder

FASTEST, FARTHEST = 90.0, 180.0
"""Largest --speed, either way, and --within, degrees."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('data', metavar='DATA', type=Path, help='folder of sequences')
    parser.add_argument('--out', metavar='DIR', type=Path, required=True, help='new folder')
    parser.add_argument('--speed', metavar='DEGREES', type=float, default=3.0,
                        help='an image, counter-clockwise; below 0 for clockwise (default '
                             '%(default)g)')
    parser.add_argument('--within', metavar='DEGREES', type=float, default=0.0,
                        help='roll back from there, either way; 0: on and on (default '
                             '%(default)g)')


def run(args: argparse.Namespace) -> int:
    """Write the copies; returns the exit status."""
    if not (math.isfinite(args.speed) and 0 < abs(args.speed) <= FASTEST):
        raise InputError(f'--speed must be up to {FASTEST:g} degrees an image, either way, and '
                         f'not 0, got {args.speed:g}')
    if not 0 <= args.within <= FARTHEST:
        raise InputError(f'--within must be 0 to {FARTHEST:g} degrees, got {args.within:g}')
    check_written(args, {'DATA': args.data}, folders={'--out': args.out})
    sequences = read_sequences(args.data)
    for sequence in sequences:
        if not sequence.visible[0]:
            raise InputError(f'{sequence.name} must show its target in its first image')
    with new_folder(args.out) as folder:
        frames = sum(
            write_sequence(folder / sequence.name, rolled(sequence, args.speed, args.within))
            for sequence in tqdm(sequences, unit='sequence'))
    print(f'{args.out}: {len(sequences)} sequences, {frames} frames')
    return 0
