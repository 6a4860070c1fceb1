"""Let a simulated robot follow a walking target, with the real tracker and follower over ROS.

It leaves a video (the camera's view beside the world from above), plots of distance, bearing, speed
and state, and a summary. The same world gives the same result, however fast the machine is, unless
--real-time is given.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
import sys
from typing import Any, Sequence

from tqdm import tqdm

from siamx_ros.cli import ArgumentParser, guarded
from siamx_ros.client.node_process import NodeDied, add_model_options, model_parameters
from siamx_ros.errors import InputError
from siamx_ros.files import writable_folder
from siamx_ros.simulation.scenario import DURATION_S
from siamx_ros.simulation.scoring import table

NOT_BESIDE_FAULTS = (
    'world', 'worlds', 'seconds', 'no_depth', 'no_video', 'real_time', 'attach', 'truth')
"""Options that mean nothing where things fail one after the other, always in the same world."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration; returns the exit status."""
    return guarded(lambda: _run(_parse(sys.argv[1:] if argv is None else argv)))


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = ArgumentParser(prog='python -m siamx_ros.follow_demo', description=__doc__)
    parser.add_argument('--world', metavar='N', type=int, nargs='+', default=[0],
                        help='number of the world, or of each (default 0)')
    parser.add_argument('--worlds', metavar='N', type=int, default=1,
                        help='how many worlds, from the one given on (default 1)')
    parser.add_argument('--seconds', metavar='S', type=float, default=DURATION_S,
                        help=f'simulated time in each world (default {DURATION_S:g})')
    parser.add_argument('--out', metavar='FOLDER', default='follow_demo_output',
                        help='where results go (default follow_demo_output)')
    parser.add_argument('--no-depth', action='store_true',
                        help="no depth images: the range comes from the target's known height")
    parser.add_argument('--no-video', action='store_true', help='leave the video out')
    parser.add_argument('--real-time', action='store_true',
                        help='let the world go at the pace of real time')
    parser.add_argument('--attach', action='store_true',
                        help='use a tracker and a follower that run already in the namespace '
                        '/follow_demo under simulated time; goes with --real-time')
    parser.add_argument('--truth', action='store_true',
                        help='let a tracker that is never wrong lead the robot, without nodes: '
                        "what the follower does without a tracker's errors")
    parser.add_argument('--faults', action='store_true',
                        help='instead: let one thing after the other fail in real time, and print '
                        'when the robot stood')
    add_model_options(parser)
    args = parser.parse_strictly(arguments)
    changed = [name for name in NOT_BESIDE_FAULTS
               if getattr(args, name) != parser.get_default(name)]
    if args.faults and changed:
        names = ', '.join(f'--{name.replace("_", "-")}' for name in changed)
        raise InputError(f'--faults goes without {names}')
    return args


def _run(args: argparse.Namespace) -> int:
    if args.worlds < 1 or min(args.world) < 0 or not 1 <= args.seconds < math.inf:
        raise InputError('--worlds and --seconds must be at least 1, and --world not negative')
    if args.worlds > 1 and len(args.world) > 1:
        raise InputError('--worlds goes with one --world')
    if args.attach and not args.real_time:
        raise InputError('--attach goes with --real-time')
    if args.attach and model_parameters(args):
        raise InputError("--attach goes without the tracker's options: it runs already")
    if args.truth and (args.real_time or args.faults or args.no_depth or model_parameters(args)):
        raise InputError('--truth goes without a tracker and its options, --no-depth, --real-time '
                         'and --faults')
    try:
        from siamx_ros.follow_demo import runs
    except ImportError as error:
        raise InputError(f'the demonstration needs ROS 2 with rclpy, tf2_msgs and the messages of '
                         f'this package ({error}); run it with `make follow-demo`, or source the '
                         f'set-up file of your ROS workspace') from None
    if args.faults:
        return _run_faults(writable_folder(args.out, 'summary.json'), model_parameters(args))
    mode = 'truth' if args.truth else 'attach' if args.attach else \
        'real-time' if args.real_time else 'lock-step'
    options = runs.RunOptions(args.seconds, mode, not args.no_video, not args.no_depth,
                              model_parameters(args))
    scores, out = [], writable_folder(args.out, 'summary.json')
    seeds = [*args.world, *range(args.world[0] + 1, args.world[0] + args.worlds)]
    try:
        for score in tqdm(runs.run_worlds(seeds, out, options), desc='worlds', total=len(seeds),
                          file=sys.stderr, disable=len(seeds) == 1):
            scores.append(score)
            runs.write_summary(out / 'summary.json', scores)
    except NodeDied as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    print(table(scores))
    print(f'\nvideo, plots and summary are in {out}')
    return 0


def _run_faults(out: Path, tracker: dict[str, Any]) -> int:
    from siamx_ros.follow_demo import node_faults
    scores = [node_faults.run_fault(name, out / name.replace(' ', '_'), tracker)
              for name in tqdm(node_faults.FAULTS, desc='faults', file=sys.stderr)]
    print(node_faults.table(scores))
    failures = [f'{s.fault}: {failure}' for s in scores if (failure := s.failure())]
    for failure in failures:
        print(f'not safe: {failure}', file=sys.stderr)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
