"""Make interrupted copies of sequences, to evaluate what happens after a target was gone.

Each copy shows the first part of a sequence, 10 to 300 frames of another one without the target,
and the rest from a camera that has panned. Then: python -m siamx_ros evaluate OUT
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from siamx_ros.data.dataset import read_sequences
from siamx_ros.data.interruption import interrupted, write_sequence
from siamx_ros.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('data', metavar='DATA', type=Path, help='folder of at least two sequences')
    parser.add_argument('--out', metavar='DIR', type=Path, required=True, help='new folder')
    parser.add_argument('--seed', type=int, default=0, help='of cuts, gaps and pans (default 0)')


def run(args: argparse.Namespace) -> int:
    """Write the copies; returns the exit status."""
    if args.seed < 0:
        raise InputError(f'--seed must be at least 0, got {args.seed}')
    sequences = read_sequences(args.data)
    if len(sequences) < 2:
        raise InputError(f'{args.data} holds one sequence: what is shown meanwhile needs another')
    for sequence in sequences:
        if len(sequence.frame_paths) < 2:
            raise InputError(f'sequence {sequence.name} has one image: it cannot be interrupted')
    if args.out.exists():
        raise InputError(f'{args.out} exists already: name a new folder')
    frames = 0
    for index, sequence in enumerate(tqdm(sequences, unit='sequence')):
        rng = np.random.default_rng((args.seed, index))
        other = sequences[(index + rng.integers(1, len(sequences))) % len(sequences)]
        frames += write_sequence(args.out / sequence.name, interrupted(sequence, other, rng))
    print(f'{args.out}: {len(sequences)} sequences, {frames} frames')
    return 0
