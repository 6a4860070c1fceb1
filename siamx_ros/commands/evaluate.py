"""Run trackers over annotated sequences and print how well they do.

One pass per sequence: initialised with the true box of the first frame, never corrected. The
initial frame does not count, and frames without the target only for valid-while-absent. The
columns, each a mean over sequences where nothing else is said:

  AUC                area under the success curve: mean share of frames with an overlap above
                     0, 0.05, ..., 1
  SR0.5              share of frames with an overlap above 0.5
  P@20               share with the centre at most 20 pixels off
  normP@0.2          share with the centre at most 0.2 target sizes off
  frames/s           the tracker alone, without reading images; all frames by all time
  wrong-while-valid  share reported as valid with an overlap below 0.1
  false-lost         share reported LOST although the box overlaps by 0.5 or more
  invalid-while-right share of the frames with an overlap above 0.5 that are not reported as valid,
                     be it LOST, UNCERTAIN or RELOCALISED: a robot slows or stops on them
  drops/100          how often valid ends on such a frame, per 100 of them
  valid-while-absent share of the frames without the target that are reported as valid
  frames             how many frames with the target count, of all sequences together

Exit status: 0, or 1 if a sequence had to be left out: an image or its first box cannot be used.
"""

from __future__ import annotations

import argparse
from importlib import import_module
import json
from pathlib import Path
import sys
from typing import Any

from siamx_ros.commands.options import (
    TRACKER_SETTINGS, add_sequences, add_tracker_settings, names, read_settings)
