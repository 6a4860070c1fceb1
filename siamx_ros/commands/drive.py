"""How fast a robot would follow, by a tracker's answers over annotated sequences.

The tracker runs once over each sequence; its answers are then given to a follower at several image
rates, with a perfect range of 4 m at 15 Hz. Only frames with a right box (overlap above 0.5) count:

  valid      share of them that are valid
  speed      mean speed that is commanded; the largest is --control.max_linear
  stops/min  how often the robot would come to a stand
"""

from __future__ import annotations

import argparse
from pathlib import Path

from siamx_ros.commands.options import (
    TRACKER_SETTINGS, add_sequences, add_settings, add_tracker_settings, names, read_settings)
from siamx_ros.commands.outputs import check_written, note_left_out
from siamx_ros.control.limits import FollowLimits
from siamx_ros.errors import InputError

NARROWEST, WIDEST = 1.0, 179.0
"""Horizontal field of view, degrees."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s DATA [--rates 15,20,30] [--weights W] [--out DIR] ...'
    add_sequences(parser)
    parser.add_argument('--rates', metavar='A,B,...', default='15,20,30',
                        help='images per second (default %(default)s)')
    parser.add_argument('--hfov', metavar='DEGREES', type=float, default=60.0,
                        help='horizontal field of view of the camera (default 60)')
    parser.add_argument('--out', metavar='DIR', type=Path,
                        help='keep the results of the tracker here, as evaluate --out does')
    parser.add_argument('--overwrite', action='store_true',
                        help="drop the tracker's results in --out instead of using them")
    add_tracker_settings(parser)
    add_settings(parser, FollowLimits(), 'control')


def run(args: argparse.Namespace) -> int:
    """Run the tracker, drive, print the table; returns the exit status."""
    from siamx_ros.data.folders import read_sequences
    from siamx_ros.evaluation.campaign import Campaign, run_campaign
    from siamx_ros.evaluation.following import drive, table
    from siamx_ros.evaluation.runner import image_size
    from siamx_ros.evaluation.tables import as_text
    from siamx_ros.evaluation.trackers import TrackerSpec
    rates = _rates(args.rates)
    if not NARROWEST <= args.hfov <= WIDEST:
        raise InputError(f'--hfov must be {NARROWEST:g} to {WIDEST:g} degrees, got {args.hfov:g}')
    settings = read_settings(args, {**TRACKER_SETTINGS, 'control': FollowLimits()})
    sequences = read_sequences(args.data, names(args.sequences, '--sequences'))
    spec = TrackerSpec('siamx', 'siamx', settings['model'], settings['tracking'])
    check_written(args, {'DATA': args.data}, folders={'--out': args.out},
                  model=settings['model'])
    runs = run_campaign(Campaign((spec,), tuple(sequences), args.out, args.overwrite,
                                 threads=settings['model'].threads))['siamx']
    run_over = {each.name for each in runs}
    sizes = {each.name: image_size(each) for each in sequences if each.name in run_over}
    print(as_text(table([
        drive(each, *sizes[each.name], rate, args.hfov, settings['control'])
        for each in runs for rate in rates])))
    return note_left_out(sequences, run_over)


def _rates(text: str) -> list[float]:
    try:
        rates = [float(part) for part in text.split(',')]
    except ValueError:
        rates = []
    if not rates or not all(1 <= rate <= 240 for rate in rates):
        raise InputError(f'--rates takes numbers from 1 to 240, such as 15,20,30, got {text!r}')
    if len(set(rates)) < len(rates):
        raise InputError(f'--rates takes each number once, got {text!r}')
    return rates
