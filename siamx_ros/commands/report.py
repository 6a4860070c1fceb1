"""Read the results of earlier evaluations and write their tables and plots again.

Only sequences that every tracker has are compared; what is left out is said. Folders of
evaluate-bag become one table with a row each. Of a training run, the curves are drawn.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
import sys

from siamx_ros.commands.options import names
from siamx_ros.errors import InputError
from siamx_ros.files import check_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument('results', metavar='DIR', type=Path, nargs='+',
                        help='folder given to evaluate --out or train --out, or one or more of '
                        'evaluate-bag')
    parser.add_argument('--trackers', metavar='A,B,...', help='only these (default: all)')
    parser.add_argument('--timelines', action='store_true',
                        help='also draw overlap, confidence and state over time of every run')


def run(args: argparse.Namespace) -> int:
    """Print the table of means, write report and plots; returns the exit status."""
    from siamx_ros.evaluation.bag.folder import comparison, is_replay
    from siamx_ros.evaluation.tables import as_text
    sequences = len(args.results) == 1 and not (
        is_replay(args.results[0]) or (args.results[0] / 'log.csv').is_file())
    if not sequences and (args.trackers is not None or args.timelines):
        raise InputError('--trackers and --timelines are for a folder of evaluate --out')
    if len(args.results) > 1 or is_replay(args.results[0]):
        print(as_text(comparison(args.results)))
        return 0
    if (args.results[0] / 'log.csv').is_file():
        return _curves(args.results[0])
    return _report(args.results[0], args)


def _curves(folder: Path) -> int:
    check_outputs({'log.csv': folder / 'log.csv'}, {'curves.png': folder / 'curves.png'})
    from siamx_ros.training.curves import draw_curves, read_log
    rows = [row for row in read_log(folder) if math.isfinite(row['iou'])]
    if rows:
        best = max(rows, key=lambda row: row['iou'])
        print(f"best epoch: step {best['step']:.0f}, held-out overlap {best['iou']:.3f}, "
              f"hits {best['hit']:.3f}")
    else:
        print('best epoch: none, no held-out overlap is a finite number')
    print(f'wrote {draw_curves(folder)}', file=sys.stderr)
    return 0


def _report(folder: Path, args: argparse.Namespace) -> int:
    from siamx_ros.evaluation.report import common_sequences, read_results, write_report
    from siamx_ros.evaluation.tables import as_text, tracker_table
    from siamx_ros.evaluation.timelines import timeline
    runs = read_results(folder, names(args.trackers, '--trackers'))
    common = common_sequences(folder, runs)
    for name, each in runs.items():
        left_out = len(each) - len(common[name])
        if left_out:
            print(f'note: {left_out} of {len(each)} sequences of {name} are left out, not every '
                  'tracker has them', file=sys.stderr)
    if not next(iter(common.values())):
        raise InputError(f'the trackers in {folder} have no sequence in common')
    print(as_text(tracker_table(common)))
    paths = write_report(folder, common)
    if args.timelines:
        paths += [timeline(folder / 'plots' / name / f'{each.name}_timeline.png', each)
                  for name, tracker_runs in common.items() for each in tracker_runs]
    for path in paths:
        print(f'wrote {path}', file=sys.stderr)
    return 0
