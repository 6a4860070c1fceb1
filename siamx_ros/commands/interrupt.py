"""Make interrupted copies of sequences, to evaluate what happens after a target was gone.

Each copy shows the first part of a sequence, 10 to 300 frames of another one without the target,
and the rest from a camera that has panned. The target can return at another size, by another side
of the image or slowly out of an occlusion, and the camera can be a poorer one. Then:
python -m siamx_ros evaluate OUT
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from siamx_ros import imaging
from siamx_ros.commands.outputs import check_written
from siamx_ros.data.degradation import Degradation
from siamx_ros.data.folders import read_sequences
from siamx_ros.data.interruption import (
    interrupted, recordings, shown_meanwhile, write_sequence)
from siamx_ros.data.returning import ENTRY, LARGEST_ZOOM, Return
from siamx_ros.errors import InputError
from siamx_ros.files import new_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('data', metavar='DATA', type=Path,
                        help='folder of sequences, of at least two recordings')
    parser.add_argument('--out', metavar='DIR', type=Path, required=True, help='new folder')
    parser.add_argument('--seed', type=int, default=0, help='of cuts, gaps and pans (default 0)')
    manner = Return()
    parser.add_argument('--zoom', metavar='Z', type=float, default=manner.zoom,
                        help='the target returns up to Z times larger or smaller, 1 to '
                             f'{LARGEST_ZOOM:g} (default %(default)g)')
    parser.add_argument('--other-side', action='store_true',
                        help='it enters, within %d images, by the side of the image that is '
                             'farther from where it was last seen' % ENTRY)
    parser.add_argument('--occlusion', metavar='N', type=int, default=manner.occlusion,
                        help='it comes out from behind something within N images (default '
                             '%(default)s: nothing hides it)')
    degradation = Degradation()
    parser.add_argument('--every', metavar='N', type=int, default=degradation.every,
                        help='keep one image of every N: faster targets (default %(default)s)')
    parser.add_argument('--shrink', metavar='N', type=int, default=degradation.shrink,
                        help='N times fewer pixels along either side (default %(default)s)')
    parser.add_argument('--quality', metavar='Q', type=int, default=degradation.quality,
                        help='of the JPEG files, 1 to 100 (default %(default)s)')


def run(args: argparse.Namespace) -> int:
    """Write the copies; returns the exit status."""
    if args.seed < 0:
        raise InputError(f'--seed must be at least 0, got {args.seed}')
    check_written(args, {'DATA': args.data}, folders={'--out': args.out})
    manner = Return(args.zoom, args.other_side, args.occlusion)
    degradation = Degradation(args.every, args.shrink, args.quality)
    sequences = [degradation.thinned(sequence) for sequence in read_sequences(args.data)]
    for sequence in sequences:
        if len(sequence.frame_paths) < 2:
            raise InputError(f'sequence {sequence.name} has one image, of every {args.every}: it '
                             'cannot be interrupted')
        degradation.shrunk(imaging.read_image(sequence.frame_paths[0]), sequence.boxes_xywh[0])
    recording = recordings(sequences)
    frames = 0
    with new_folder(args.out) as folder:
        for index, sequence in enumerate(tqdm(sequences, unit='sequence')):
            rng = np.random.default_rng((args.seed, index))
            other = sequences[shown_meanwhile(index, recording, rng)]
            frames += write_sequence(
                folder / sequence.name, interrupted(sequence, other, rng, manner), degradation)
    print(f'{args.out}: {len(sequences)} sequences, {frames} frames')
    return 0
