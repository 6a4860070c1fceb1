"""Run safety episodes and print what the robot did: python -m siamx_ros.simulation.

In each, something goes wrong between camera and wheels while the follower drives. No ROS, no
images: the tracker is modelled, the follower is the real one.
"""

from __future__ import annotations

import sys
from typing import Sequence

from siamx_ros.cli import ArgumentParser, guarded
from siamx_ros.errors import InputError
from siamx_ros.simulation.safety import LONGEST_S, run_episodes, table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the episodes; returns 1 if the robot did what it must not."""
    return guarded(lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(arguments: Sequence[str]) -> int:
    parser = ArgumentParser(prog='python -m siamx_ros.simulation', description=__doc__)
    parser.add_argument('--episodes', metavar='N', type=int, default=100,
                        help='how many (default 100)')
    parser.add_argument('--first', metavar='N', type=int, default=0,
                        help='number of the first one (default 0)')
    args = parser.parse_strictly(arguments)
    if args.episodes < 1 or args.first < 0:
        raise InputError('--episodes must be at least 1, and --first not negative')
    scores = run_episodes(args.episodes, args.first)
    print(table(scores))
    bad = [s for s in scores if s.collisions or s.faster or s.forward_s > LONGEST_S]
    for score in bad:
        print(f'not safe: {score}', file=sys.stderr)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
