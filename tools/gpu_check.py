"""Check and measure the tracker on a machine with a GPU, in at most 8 minutes.

`python tools/gpu_check.py --out gpu_check` runs, each part in a process of its own that is ended
when its time is over, so that the others still come:

  tests     the tests that need a GPU
  answers   the largest differences of each runtime that starts here from torch on the CPU
  profile   where the time of an update goes, by torch's profiler, with traces for a browser
  speed     the table of `python -m siamx_ros speed` for one target and for 8, by network, runtime
            and precision, with patches that the GPU makes and with such that the CPU cuts

All is printed and written to OUT/report.txt, with a table of all speeds at its end; OUT/parts.json
says how each part ended. Needs this folder, torch, OpenCV, PyYAML, tqdm and pytest; nothing is
installed or downloaded. `--device cpu` tries the parts without a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import Any, Iterator, TextIO

ROOT = Path(__file__).resolve().parents[1]
PARTS = ('tests', 'answers', 'profile', 'speed')
RUNTIMES = {
    'cuda': [('torch', 'fp32'), ('torch', 'fp16'), ('cuda_graphs', 'fp32'), ('cuda_graphs', 'fp16'),
             ('onnxruntime', 'fp32'), ('tensorrt', 'fp16')],
    'cpu': [('torch', 'fp32'), ('openvino', 'fp32'), ('onnxruntime', 'fp32')]}
"""Device -> runtimes and precisions whose answers are compared there."""
CUT_BY_CPU = 'cut-by-cpu'
MEASURED = {
    'cuda': [('cuda_graphs', 'fp16', ''), ('cuda_graphs', 'fp16', CUT_BY_CPU),
             ('torch', 'fp16', ''), ('tensorrt', 'fp16', ''), ('onnxruntime', 'fp32', ''),
             ('torch', 'fp32', '')],
    'cpu': [('torch', 'fp32', ''), ('torch', 'fp32', CUT_BY_CPU)]}
"""Device -> runtimes and precisions whose speed is measured, those that matter most first."""
SETTINGS = {'resnet50': {
    f'{name}_threshold': 0.0 for name in ('lost', 'gone', 'confidence', 'recover')}}
"""With which a network that is not trained stays with its target."""
SPEED_OPTIONS = {'cuda': {'turns': 8, 'starts': 0, 'targets': 8},
                 'cpu': {'turns': 1, 'starts': 0, 'targets': 2, 'frames': 7}}
LIMITS_S = {'tests': 120, 'answers': 150, 'speed': 90, 'profile': 60}
"""Most time of a part; of speed, for each row."""
TESTED = ('test/model', 'test/training')
"""Folders with tests for a GPU that need no ROS."""
WARM_UP, PROFILED = 8, 12
"""Updates before the profile, and in it."""


def main() -> int:
    """Run the parts; returns 1 if one failed or did not end in time, else 0."""
    if sys.argv[1:2] == [CUT_BY_CPU]:
        return cut_by_cpu(sys.argv[2:])
    args = parse(sys.argv[1:])
    if args.only:
        return {'answers': answers, 'profile': profile}[args.only](args) or 0
    args.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * args.minutes
    with open(args.out / 'report.txt', 'w', encoding='utf-8') as report:
        ended = {name: run(name, command, max(0.0, min(limit, end - time.monotonic())), report)
                 for name, command, limit in commands(args)}
        for output in (report, sys.stdout):
            print(all_speeds(args, ended), file=output)
    (args.out / 'parts.json').write_text(json.dumps(ended, indent=1), encoding='utf-8')
    print('\n'.join(f'{name}: {how}' for name, how in ended.items()))
    return int(any(how not in ('done', 'not on this machine') for how in ended.values()))


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', type=Path, required=True, help='folder for report and trace')
    parser.add_argument('--device', default='cuda', choices=('cuda', 'cpu'))
    parser.add_argument('--minutes', type=float, default=8.0, help='most time in all, default 8')
    parser.add_argument('--parts', default=','.join(PARTS), help='default: all')
    parser.add_argument('--weights', default='default,resnet50',
                        help="names or files; resnet50 is the paper's network, untrained")
    parser.add_argument('--only', choices=('answers', 'profile'), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def commands(args: argparse.Namespace) -> Iterator[tuple[str, list[str], float]]:
    """Name, command and most seconds of everything that is to be run, in order."""
    same = ['--out', str(args.out), '--device', args.device, '--weights', args.weights]
    for part in args.parts.split(','):
        if part == 'tests':
            yield part, [sys.executable, '-m', 'pytest', '-q', '-m', 'gpu',
                         '-p', 'no:cacheprovider', *TESTED], LIMITS_S[part]
        elif part == 'speed':
            for name, file, weights, (runtime, precision, cut) in speeds(args):
                program = [str(Path(__file__)), cut] if cut else ['-m', 'siamx_ros']
                options = {'weights': file_of(weights, args), 'device': args.device, 'out': file,
                           'model.runtime': runtime, 'model.precision': precision,
                           **SPEED_OPTIONS[args.device], **{
                               f'tracking.{key}': value
                               for key, value in SETTINGS.get(weights, {}).items()}}
                yield name, [sys.executable, *program, 'speed', *(
                    f'--{key}={value}' for key, value in options.items())], LIMITS_S[part]
        else:
            yield part, [sys.executable, str(Path(__file__)), '--only', part, *same], LIMITS_S[part]


def speeds(args: argparse.Namespace) -> Iterator[tuple[str, Path, str, tuple[str, str, str]]]:
    """Name, result file, network and row of :data:`MEASURED` of each speed; each row for all."""
    for number, row in enumerate(MEASURED[args.device]):
        for weights in args.weights.split(','):
            yield (', '.join(filter(None, (f'speed of {weights}', *row))),
                   args.out.resolve() / f'speed_{Path(weights).stem}_{number}.json', weights, row)


def cut_by_cpu(arguments: list[str]) -> int:
    """Run a command of the package with engines that take no regions of images."""
    from siamx_ros.cli import main as command
    from siamx_ros.model.cuda_graph_engine import CudaGraphEngine
    CudaGraphEngine.takes_regions = False
    return command(arguments)


def all_speeds(args: argparse.Namespace, ended: dict[str, str]) -> str:
    """A table of medians in milliseconds, of the speeds that were measured."""
    targets = str(SPEED_OPTIONS[args.device]['targets'])
    rows = [('ms', 'update', f'{targets} targets', 'search', 'crop')]
    for name, file, _, _ in speeds(args):
        if ended.get(name) == 'done':
            found = json.loads(file.read_text(encoding='utf-8'))
            times = (found['trackers']['siamx']['update'], found['targets'][targets],
                     *map(found['stages'].get, ('search', 'crop')))
            rows.append((name, *(f'{each["median"]:.3f}' if each else '-' for each in times)))
    return '\n'.join(f'{name:60}' + ''.join(map('{:>11}'.format, row)) for name, *row in rows)


def run(name: str, command: list[str], limit: float, report: TextIO) -> str:
    """Run a command, print and keep what it says, and say how it ended."""
    begun = time.monotonic()
    print(f'== {name}', flush=True)
    environment = {**os.environ, 'TQDM_DISABLE': '1', 'PYTHONPATH': os.pathsep.join(
        filter(None, [str(ROOT), os.environ.get('PYTHONPATH', '')]))}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, text=True, timeout=max(limit, 0.1),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = done.stdout
        how = {0: 'done', 2: 'not on this machine'}.get(done.returncode, 'failed')
    except subprocess.TimeoutExpired as error:
        said, how = error.stdout or b'', f'ended after {limit:.0f} s'
        said = said.decode(errors='replace') if isinstance(said, bytes) else said
    text = f'== {name}: {how}, {time.monotonic() - begun:.0f} s\n{said}'
    for output in (sys.stdout, report):
        print(text, file=output, flush=True)
    return how


def file_of(weights: str, args: argparse.Namespace) -> str:
    """What the commands take for a network; an untrained one of the paper's size is written."""
    if weights != 'resnet50':
        return weights
    path = args.out.resolve() / 'resnet50.pt'
    if not path.exists():
        sys.path.insert(0, str(ROOT))
        import torch

        from siamx_ros.config import NetworkConfig
        from siamx_ros.model.network import SiamXNet
        from siamx_ros.model.weights import save_checkpoint
        torch.manual_seed(0)
        network = SiamXNet(NetworkConfig()).eval()
        network.head.adjust.data.zero_()  # untrained distances would overflow the exponential
        save_checkpoint(path, network, half=True)
    return str(path)


