"""Measure the tracker node: latency, age, drops, processor time and memory over real ROS traffic.

Every row of the table is one run of the node in its own process against a camera of that size and
rate.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
import json
from pathlib import Path
import sys
import tempfile
import time
from typing import Any, Sequence

import numpy as np
from tqdm import tqdm

from siamx_ros.cli import ArgumentParser, guarded
from siamx_ros.client.node_process import NodeDied
from siamx_ros.errors import InputError
from siamx_ros.whole_files import write_text

SIZES = {'240p': (320, 240), '480p': (640, 480), '720p': (1280, 720), '1080p': (1920, 1080)}


@dataclass(frozen=True)
class Row:
    """One run; times in milliseconds, processor time in cores, memory in MB."""

    size: str
    rate_hz: float
    sent: int
    answered: int
    latency_p50: float
    latency_p95: float
    age_p50: float
    age_p95: float
    inference_p50: float
    overhead_p50: float
    call_p50: float
    cores: float
    rss_mb: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    return guarded(lambda: run(_parser().parse_strictly(sys.argv[1:] if argv is None else argv)))


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog='benchmark', description=__doc__)
    parser.add_argument('--sizes', default='480p,720p,1080p', help='default %(default)s')
    parser.add_argument('--rates', default='30,60', help='images per second, default %(default)s')
    parser.add_argument('--seconds', type=float, default=5.0, help='of one run, default 5')
    parser.add_argument('--weights', default='default', help='model.weights of the node')
    parser.add_argument('--device', default='auto', help='model.device of the node')
    parser.add_argument('--jpeg', action='store_true',
                        help='images are JPEG files, of a picture with noise')
    parser.add_argument('--soak', type=int, metavar='N',
                        help='instead: memory over N images of the first size, as fast as they '
                        'are answered')
    parser.add_argument('--json', metavar='FILE', help='write the rows there too')
    return parser


def run(args: argparse.Namespace) -> int:
    """Measure and print; returns the exit status."""
    try:
        import siamx_ros.client.probe  # noqa: F401
    except ImportError as error:
        raise InputError(f'the benchmark needs ROS 2 with rclpy ({error})') from None
    try:
        if args.soak is not None:
            soak(args)
            return 0
        rows = [measure(args, *job) for job in tqdm(_jobs(args), desc='runs', file=sys.stderr)]
    except NodeDied as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    print(table(rows))
    if args.json:
        write_text(args.json, json.dumps([asdict(row) for row in rows], indent=1) + '\n')
    return 0


def _jobs(args: argparse.Namespace) -> list[tuple[str, float]]:
    """Size and rate of every run."""
    sizes = args.sizes.split(',')
    unknown = [size for size in sizes if size not in SIZES]
    if unknown:
        raise InputError(f'unknown size {unknown[0]!r}: choose from {", ".join(SIZES)}')
    try:
        rates = [float(rate) for rate in args.rates.split(',')]
    except ValueError:
        raise InputError(f'--rates needs numbers, got {args.rates!r}') from None
    if min(rates) <= 0 or args.seconds <= 0:
        raise InputError('--rates and --seconds must be positive')
    return [(size, rate) for size in sizes for rate in rates]


def measure(args: argparse.Namespace, size: str, rate: float) -> Row:
    """Play images of a size at a rate to a freshly started node."""
    from siamx_ros.node.health import resident_mb
    from siamx_ros.tools.benchmark_rig import Bench, picture, processor_seconds
    image = picture(*SIZES[size])
    with tempfile.TemporaryDirectory() as folder, Bench(args, Path(folder)) as bench:
        pid = bench.start(image)
        before, begin = processor_seconds(pid), time.monotonic()
        sent, calls = _play(bench, image, rate, args.seconds)
        cores = (processor_seconds(pid) - before) / (time.monotonic() - begin)
        bench.probe.answer(sent[-1], patience=5.0)
        answers = {m.header.stamp.sec * 10**9 + m.header.stamp.nanosec: m
                   for m in bench.probe.heard['target']}
        answers = {ns: answers[ns] for ns in sent if ns in answers}
        offset = time.time() - time.monotonic()
        ages = [bench.probe.moments[ns] + offset - ns * 1e-9 for ns in answers]
        latencies = [m.latency for m in answers.values()]
        own = _own_figures(bench)
        return Row(size, rate, len(sent), len(answers), *_p(latencies), *_p(ages),
                   own.get('inference_p50_ms', float('nan')),
                   own.get('overhead_p50_ms', float('nan')), _p(calls)[0], cores, resident_mb(pid))


def _play(bench: Any, image: np.ndarray, rate: float,
          seconds: float) -> tuple[list[int], list[float]]:
    """Publish at a rate and call a service now and then; returns stamps, seconds of each call."""
    from lifecycle_msgs.srv import GetState
    sent, pending, calls = [], [], []
    due = time.monotonic()
    end = due + seconds
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        due = max(due + 1 / rate, time.monotonic() - 1.0)
        sent.append(time.time_ns())
        bench.publish(image, sent[-1])
        if len(sent) % 5 == 0:
            begin = time.monotonic()
            future = bench.probe.call_async(GetState, 'get_state', GetState.Request())
            future.add_done_callback(
                lambda _, begin=begin: calls.append(time.monotonic() - begin))
            pending.append(future)
    bench.probe.wait(lambda: len(calls) == len(pending), 5.0)
    return sent, calls


def _own_figures(bench: Any) -> dict[str, float]:
    """What the node measured itself, from its newest diagnostics."""
    heard = bench.probe.heard['diagnostics']
    return {pair.key: float(pair.value) for pair in heard[-1].status[0].values
            if pair.key.endswith('_ms')} if heard else {}


def _p(seconds: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds."""
    if not len(seconds):
        return float('nan'), float('nan')
    middle, high = np.nanpercentile(seconds, (50, 95)) * 1000
    return float(middle), float(high)


