"""Measure milliseconds per stage of the tracker and frames per second on this machine.

The picture is a generated one with a target in its middle, which stands still: with
--tracking.steady_size 255 the rows are those of a fast or doubtful one. Else the time depends on
what is seen only by the state: a tracked target is learnt from, a lost one is searched for in
further windows. Where the state was another one than the row promises, as with random weights, a
warning says so. Rows:

  template            encode the target, once per init
  crop                cut the search window out of the image
  search              the network: score and distance maps of the search patch
  decode              choose the box, compare it with the template
  frame               one whole update in state TRACKING: crop to decode, and the rest; every sixth
                      one also solves the target's classifier, which p95 shows
  frame while lost    one whole update in state LOST: also what the adaptive scheme searches then
"""

from __future__ import annotations

import argparse
import re
import sys

from tqdm import tqdm

from siamx_ros.commands.options import TRACKER_SETTINGS, add_tracker_settings, read_settings
from siamx_ros.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s [--weights W] [--device D] [--threads N] [--size WxH] ...'
    parser.add_argument('--size', metavar='WxH', default='640x480', help='picture, default 640x480')
    parser.add_argument('--repeats', metavar='N', type=int, default=50,
                        help='calls of each stage, default 50')
    add_tracker_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Measure and print the table; returns the exit status."""
    width, height = _size(args.size)
    if args.repeats < 1:
        raise InputError('--repeats must be at least 1')
    settings = read_settings(args, TRACKER_SETTINGS)
    from siamx_ros.evaluation.speed import STAGES, measure
    from siamx_ros.evaluation.tables import as_text
    with tqdm(total=len(STAGES) * args.repeats, unit='call', file=sys.stderr) as bar:
        timings = measure(
            settings['model'], settings['tracking'], width, height, args.repeats, bar.update)
    rows = [['stage', 'median ms', 'p95 ms', 'per second']]
    rows += [[each.stage, f'{each.median:.2f}', f'{each.p95:.2f}', f'{each.per_second:.1f}']
             for each in timings]
    print(as_text(rows))
    return 0


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r'(\d{2,5})x(\d{2,5})', text)
    if not match:
        raise InputError(f'--size must be WIDTHxHEIGHT in pixels, e.g. 640x480, got {text!r}')
    return int(match[1]), int(match[2])