def answers(args: argparse.Namespace) -> None:
    """Print how far each runtime's answers are from those of torch in fp32 on the CPU."""
    import numpy as np

    from siamx_ros.config import ModelConfig
    from siamx_ros.errors import InputError
    from siamx_ros.model.runtime import make_engine
    from siamx_ros.model.weights import load_checkpoint
    print(versions())
    rng = np.random.default_rng(0)
    template, patch = (rng.integers(0, 256, (side, side, 3), np.uint8) for side in (127, 255))

    def answer(engine: Any) -> tuple[np.ndarray, ...]:
        maps = engine.search(patch, engine.embed(template))
        return maps.scores, maps.distances, engine.describe(maps)
    for weights in args.weights.split(','):
        checkpoint = load_checkpoint(file_of(weights, args))
        exact = answer(make_engine(checkpoint.network, ModelConfig(device='cpu', runtime='torch')))
        for runtime, precision in RUNTIMES[args.device]:
            model = ModelConfig('', args.device, runtime, precision)
            try:
                found = answer(make_engine(checkpoint.network, model, checkpoint.ranges))
            except InputError as error:
                print(f'{weights}, {runtime}, {precision}: {error}')
                continue
            differences = [float(np.abs(ours - theirs).max() / np.abs(theirs).max())
                           for ours, theirs in zip(found, exact)]
            print(f'{weights}, {runtime}, {precision}: ' + ', '.join(
                f'{name} {difference:.2g}' for name, difference in zip(
                    ('scores', 'distances', 'features'), differences)))