from siamx_ros.commands.outputs import check_written, note_left_out
from siamx_ros.data.annotation import TEST
from siamx_ros.data.catalogue import DATASETS, kinds, read_benchmark
from siamx_ros.errors import InputError
from siamx_ros.schemes import ADAPTIVE_SCHEMES
from siamx_ros.whole_files import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s DATA [--weights W] [--trackers A,B] [--adaptive A,B] [--out DIR] ...'
    add_sequences(parser)
    parser.add_argument(
        '--trackers', metavar='A,B,...',
        help='siamx, csrt, kcf, and csrt-adapted, kcf-adapted: the adaptive scheme around them '
             '(default: siamx, and those of OpenCV that are installed)')
    parser.add_argument(
        '--adaptive', metavar='A,B,...',
        help=f'adaptive schemes to compare: {", ".join(ADAPTIVE_SCHEMES)} '
             '(default: the one of --tracking.adaptive)')
    parser.add_argument(
        '--variants', metavar='FILE', nargs='+', default=[],
        help='settings files to compare, such as config/ablation/*.yaml; each is one tracker, '
             'named after its file')
    parser.add_argument(
        '--benchmark', metavar='KIND', default='folder',
        help=f'layout and rules of DATA: {", ".join(kinds(TEST))} (default folder); adds the '
             'figures of its own kit and, below --out, its result files')
    parser.add_argument(
        '--inexact', metavar='N', type=int, default=0,
        help='start each sequence N times from a box that is a little off (2%% of its size) in '
             'place of once from the true one: means that hang less on chance')
    parser.add_argument(
        '--out', metavar='DIR', type=Path,
        help='keep results, tables and plots here; an interrupted run goes on where it stopped')
    parser.add_argument('--overwrite', action='store_true',
                        help="drop these trackers' results in --out instead of using them")
    parser.add_argument('--timelines', metavar='N', type=int, default=4,
                        help='draw confidence and overlap over time below images with the searched '
                             'windows, for the N sequences with most changes of state (default 4)')
    parser.add_argument('--jobs', metavar='N', type=int, default=1,
                        help='processes (default 1; more make frames/s incomparable)')
    add_tracker_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate, print the tables; returns the exit status."""
    from siamx_ros.evaluation.kits.submission import OFFICIAL
    if args.jobs < 1 or args.timelines < 0:
        raise InputError('--jobs must be at least 1 and --timelines at least 0')
    if args.inexact < 0 or (args.inexact and args.benchmark != 'folder'):
        raise InputError('--inexact must be at least 0, and is for --benchmark folder: official '
                         'figures start from the true box')
    settings = read_settings(args, TRACKER_SETTINGS)
    check_written(args, {'DATA': args.data, **{f'--variants {path}': path
                                               for path in args.variants}},
                  files={'--out': args.out and args.out / OFFICIAL},
                  folders={'--out': args.out}, model=settings['model'])
    if args.out is not None:
        import_module('matplotlib')  # missed now rather than after an hour
    from siamx_ros.data.inexact import with_inexact_starts
    from siamx_ros.evaluation.campaign import Campaign, run_campaign
    from siamx_ros.evaluation.kits.table import KITS
    sequences = _sequences(args)
    if args.inexact:
        sequences = with_inexact_starts(sequences, args.inexact)
    kit = KITS.get(args.benchmark)
    specs = _specs(args, settings)
    runs = run_campaign(Campaign(
        tuple(specs), tuple(sequences), args.out, args.overwrite, args.jobs,
        settings['model'].threads, kit.protocol if kit else 'once'))
    run_over = {each.name for each in next(iter(runs.values()))}
    kept = [sequence for sequence in sequences if sequence.name in run_over]
    official = _official(kit, runs, kept, args.out)
    if args.out is not None:
        from siamx_ros.evaluation.report import draw_timelines, write_report
        paths = write_report(args.out, runs)
        for path in [*paths, *draw_timelines(
                args.out / 'plots', runs, kept, args.timelines)]:
            print(f'wrote {path}', file=sys.stderr)
    _print_tables(runs)  # last: who reads them may have gone
    if official:
        print(f'\n{official}')
    return note_left_out(sequences, run_over)


def _sequences(args: argparse.Namespace) -> list:
    """The sequences that were asked for; others may be damaged."""
    from siamx_ros.data.folders import read_named
    wanted, found = names(args.sequences, '--sequences'), []
    if wanted and args.benchmark in kinds(TEST) and args.data.is_dir():
        found = read_named(DATASETS[args.benchmark][TEST](args.data), wanted)
    return found or read_benchmark(args.data, args.benchmark)


def _specs(args: argparse.Namespace, settings: dict) -> list:
    """The trackers to compare: by kind, by adaptive scheme, by settings file."""
    from siamx_ros.evaluation.trackers import TrackerSpec, check_names, variants
    if args.variants and args.adaptive:
        raise InputError('give --adaptive or --variants, not both')
    schemes = names(args.adaptive, '--adaptive') or [settings['tracking'].adaptive]
    specs = variants(_kinds(args.trackers), schemes, settings['model'], settings['tracking'])
    if not args.variants:
        return specs
    own = []
    for path in args.variants:
        given = argparse.Namespace(**{**vars(args), 'config': [*args.config, path]})
        each = read_settings(given, TRACKER_SETTINGS)
        own.append(TrackerSpec(Path(path).stem, 'siamx', each['model'], each['tracking']))
    return check_names([*own, *(spec for spec in specs if spec.kind != 'siamx')])


def _kinds(text: str | None) -> list[str]:
    """The trackers that were asked for; by default also those that the installed OpenCV has."""
    from siamx_ros.evaluation.opencv_trackers import FACTORIES, OpenCvTracker, available
    from siamx_ros.evaluation.trackers import ADAPTED
    if text is not None:
        given = names(text, '--trackers')
        for name in {name.removesuffix(ADAPTED) for name in given} & set(FACTORIES):
            OpenCvTracker(name)  # refused now rather than after an hour
        return given
    if not available():
        print('note: CSRT and KCF are left out, they need opencv-contrib-python-headless in '
              'place of opencv-python-headless', file=sys.stderr)
    return ['siamx', *available()]


def _official(kit: Any, runs: dict, sequences: list, out: Path | None) -> str:
    """Write the result files of the benchmark's own kit, in place of earlier ones.

    Returns:
        The table of its figures; '' without a kit.
    """
    from siamx_ros.evaluation.kits.submission import FIGURES, OFFICIAL, remove_official
    from siamx_ros.evaluation.results import json_values
    from siamx_ros.evaluation.tables import as_text
    if out is not None:
        remove_official(out, runs)
    if kit is None:
        return ''
    figures = {name: kit.total(each, sequences) for name, each in runs.items()}
    columns = list(next(iter(figures.values())))
    table = as_text([['official figures', *columns], *(
        [tracker, *(f'{value:.3f}' for value in each.values())]
        for tracker, each in figures.items())])
    if out is None:
        return table
    for tracker, each in runs.items():
        for tracker_run, sequence in zip(each, sequences):
            kit.write(out / OFFICIAL, tracker, tracker_run, sequence)
    write_text(out / OFFICIAL / FIGURES, json.dumps(json_values(figures), indent=2) + '\n')
    print(f'wrote {out / OFFICIAL}', file=sys.stderr)
    return table


def _print_tables(runs: dict) -> None:
    from siamx_ros.evaluation.tables import as_text, sequence_table, tracker_table
    for name, tracker_runs in runs.items():
        print(f'{name}\n{as_text(sequence_table(tracker_runs))}\n')
    if len(runs) > 1:
        print(as_text(tracker_table(runs)))
