"""Turn the authors' published checkpoint (SiamX.pth) into a checkpoint of this package.

The file is read as plain data (``weights_only``), its 341 inference entries are checked by name
and shape, and the result is written with --out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from siamx_ros.commands.outputs import check_written
from siamx_ros.model.importing import import_authors
from siamx_ros.model.weights import save_checkpoint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('source', type=Path, help="the authors' file, e.g. snapshot/SiamX.pth")
    parser.add_argument('--out', type=Path, required=True, help='checkpoint to write (.pt)')
    parser.add_argument('--half', action='store_true', help='store fp16, half the size')


def run(args: argparse.Namespace) -> int:
    """Convert; returns the exit status."""
    check_written(args, {'SOURCE': args.source}, {'--out': args.out})
    network = import_authors(args.source)
    save_checkpoint(args.out, network, half=args.half, card={
        'name': 'siamx-authors', 'origin': 'converted from the authors\' published checkpoint'})
    print(f'{args.out}: {sum(p.numel() for p in network.parameters()):,} parameters')
    return 0
