"""Follow one target through a video file, a folder of images or a camera.

The target is the box of the first frame. At the end one line of JSON with the frames per second
goes to stdout; everything else goes to stderr or into the files you name.
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import ExitStack
from itertools import islice
import json
import sys
import time
from typing import Any, Callable, Iterator

import numpy as np

from siamx_ros.commands.options import (
    TRACKER_SETTINGS, add_tracker_settings, parse_box, read_settings)
from siamx_ros.commands.outputs import check_written
from siamx_ros.drawing import draw_heat_map, draw_result
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.recording import CODECS, CsvRecorder, VideoRecorder
from siamx_ros.records import TrackResult, TrackState
from siamx_ros.frame_sources import Source, open_source

Sink = Callable[[int, np.ndarray, TrackResult], None]
WINDOW = 'siamx_ros'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this command."""
    parser.usage = '%(prog)s SOURCE --box x,y,w,h [options]'
    parser.add_argument('source', metavar='SOURCE',
                        help='video file, folder of images, or number of a camera')
    parser.add_argument('--box', metavar='x,y,w,h',
                        help='target on the first frame: left, top, width, height in pixels; '
                             'with --show it may be drawn with the mouse instead')
    parser.add_argument('--frames', metavar='N', type=int, help='stop after N frames')
    parser.add_argument('--csv', metavar='FILE', help='write frame,x,y,w,h,confidence,state')
    parser.add_argument('--video', metavar='FILE',
                        help=f'write an annotated video ({", ".join(CODECS)})')
    parser.add_argument('--show', action='store_true', help='show a window; q or Esc ends')
    parser.add_argument('--heat-map', action='store_true',
                        help='lay the heat map of the adaptive scheme over --video and --show')
    add_tracker_settings(parser, adaptive=True)


def run(args: argparse.Namespace) -> int:
    """Track and print the summary; returns the exit status."""
    settings = read_settings(args, TRACKER_SETTINGS)
    box = parse_box(args.box) if args.box else None
    if box is None and not args.show:
        raise InputError('the target is missing: give --box x,y,w,h, or --show to draw it')
    if args.frames is not None and not 1 <= args.frames <= sys.maxsize:
        raise InputError(f'--frames must be at least 1 and no more than can be counted, got '
                         f'{args.frames}')
    if args.heat_map and not (args.video or args.show):
        raise InputError('--heat-map is drawn over --video or --show: give one of them')
    check_written(args, {'SOURCE': args.source}, {'--csv': args.csv, '--video': args.video},
                  model=settings['model'])
    source = open_source(args.source)
    images = iter(source)
    first = next(images, None)
    if first is None:
        raise InputError(f'{source.name} is open, but gives no image')
    if box is None:
        box = _select_box(first)
    from siamx_ros.tracking.from_weights import load_tracker  # torch, after all cheap checks
    tracker = load_tracker(settings['model'], settings['tracking'])
    try:
        with ExitStack() as stack:
            summary = _follow(args, source, first, images, box, tracker, stack)
    finally:
        tracker.close()
    print(json.dumps({
        'source': args.source, **summary, 'weights': settings['model'].weights,
        'adaptive': settings['tracking'].adaptive, 'csv': args.csv, 'video': args.video}))
    return 0


def _follow(args: argparse.Namespace, source: Source, first: np.ndarray,
            images: Iterator[np.ndarray], box: BoundingBox, tracker: Any,
            stack: ExitStack) -> dict[str, Any]:
    """Track all images, hand every result to the sinks and count."""
    from tqdm import tqdm
    started = time.perf_counter()
    result = tracker.init(first, box, source.number / source.fps)
    sinks = _open_sinks(args, source, first, tracker, stack)
    tally = _Tally(result.state)
    total = min(filter(None, (source.frame_count, args.frames)), default=None)
    keep_going = _emit(sinks, source.number, first, result)
    with tqdm(total=total, initial=1, unit='frame', file=sys.stderr, dynamic_ncols=True) as bar:
        for image in islice(images, None if args.frames is None else args.frames - 1):
            if not keep_going:
                break
            before = time.perf_counter()
            result = _update(tracker, image, source)
            tally.seconds += time.perf_counter() - before
            keep_going = _emit(sinks, source.number, image, result)
            tally.count(result.state)
            bar.set_postfix_str(result.state.name, refresh=False)
            bar.update()
            if result.state == TrackState.UNINITIALISED:
                bar.write(f'frame {source.number}: the target was not found within '
                          'tracking.search_timeout and is dropped', file=sys.stderr)
                break
    return tally.summary(time.perf_counter() - started)