def soak(args: argparse.Namespace) -> None:
    """Print the node's memory at every tenth of a long run.

    Raises:
        InputError: fewer than 10 images.
        NodeDied: the node ended, or does not answer.
    """
    from siamx_ros.node.health import resident_mb
    from siamx_ros.tools.benchmark_rig import Bench, picture
    if args.soak < 10:
        raise InputError(f'--soak needs at least 10 images, got {args.soak}')
    image = picture(*SIZES[_jobs(args)[0][0]])
    with tempfile.TemporaryDirectory() as folder, Bench(args, Path(folder)) as bench:
        pid = bench.start(image)
        for count in tqdm(range(1, args.soak + 1), desc='images', file=sys.stderr, mininterval=1):
            stamp_ns = time.time_ns()
            bench.publish(image, stamp_ns)
            if bench.probe.answer(stamp_ns, patience=10.0) is None:
                raise NodeDied(f'image {count} was not answered{bench.process.last_words()}')
            for kept in bench.probe.heard.values():
                kept.clear()
            bench.probe.moments.clear()
            if count % (args.soak // 10) == 0:
                tqdm.write(f'{count:>8} images  {resident_mb(pid):7.1f} MB', file=sys.stdout)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    head = ('| size | Hz | answered / sent | latency p50 / p95 ms | '
            'age p50 / p95 ms | inference ms | overhead ms | a call ms | cores | RSS MB |\n'
            '|---|---|---|---|---|---|---|---|---|---|\n')
    return head + '\n'.join(
        f'| {r.size} | {r.rate_hz:g} | {r.answered} / {r.sent} | '
        f'{r.latency_p50:.0f} / {r.latency_p95:.0f} | {r.age_p50:.0f} / {r.age_p95:.0f} | '
        f'{r.inference_p50:.1f} | {r.overhead_p50:.1f} | {r.call_p50:.1f} | {r.cores:.2f} | '
        f'{r.rss_mb:.0f} |'
        for r in rows)


if __name__ == '__main__':
    sys.exit(main())
