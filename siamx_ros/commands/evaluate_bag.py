"""Replay a recorded bag through a tracker and score it, without ROS.

BAG is a folder with metadata.yaml or a single .mcap, .db3 or .bag file, with raw or compressed
images. The true boxes come from the topic /ground_truth or another one that you name
(Detection2DArray or BoundingBox2DArray), or from a text file: `x,y,w,h` for every image, or
`stamp,x,y,w,h` with seconds. The first box is the first true one, --box, or a recorded request.

Modes: `offline` gives every image to the tracker; `realtime` simulates a tracker that takes
--latency for each image and misses those that come meanwhile, with a virtual clock, so that it is
reproducible. `lockstep` and `live` play to the tracker node over ROS: the next image when the last
one is answered, or at the pace of the recording.

Exit status: 0, or 1 if a criterion of --criteria fails or the video is not whole.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack, nullcontext
import dataclasses
from importlib import import_module
from pathlib import Path
import sys
from typing import Any, ContextManager

from siamx_ros.commands.live import (
    LIVE_MODES, add_live_arguments, check_live_arguments, player_of)
from siamx_ros.commands.options import (
    TRACKER_SETTINGS, add_tracker_settings, parse_box, read_settings)
from siamx_ros.commands.outputs import check_written
from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError

MODES = ('offline', 'realtime', *LIVE_MODES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.usage = '%(prog)s BAG [--out DIR] [--truth-topic T | --truth-file F] [--mode M] ...'
    parser.add_argument('bag', metavar='BAG', type=Path, help='folder, .mcap, .db3 or .bag')
    parser.add_argument('--out', metavar='DIR', type=Path,
                        help='write frames.csv, events.jsonl, summary.json, plots, a results bag')
    parser.add_argument('--overwrite', action='store_true', help='replace the results in --out')
    parser.add_argument('--image-topic', metavar='T', default='',
                        help='of the images (default: the only one)')
    parser.add_argument('--truth-topic', metavar='T', default='',
                        help='of the true boxes (default /ground_truth)')
    parser.add_argument('--truth-bag', metavar='BAG', type=Path,
                        help='the bag with the true boxes, if not BAG')
    parser.add_argument('--truth-id', metavar='ID', default='',
                        help='id of the target, where a message has several boxes')
    parser.add_argument('--truth-file', metavar='FILE', type=Path, help='true boxes as text')
    parser.add_argument('--init-topic', metavar='T', default='',
                        help='recorded request for the first box: Detection2D, or the service '
                             'event of ~/init')
    parser.add_argument('--box', metavar='x,y,w,h', help='the first box')
    parser.add_argument('--box-frame', metavar='N', type=int,
                        help='image that --box lies on, counted from 0 (default 0)')
    parser.add_argument('--image-rectified', action='store_true',
                        help='the images are rectified: P of camera_info holds, as in the node')
    parser.add_argument('--mode', metavar='M', default='offline',
                        help=f'{", ".join(MODES)} (default %(default)s)')
    add_live_arguments(parser)
    parser.add_argument('--latency', metavar='MS|FILE',
                        help='with --mode realtime: milliseconds per image, or a file with one '
                             'number a line')
    parser.add_argument('--tracker', metavar='T', default='siamx',
                        help='siamx, csrt or kcf (default %(default)s)')
    parser.add_argument('--criteria', metavar='FILE', type=Path,
                        help='YAML, e.g. `metrics.auc: {min: 0.5}`')
    parser.add_argument('--video', metavar='FILE', help='write an annotated video (.mp4, .avi)')
    add_tracker_settings(parser, adaptive=True)


def run(args: argparse.Namespace) -> int:
    """Replay, write and print; returns the exit status."""
    settings = read_settings(args, TRACKER_SETTINGS)
    _check_written(args, settings['model'])
    from siamx_ros.evaluation.bag import criteria as pass_or_fail
    from siamx_ros.evaluation.bag.evaluation import BagEvaluation
    from siamx_ros.evaluation.bag.folder import write_replay
    from siamx_ros.evaluation.results import json_values
    from siamx_ros.evaluation.trackers import TrackerSpec
    from siamx_ros.tracking.process import use_threads
    criteria = pass_or_fail.read_criteria(args.criteria) if args.criteria else []
    spec = TrackerSpec(args.tracker, args.tracker, settings['model'], settings['tracking'])
    job = BagEvaluation(
        args.bag, spec, _wanted(args), _latency(args), Path(args.video) if args.video else None,
        lockstep=args.mode == 'lockstep', foreign=bool(args.node))
    check_live_arguments(args, settings)
    tracker = _built(args, spec)
    use_threads(settings['model'].threads)
    with _results(args) as place:
        replay, summary = _replayed(args, settings, job, tracker, place)
        try:
            summary['criteria'] = pass_or_fail.check(criteria, summary['figures'])
        finally:  # a criterion that cannot be checked does not take the results along
            written = write_replay(place, replay, summary) if place is not None else []
    verdicts = summary['criteria']
    _print_figures(json_values(summary['figures']))
    for path in written:
        print(f'wrote {args.out / path.relative_to(place)}', file=sys.stderr)
    for verdict in verdicts:
        print(f'{"pass" if verdict["passed"] else "FAIL"}  {verdict["criterion"]}  '
              f'({verdict["value"]})')
    if replay.not_whole is not None:
        raise replay.not_whole
    return 0 if all(verdict['passed'] for verdict in verdicts) else 1


def _check_written(args: argparse.Namespace, model: ModelConfig) -> None:
    """Refuse to write over what is read."""
    from siamx_ros.evaluation.bag.folder import WRITTEN
    results = {f'--out {name}': args.out / name for name in WRITTEN} if args.out else {}
    check_written(args, {
        'BAG': args.bag, '--truth-bag': args.truth_bag, '--truth-file': args.truth_file,
        '--latency': args.latency, '--criteria': args.criteria},
        {'--video': args.video, **results}, {'--out': args.out},
        model if args.tracker == 'siamx' else None)


def _built(args: argparse.Namespace, spec: Any) -> Any:
    """The tracker; None where a node has it.

    That of a node of our own is built, too: one that is not there is refused before anything is
    started.
    """
    if args.node:
        return None
    tracker = spec.build()
    if args.mode not in LIVE_MODES:
        return tracker
    tracker.close()
    return None


def _results(args: argparse.Namespace) -> ContextManager[Path | None]:
    """Where to write results; None for nowhere."""
    from siamx_ros.evaluation.bag.folder import results_folder
    if args.out is None:
        return nullcontext()
    import_module('matplotlib')  # missed now rather than after the replay
    return results_folder(args.out, args.overwrite)


def _replayed(args: argparse.Namespace, settings: dict[str, Any], job: Any, tracker: Any,
              place: Path | None) -> tuple[Any, dict]:
    """The replay and its summary; the tracker is closed."""
    from siamx_ros.evaluation.bag.evaluation import evaluate, opened
    with ExitStack() as stack:
        if tracker is not None:
            stack.callback(tracker.close)
        bag, found = stack.enter_context(opened(job))
        player = stack.enter_context(player_of(args, settings, place))
        return evaluate(dataclasses.replace(job, player=player), bag, found, tracker)


def _wanted(args: argparse.Namespace) -> Any:
    """What to take from the bag."""
    from siamx_ros.evaluation.bag.preparation import Wanted
    if args.truth_file and (args.truth_topic or args.truth_bag or args.truth_id):
        raise InputError('give --truth-file or a topic (--truth-topic, --truth-bag, --truth-id), '
                         'not both')
    if args.box and args.init_topic:
        raise InputError('give --box or --init-topic, not both')
    if args.box_frame is not None and not args.box:
        raise InputError('--box-frame belongs to --box')
    return Wanted(
        args.image_topic, args.truth_topic, args.truth_bag, args.truth_id, args.truth_file,
        args.init_topic, parse_box(args.box) if args.box else None, args.box_frame or 0,
        args.image_rectified)


def _latency(args: argparse.Namespace) -> Any:
    """The latency model of mode realtime; None offline."""
    from siamx_ros.evaluation.bag.replay import LatencyModel
    if args.mode not in MODES:
        raise InputError(
            f'--mode must be {", ".join(MODES[:-1])} or {MODES[-1]}, got {args.mode!r}')
    if (args.mode == 'realtime') != (args.latency is not None):
        raise InputError('--latency belongs to --mode realtime, and that needs it')
    if args.latency is None:
        return None
    try:
        constant = float(args.latency)
    except ValueError:
        return LatencyModel.from_file(args.latency)
    return LatencyModel([constant])


def _print_figures(figures: dict[str, dict[str, Any]]) -> None:
    from siamx_ros.evaluation.tables import as_text, cell
    rows = [['figure', 'value']]
    for group, values in figures.items():
        rows += [[f'{group}.{name}', cell(value, 4)] for name, value in values.items()
                 if not isinstance(value, list)]
    print(as_text(rows))