def _update(tracker: Any, image: np.ndarray, source: Source) -> TrackResult:
    """One update by the image that the source yielded last; one that cannot be used is named.

    Raises:
        InputError: it is of another size than the first one.
    """
    number = source.number
    try:
        return tracker.update(image, number / source.fps)
    except InputError as error:
        paths = getattr(source, 'paths', None)
        place = paths[number] if paths else f'{source.name}, frame {number}'
        raise InputError(f'{place}: {error}') from None


class _Tally:
    """Counts frames by state, losses and re-localisations, and the tracker's own time."""

    def __init__(self, state: TrackState) -> None:
        self.states = Counter({state.name: 1})
        self.frames, self.lost, self.found, self.seconds = 1, 0, 0, 0.0
        self._state = state

    def count(self, state: TrackState) -> None:
        self.frames += 1
        self.states[state.name] += 1
        self.lost += state == TrackState.LOST != self._state
        self.found += state == TrackState.RELOCALISED != self._state
        self._state = state

    def summary(self, overall: float) -> dict[str, Any]:
        """Plain values; ``frames_per_second`` is the tracker alone, without reading and drawing."""
        rate = round((self.frames - 1) / self.seconds, 2) if self.seconds else None
        return {
            'frames': self.frames, 'frames_per_second': rate,
            'frames_per_second_overall': round(self.frames / overall, 2),
            'states': dict(self.states), 'times_lost': self.lost, 'times_relocalised': self.found}


def _emit(sinks: list[Sink], frame: int, image: np.ndarray, result: TrackResult) -> bool:
    """Hand a result to every sink; False when the user closed the window."""
    return all([sink(frame, image, result) is not False for sink in sinks])


def _open_sinks(args: argparse.Namespace, source: Source, first: np.ndarray, tracker: Any,
                stack: ExitStack) -> list[Sink]:
    """Open what was asked for; closed by ``stack``."""
    sinks: list[Sink] = []
    if args.show:
        _open_window()

    def annotated(frame: int, image: np.ndarray, result: TrackResult) -> np.ndarray:
        if args.heat_map:
            image = draw_heat_map(image, tracker.heat_map)
        return draw_result(image, result, label=f'{source.name}  {frame}')

    if args.video:
        height, width = first.shape[:2]
        video = VideoRecorder(args.video, source.fps, width, height)
        stack.callback(video.close)
        sinks.append(lambda frame, image, result: video.write(annotated(frame, image, result)))
    if args.show:
        sinks.append(lambda frame, image, result: _show(annotated(frame, image, result)))
    if args.csv:  # last: an earlier one is kept where anything else cannot be opened
        table = CsvRecorder(args.csv)
        stack.callback(table.close)
        sinks.append(lambda frame, image, result: table.write(frame, result))
    return sinks


def _show(image: np.ndarray) -> bool:
    """Show an image; False when q or Esc was pressed."""
    import cv2
    cv2.imshow(WINDOW, image)
    return cv2.waitKey(1) & 0xff not in (27, ord('q'))


def _open_window() -> None:
    import cv2
    try:
        cv2.namedWindow(WINDOW)
    except cv2.error:
        raise InputError('--show needs a display and an OpenCV with windows (opencv-python, '
                         'not opencv-python-headless)') from None


def _select_box(image: np.ndarray) -> BoundingBox:
    """Let the user draw the target."""
    import cv2
    try:
        x, y, w, h = cv2.selectROI(WINDOW, image, showCrosshair=False)
    except cv2.error:
        raise InputError('drawing the box needs a display and an OpenCV with windows; '
                         'give --box x,y,w,h instead') from None
    return BoundingBox.from_xywh((x, y, w, h))
