"""Play a clip to the real tracker node over ROS and leave a video, a plot and a table.

Without options the clip is a courtyard filmed by a drone, made from photographs that come with
scikit-image; with --video and --box it is your own. Each image waits for the answer to the one
before, so that a slow machine follows as well as a fast one.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from itertools import islice
import json
from pathlib import Path
import sys
import time
from typing import Any, Iterator, Sequence

import numpy as np
from tqdm import tqdm

from siamx_ros.cli import ArgumentParser, guarded
from siamx_ros.client.node_process import (
    TRACKER_NODE, NodeDied, NodeProcess, add_model_options, model_parameters)
from siamx_ros.commands.live import ACCEPTING
from siamx_ros.commands.options import parse_box
from siamx_ros.demo.clip import DemoClip
from siamx_ros.errors import InputError
from siamx_ros.evaluation import metrics
from siamx_ros.evaluation.bag.film import Film
from siamx_ros.evaluation.bag.folder import timing
from siamx_ros.evaluation.bag.frame_table import BagFrame, ordered
from siamx_ros.evaluation.bag.live_replay import replay_live
from siamx_ros.evaluation.bag.replay import UNREADABLE
from siamx_ros.evaluation.bag.replay_results import Replay, events, track_of
from siamx_ros.evaluation.bag.truth import Truth
from siamx_ros.evaluation.results import json_values
from siamx_ros.evaluation.timelines import timeline
from siamx_ros.files import check_outputs, writable_folder
from siamx_ros.frame_sources import CameraSource, Source, open_source
from siamx_ros.geometry import MIN_VISIBLE, BoundingBox
from siamx_ros.recording import CsvRecorder
from siamx_ros.records import TrackState
from siamx_ros.whole_files import write_text

WRITTEN = ('tracked.mp4', 'plot.png', 'track.csv', 'summary.json', 'node.log')
"""What is written into --out."""
TRACKER, IMAGE_TOPIC = '/siamx_tracker', '/demo/image'


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
    add_model_options(parser)
    return parser.parse_strictly(arguments)


def _run(args: argparse.Namespace, node_command: Sequence[str]) -> int:
    clip, box, boxes = _clip(args)
    check_outputs({'--video': args.video}, {f'--out {name}': Path(args.out) / name
                                            for name in WRITTEN}, {'--out': args.out})
    folder = writable_folder(args.out, 'node.log')
    first = next(iter(clip))
    if box.visible_share(first.shape[1], first.shape[0]) < MIN_VISIBLE:
        raise InputError(f'less than half of the box {box} lies inside the first image of '
                         f'{first.shape[1]}x{first.shape[0]} pixels')
    count = min(filter(None, (clip.frame_count, args.frames)))
    truth = Truth.unknown(count) if boxes is None else Truth(boxes[:count], np.ones(count, bool))
    try:
        replay = _played(args, clip, box, truth, folder, node_command)
    except NodeDied as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    _leave(clip, replay, folder)
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
        raise InputError('--video needs --box x,y,w,h (VIDEO= of make needs BOX=), the target on '
                         'its first frame')
    box = parse_box(args.box)
    source = open_source(args.video)
    if isinstance(source, CameraSource) or not source.frame_count:
        raise InputError(f'the demonstration plays a video file or a folder of images, '
                         f'got {args.video!r}')
    return source, box, None


def _played(args: argparse.Namespace, clip: Source, box: BoundingBox, truth: Truth, folder: Path,
            node_command: Sequence[str]) -> Replay:
    """Start the node, play the clip to it and film what it says."""
    try:
        from siamx_ros.client.player import LivePlayer
        from siamx_ros.client.probe import NoAnswer
    except ImportError as error:
        raise InputError(f'the demonstration needs ROS 2 with rclpy and the messages of this '
                         f'package ({error}); run it with `make demo`, or source the set-up file '
                         f'of your ROS workspace') from None
    count, interval = len(truth.boxes), round(1e9 / clip.fps)
    stamps = time.time_ns() + np.arange(count) * interval
    film = Film(folder / 'tracked.mp4', interval, truth.boxes)
    with NodeProcess(folder, {**ACCEPTING, **model_parameters(args)}, {'image': IMAGE_TOPIC},
                     node_command) as process:
        print(f'starting the tracker node, its log is {folder / "node.log"}')
        with closing(LivePlayer(TRACKER, IMAGE_TOPIC, process.check,
                                process.last_words)) as player, _bar(count) as bar:
            try:
                steps = replay_live(_frames(clip, stamps), ordered(stamps, stamps), player, 0, box,
                                    True, _Listener(bar, film, clip.fps))
            except NoAnswer as error:
                raise NodeDied(f'{error}{process.last_words()}') from None
            finally:
                not_whole = film.close()
    if not_whole is not None:
        raise not_whole
    kept = len(steps)  # a damaged video may end before it announces
    return Replay(clip.name, ordered(stamps[:kept], stamps[:kept]), steps,
                  Truth(truth.boxes[:kept], truth.labelled[:kept]), 0)


def _frames(clip: Source, stamps: np.ndarray) -> Iterator[BagFrame]:
    """The images by their numbers in the clip, and between them those that cannot be decoded."""
    following = 0
    for image in islice(clip, len(stamps)):
        for number in range(following, min(clip.number, len(stamps))):
            yield BagFrame(number, int(stamps[number]), None, problem='it cannot be decoded')
        if clip.number < len(stamps):
            yield BagFrame(clip.number, int(stamps[clip.number]), image, 'demo_camera')
        following = clip.number + 1


def _bar(count: int) -> tqdm:
    """A progress bar over the clip, drawn rarely where its updates pile up as lines of a log."""
    return tqdm(desc='playing', total=count, unit='frame', file=sys.stderr,
                mininterval=0.1 if sys.stderr.isatty() else 5.0, dynamic_ncols=True)


class _Listener:
    """Films each frame with what the node says, and prints changes of its state."""

    def __init__(self, bar: tqdm, film: Film, fps: float) -> None:
        self._bar, self._film, self._fps = bar, film, fps
        self._state = TrackState.UNINITIALISED

    def __call__(self, frame: BagFrame, result: Any) -> None:
        if frame.image is None:
            return
        if not self._bar.n:
            self._bar.reset()  # the model was loaded until now
        self._film.show(frame, result)
        if result is not None and result.state != self._state:
            self._bar.write(f'{frame.index / self._fps:6.1f} s  {self._state.name} -> '
                            f'{result.state.name}', file=sys.stdout)
            sys.stdout.flush()
            self._state = result.state
        self._bar.update()


def _leave(clip: Source, replay: Replay, folder: Path) -> None:
    """Write everything and say where it is."""
    timeline(folder / 'plot.png', replay.run)
    with closing(CsvRecorder(folder / 'track.csv')) as table:
        for step in replay.steps:
            if step.result is not None:
                table.write(step.index, step.result)
    shown = np.array([not step.note.startswith(UNREADABLE) for step in replay.steps])
    numbers = {**timing(replay), **_shares(replay, shown)}
    changes = [event for event in events(replay) if event['event'] == 'state']
    write_text(folder / 'summary.json', json.dumps(json_values(
        {'clip': clip.name, 'frames': int(shown.sum()), **numbers, 'changes': changes}),
        indent=2) + '\n')
    print(f'\nspeed        {numbers["frames_per_second"]:.0f} frames/s from image to answer, '
          f'without reading and writing video (the clip has {clip.fps:g})')
    if replay.truth.labelled.any():
        print(f'followed     {numbers["followed_share"]:.1%} of the frames that show the target\n'
              f'wrong        {numbers["wrong_share"]:.1%} of the frames')
    else:
        print(f'followed     {numbers["valid_share"]:.1%} of the frames, says the tracker')
    for label, name in zip(('video', 'plot', 'table', 'summary'), WRITTEN):
        print(f'{label:<12} {folder / name}')


def _shares(replay: Replay, shown: np.ndarray) -> dict[str, float]:
    """Followed: valid and on the target, where that is seen. Wrong: valid and not on it.

    Args:
        shown: for each of N frames whether the tracker got it.
    """
    shares = {'valid_share': metrics.share(replay.run.valid[shown])}
    if replay.truth.labelled.any():
        track = track_of(replay)
        shares['followed_share'] = metrics.share((track.valid & track.right)[track.visible])
        shares['wrong_share'] = metrics.share(track.valid & track.off_target)
    return shares


if __name__ == '__main__':
    sys.exit(main())
