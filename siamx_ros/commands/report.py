"""Read the results of earlier evaluations and write their tables and plots again.

Only sequences that every tracker has are compared; what is left out is said.
"""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from siamx_ros.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('results', metavar='DIR', type=Path, help='folder given to evaluate --out')
    parser.add_argument('--trackers', metavar='A,B,...', help='only these (default: all)')
    parser.add_argument('--timelines', action='store_true',
                        help='also draw overlap, confidence and state over time of every run')


def run(args: argparse.Namespace) -> int:
    """Print the table of means, write report and plots; returns the exit status."""
    from siamx_ros.evaluation.plots import timeline
    from siamx_ros.evaluation.report import common_sequences, read_results, write_report
    from siamx_ros.evaluation.tables import as_text, tracker_table
    names = [name for name in (args.trackers or '').split(',') if name]
    runs = read_results(args.results, names)
    common = common_sequences(runs)
    for name, each in runs.items():
        left_out = len(each) - len(common[name])
        if left_out:
            print(f'note: {left_out} of {len(each)} sequences of {name} are left out, not every '
                  'tracker has them', file=sys.stderr)
    if not next(iter(common.values())):
        raise InputError(f'the trackers in {args.results} have no sequence in common')
    print(as_text(tracker_table(common)))
    paths = write_report(args.results, common)
    if args.timelines:
        paths += [timeline(args.results / 'plots' / name / f'{each.name}.png', each)
                  for name, tracker_runs in common.items() for each in tracker_runs]
    for path in paths:
        print(f'wrote {path}', file=sys.stderr)
    return 0
