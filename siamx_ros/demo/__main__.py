"""Play a clip to the real tracker node over ROS and leave a video, a plot and a table.

Without options the clip is a courtyard filmed by a drone, made from photographs that come with
scikit-image; with --video and --box it is your own.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path
import sys
from typing import Any, Iterable, Sequence

import numpy as np
from tqdm import tqdm

from siamx_ros.cli import ArgumentParser, guarded
from siamx_ros.client.node_process import TRACKER_NODE, NodeDied, NodeProcess
from siamx_ros.commands.options import parse_box
from siamx_ros.demo.clip import DemoClip
from siamx_ros.demo.journal import Journal, StateChange
from siamx_ros.demo.result_files import write_csv, write_plot, write_summary, write_video
from siamx_ros.errors import InputError
from siamx_ros.files import check_outputs, writable_folder
from siamx_ros.geometry import MIN_VISIBLE, BoundingBox
from siamx_ros.frame_sources import CameraSource, Source, open_source

WRITTEN = ('tracked.mp4', 'plot.png', 'track.csv', 'summary.json', 'node.log')
"""What is written into --out."""


def main(argv: Sequence[str] | None = None, node_command: Sequence[str] = TRACKER_NODE) -> int:
    """Run the demonstration; returns the exit status."""
    return guarded(lambda: _run(_parse(sys.argv[1:] if argv is None else argv), node_command))


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = ArgumentParser(prog='python -m siamx_ros.demo', description=__doc__)
    parser.add_argument('--video', metavar='PATH', help='video file or folder of images to play')
    parser.add_argument('--box', metavar='x,y,w,h', help='target on the first frame of --video')
    parser.add_argument('--out', metavar='FOLDER', default='demo_output',
                        help='where results go (default demo_output)')
    parser.add_argument('--frames', metavar='N', type=int, help='stop after N frames')
    parser.add_argument('--weights', metavar='NAME|PATH', help="the node's model.weights")
    parser.add_argument('--device', metavar='NAME', help="the node's model.device")
    parser.add_argument('--adaptive', metavar='SCHEME', help="the node's tracking.adaptive")
    return parser.parse_strictly(arguments)


def _run(args: argparse.Namespace, node_command: Sequence[str]) -> int:
    clip, box, truth = _clip(args)
    check_outputs({'--video': args.video}, {f'--out {name}': Path(args.out) / name
                                            for name in WRITTEN}, {'--out': args.out})
    folder = writable_folder(args.out, 'node.log')
    first = next(iter(clip))
    if box.visible_share(first.shape[1], first.shape[0]) < MIN_VISIBLE:
        raise InputError(f'less than half of the box {box} lies inside the first image of '
                         f'{first.shape[1]}x{first.shape[0]} pixels')
    count = min(filter(None, (clip.frame_count, args.frames)), default=0)
    journal = Journal(clip.fps, count, truth)
    try:
        _play(args, clip, box, journal, folder, node_command)
    except NodeDied as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    _leave(clip, journal, folder)
    return 0


def _clip(args: argparse.Namespace) -> tuple[Source, BoundingBox, np.ndarray | None]:
    """The images, the box of the first one, and the true boxes where they are known."""
    if args.frames is not None and args.frames < 2:
        raise InputError(f'--frames must be at least 2, got {args.frames}')
    if not args.video:
        if args.box:
            raise InputError('--box belongs to --video; the built-in clip has its own target')
        clip = DemoClip()
        return clip, clip.first_box, clip.boxes_xywh
    if not args.box:
        raise InputError('--video needs --box x,y,w,h, the target on its first frame')
    box = parse_box(args.box)
    source = open_source(args.video)
    if isinstance(source, CameraSource) or not source.frame_count:
        raise InputError(f'the demonstration plays a video file or a folder of images, '
                         f'got {args.video!r}')
    return source, box, None


def _play(args: argparse.Namespace, clip: Source, box: BoundingBox, journal: Journal, folder: Path,
          node_command: Sequence[str]) -> None:
    """Start the node, play the clip, fill the journal."""
    try:
        from siamx_ros.demo import clip_player
    except ImportError as error:
        raise InputError(f'the demonstration needs ROS 2 with rclpy and the messages of this '
                         f'package ({error}); run it with `make demo`, or source the set-up file '
                         f'of your ROS workspace') from None
    images = islice(clip, journal.frame_count)
    first = next(images)
    with NodeProcess(folder, _parameters(args), {'image': clip_player.IMAGE_TOPIC},
                     node_command) as process:
        print(f'starting the tracker node, its log is {folder / "node.log"}')
        with _bar(journal, 'playing') as bar:
            player = clip_player.ClipPlayer(
                process, journal, lambda change: _report(bar, change))
            try:
                player.start(first, box)
                bar.reset()
                bar.update(1)
                player.play(images, 1, lambda frame, _: _advance(bar, frame, journal))
            finally:
                player.close()


def _parameters(args: argparse.Namespace) -> dict[str, Any]:
    """A clip may stand still, also while the node starts, other than a camera."""
    chosen = {'model': {'weights': args.weights, 'device': args.device},
              'tracking': {'adaptive': args.adaptive}}
    given = {group: {name: value for name, value in values.items() if value is not None}
             for group, values in chosen.items()}
    return {'detect_frozen_images': False, **{group: each for group, each in given.items() if each}}


def _bar(journal: Journal, title: str, images: Iterable[np.ndarray] | None = None) -> tqdm:
    """A progress bar over the clip, drawn rarely where its updates pile up as lines of a log."""
    return tqdm(images, desc=title, total=journal.frame_count, unit='frame', file=sys.stderr,
                mininterval=0.1 if sys.stderr.isatty() else 5.0, dynamic_ncols=True)


def _report(bar: tqdm, change: StateChange) -> None:
    bar.write(str(change), file=sys.stdout)
    sys.stdout.flush()


def _advance(bar: tqdm, frame: int, journal: Journal) -> None:
    if journal.results:
        newest = journal.results[max(journal.results)]
        bar.set_postfix_str(f'{newest.state.name} {newest.confidence:.2f}', refresh=False)
    bar.update(frame + 1 - bar.n)


def _leave(clip: Source, journal: Journal, folder: Path) -> None:
    """Write everything and say where it is."""
    images = _bar(journal, 'writing the video', islice(clip, journal.frame_count))
    write_video(folder / 'tracked.mp4', images, journal, clip.name)
    write_plot(folder / 'plot.png', journal, clip.name)
    write_csv(folder / 'track.csv', journal)
    write_summary(folder / 'summary.json', journal, {'clip': clip.name})
    _print_summary(journal, folder)


def _print_summary(journal: Journal, folder: Path) -> None:
    numbers = journal.summary()
    lines = [
        f'frames       {numbers["frames"]}, processed {numbers["processed"]}, dropped '
        f'{numbers["dropped"]}, skipped {numbers["skipped"]}',
        f'speed        {numbers["frames_per_second"]} frames/s (the clip has {journal.fps:g}), '
        f'{numbers["median_latency_ms"]} ms from image to result']
    if 'followed_share' in numbers:
        lines += [
            f'followed     {numbers["followed_share"]:.1%} of the processed frames that show it',
            f'wrong        {numbers["wrong_share"]:.1%} of the frames']
    else:
        lines.append(f'followed     {numbers["valid_share"]:.1%} of the frames, says the tracker')
    lines.append(f'lost         {numbers["times_lost"]} times, re-localised '
                 f'{numbers["times_relocalised"]} times')
    names = (('video', 'tracked.mp4'), ('plot', 'plot.png'), ('table', 'track.csv'),
             ('summary', 'summary.json'))
    lines += [f'{label:<12} {folder / name}' for label, name in names]
    print('\n' + '\n'.join(lines))


if __name__ == '__main__':
    sys.exit(main())
