"""Write a model as ONNX files for ONNX Runtime, TensorRT and others (docs/deploy.md).

template.onnx encodes the target once, search_N.onnx locates it in search patches of N pixels, and
model.json says what goes in and comes out. Each file is run and compared with torch before anything
is written; the largest differences are printed. With --int8 the search is rounded to eight bits
(QuantizeLinear and DequantizeLinear) by the ranges in the weights file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from siamx_ros.commands.outputs import check_written, weights_file
from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.patch_geometry import next_patch_size

SIZES = TrackerConfig().steady_size, TrackerConfig().search_size
PICTURE = {'frames': 1, 'image_size': (640, 480), 'target_size': (80, 60)}
"""What the files are compared on: a generated picture of a target."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s --out FOLDER [--weights W] [--sizes N,N,...] [--int8]'
    sizes = ','.join(map(str, SIZES))
    parser.add_argument('--out', metavar='FOLDER', type=Path, required=True,
                        help='where to write the files; those of the same names are replaced')
    parser.add_argument('--weights', metavar='W', default='default',
                        help='name or path of a checkpoint, default default')
    parser.add_argument('--sizes', metavar='N,N,...', default=sizes,
                        help='sides of search patches in pixels, a file for each; default '
                             f'{sizes}, of a steady target and any other')
    parser.add_argument('--int8', action='store_true', help='round the search to eight bits')


def run(args: argparse.Namespace) -> int:
    """Export and print the comparison; returns the exit status."""
    sizes = _sizes(args.sizes)
    check_written(args, {'--weights': weights_file(args.weights)}, {}, {'--out': args.out})
    from siamx_ros.evaluation.tables import as_text
    from siamx_ros.model.exporting import export
    from siamx_ros.model.onnx_graph import check_installed
    from siamx_ros.model.weights import load_checkpoint
    check_installed('export')
    checkpoint = load_checkpoint(args.weights)
    template, searches = _patches(checkpoint.network.geometry, sizes)
    comparisons = export(
        checkpoint, args.out, template, searches, checkpoint.ranges if args.int8 else None)
    rows = [['file', 'output', 'largest difference', 'rms', 'allowed']]
    rows += [[each.file, each.output, f'{each.largest:.2g}', f'{each.rms:.2g}',
              f'{each.allowed:g} {"rms" if each.rounded else "largest"}'] for each in comparisons]
    print(as_text(rows))
    print(args.out)
    return 0


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(sorted({int(part) for part in text.split(',')}))
    except ValueError:
        raise InputError(f'--sizes must be whole numbers, e.g. 207,255, got {text!r}') from None
    for size in sizes:
        if size != next_patch_size(size) or not 127 <= size <= 831:
            raise InputError(f'--sizes must leave 15 when divided by 16 and lie between 127 and '
                             f'831, got {size}')
    return sizes


def _patches(geometry, sizes: tuple[int, ...]):
    """The picture's target as a template patch, and search patches around it by their sides."""
    from siamx_ros import imaging
    from siamx_ros.synthetic import sequence
    clip = sequence(**PICTURE)
    image, box = clip.image(0), clip.first_box
    fill, crop = imaging.mean_colour(image), imaging.CROPS['exact']
    return (crop(image, geometry.template_window(box), fill),
            {size: crop(image, geometry.search_window(box, size), fill) for size in sizes})