def profile(args: argparse.Namespace) -> None:
    """Print where the time of updates goes, and write a trace for a browser, for each network."""
    from torch import profiler

    from siamx_ros.config import ModelConfig, TrackerConfig
    from siamx_ros.synthetic import sequence
    from siamx_ros.tracking.from_weights import load_tracker
    clip = sequence(frames=2, image_size=(640, 480), target_size=(80, 80))
    image, (runtime, precision, _) = clip.image(1), MEASURED[args.device][0]
    for weights in args.weights.split(','):
        tracker = load_tracker(ModelConfig(file_of(weights, args), args.device, runtime, precision),
                               TrackerConfig().replace(SETTINGS.get(weights, {})))
        tracker.init(clip.image(0), clip.first_box)
        for _ in range(WARM_UP):
            tracker.update(image)
        with profiler.profile() as recorded:
            for _ in range(PROFILED):
                tracker.update(image)
        key = f'self_{"device" if args.device == "cuda" else "cpu"}_time_total'
        print(f'{weights}, {runtime}, {precision}: of {PROFILED} updates\n'
              + recorded.key_averages().table(sort_by=key, row_limit=25))
        recorded.export_chrome_trace(str(args.out / f'trace_{Path(weights).stem}.json.gz'))


def versions() -> str:
    """What computes here."""
    import torch
    words = [f'torch {torch.__version__}, CUDA {torch.version.cuda}']
    if torch.cuda.is_available():
        words.append(torch.cuda.get_device_name())
    try:
        import onnxruntime
        words.append(f'onnxruntime {onnxruntime.__version__}: '
                     + ', '.join(onnxruntime.get_available_providers()))
    except ImportError:
        words.append('no onnxruntime')
    return '; '.join(words)


if __name__ == '__main__':
    raise SystemExit(main())
