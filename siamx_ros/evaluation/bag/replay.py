"""Replaying a bag through a tracker: every frame, or in simulated real time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
import time
from typing import Callable, Iterator

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag.frame_table import CLOCK_SET_NS, BagFrame, FrameTable, frames
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.truth import Truth
from siamx_ros.evaluation.runner import Run, Tracker
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import Reason, TrackResult, TrackState

DROPPED, OVERWRITTEN, BEFORE_INIT = 'dropped', 'overwritten', 'before init'
UNREADABLE, NOT_YET = 'unreadable', 'not yet'
"""Why there is no result of a frame: the tracker gave the target up, was busy, was not started, the
image cannot be decoded (followed by why), or the first result was not there yet."""
SILENT = (DROPPED, NOT_YET)
"""Frames that are scored although there is no result: the tracker had its chance."""


@dataclass(frozen=True)
class Step:
    """One frame of a replay.

    Attributes:
        index: of the frame in the table.
        stamp: header stamp, nanoseconds.
        result: what the tracker said; None where the frame was not given to it.
        done: when the result was there on the clock of the replay, nanoseconds; 0 without one.
        seconds: wall-clock time the tracker took; not part of reproducible results.
        note: why there is no result, see :data:`DROPPED`; '' with one.
        size: width and height of the image, (0, 0) where it was not decoded.
    """

    index: int
    stamp: int
    result: TrackResult | None = None
    done: int = 0
    seconds: float = 0.0
    note: str = ''
    size: tuple[int, int] = (0, 0)
    frame_id: str = ''


class LatencyModel:
    """How long the tracker is thought to take for each frame it is given.

    Args:
        milliseconds: taken in turn, from the beginning again when used up; must not be empty.

    Raises:
        InputError: a latency is negative or not finite.
    """

    def __init__(self, milliseconds: list[float]) -> None:
        if not milliseconds or not all(np.isfinite(v) and v >= 0 for v in milliseconds):
            raise InputError('a latency model needs one or more numbers of milliseconds >= 0')
        self.milliseconds = list(milliseconds)

    @classmethod
    def from_file(cls, path: str | Path) -> LatencyModel:
        """Read one number of milliseconds a line.

        Raises:
            InputError: not readable, or not numbers.
        """
        try:
            return cls([float(line) for line in Path(path).read_text().split()])
        except (OSError, ValueError) as error:
            raise InputError(f'cannot read latencies from {path}: {error}') from None

    def nanoseconds(self) -> Iterator[int]:
        """Endless latencies."""
        return (round(value * 1e6) for value in cycle(self.milliseconds))


def schedule(arrivals: np.ndarray, start: int, latency: LatencyModel) -> dict[int, int]:
    """Which frames a busy tracker gets, with a mailbox of one frame that newer ones overwrite.

    Args:
        arrivals: when each frame arrives, nanoseconds.
        start: index of the frame on which the target is given; it is never overwritten.
        latency: how long each frame takes.

    Returns:
        Index of each processed frame -> when its result is there, nanoseconds.
    """
    arrivals = np.maximum.accumulate(arrivals)
    times = latency.nanoseconds()
    done, index = {}, start
    free = int(arrivals[start]) + next(times)
    done[start] = free
    while index + 1 < len(arrivals):
        begin = max(free, int(arrivals[index + 1]))
        index = max(index + 1, int(np.searchsorted(arrivals, begin, 'right')) - 1)
        free = begin + next(times)
        done[index] = free
    return done


def replay(bag: Bag, topic: str, table: FrameTable, tracker: Tracker, start: int,
           box: BoundingBox, latency: LatencyModel | None = None,
           each_frame: Callable[[BagFrame, TrackResult | None], object] = lambda *_: None,
           ) -> list[Step]:
    """Track through a bag; returns one step per frame of the table.

    Args:
        start, box: frame and box of the target.
        latency: None gives every frame to the tracker; else frames are overwritten as in the node.
        each_frame: called with every decoded frame, for a progress bar or a video.

    Returns:
        One step per frame of the table.

    Raises:
        InputError: the first frame is unreadable or the tracker refuses the box.
    """
    chosen = None if latency is None else schedule(table.arrivals, start, latency)
    steps: list[Step] = []
    target = _Target(tracker, start, box)
    for frame in frames(bag, topic, table):
        if chosen is not None and frame.index > start and frame.index not in chosen:
            steps.append(Step(frame.index, frame.stamp, note=OVERWRITTEN))
            each_frame(frame, None)
            continue
        step = target.follow(frame, chosen)
        steps.append(step)
        each_frame(frame, step.result)
    return steps


class _Target:
    """Gives frames to the tracker from ``start`` on, until it drops the target."""

    def __init__(self, tracker: Tracker, start: int, box: BoundingBox) -> None:
        self.tracker, self.start, self.box = tracker, start, box
        self.size = (0, 0)
        self.stamp = 0
        self.dropped = False

    def follow(self, frame: BagFrame, done: dict[int, int] | None) -> Step:
        if frame.image is None:
            if frame.index == self.start:
                raise unreadable_start(frame)
            return Step(frame.index, frame.stamp, note=f'{UNREADABLE}: {frame.problem}')
        size = frame.image.shape[1::-1]
        if frame.index < self.start or self.dropped:
            note = DROPPED if self.dropped else BEFORE_INIT
            return Step(frame.index, frame.stamp, note=note, size=size, frame_id=frame.frame_id)
        before = time.perf_counter()
        result = self._said(frame, size)
        seconds = time.perf_counter() - before
        self.dropped = result.state == TrackState.UNINITIALISED
        finished = frame.stamp if done is None else done[frame.index]
        return Step(frame.index, frame.stamp, result, finished, seconds, '', size, frame.frame_id)

    def _said(self, frame: BagFrame, size: tuple[int, int]) -> TrackResult:
        """The tracker's answer; what is unusual about the image is met as by the node.

        On an image of another size the target is dropped: it has another geometry, and what was
        learnt means nothing on it. Where the clock was set back the target counts as lost.
        """
        set_back = self.stamp - frame.stamp > CLOCK_SET_NS
        self.stamp = frame.stamp
        stamp = frame.stamp / 1e9
        if frame.index == self.start:
            self.size = size
            return self.tracker.init(frame.image, self.box, stamp)
        if size != self.size:
            return TrackResult(None, 0.0, TrackState.UNINITIALISED, Reason.IMAGE_SIZE_CHANGED)
        if set_back and hasattr(self.tracker, 'lose'):
            self.tracker.lose(stamp)
        result = self.tracker.update(frame.image, stamp)
        if set_back and result.reason == Reason.NONE:
            result = replace(result, reason=Reason.STAMP_JUMP)
        return result


def unreadable_start(frame: BagFrame) -> InputError:
    """What is raised where the target is given on an image that cannot be decoded."""
    return InputError(f'the first frame cannot be read: {frame.problem}; give the target on '
                      'another one, with --box x,y,w,h --box-frame N')


def run_of(name: str, steps: list[Step], truth: Truth, start: int) -> Run:
    """The replay as a run of a sequence, so that it is scored as a folder of images is.

    Frames that the tracker never got (overwritten, unreadable) are not scored: their truth is NaN.
    Frames after it dropped the target are scored, without a box.
    """
    given = np.array([step.result is not None or step.note in SILENT for step in steps], bool)
    run = Run.empty(name, np.where((given & truth.labelled)[:, None], truth.boxes, np.nan), start)
    for index, step in enumerate(steps):
        if step.result is not None:
            run.note(index, step.result, step.seconds)
    return run


def at_arrival(steps: list[Step], table: FrameTable) -> list[Step]:
    """What a controller knows at the moment each frame arrives: the newest finished result.

    Args:
        steps: of a replay in simulated real time or through the node.
        table: the same frames.

    Returns:
        One step per frame, with an older frame's result; none before the first one is finished
        nor after the one that dropped the target.
    """
    finished = sorted((step for step in steps if step.result is not None), key=lambda s: s.done)
    times = [step.done for step in finished]
    arrivals = np.maximum.accumulate(table.arrivals)
    newest = np.searchsorted(times, arrivals, 'right') - 1
    first = finished[0].index if finished else len(steps)
    return [
        _with_result_of(finished[i], step) if i >= 0 else
        replace(step, result=None, note=NOT_YET if step.index >= first else step.note)
        for step, i in zip(steps, newest)]


def _with_result_of(newest: Step, step: Step) -> Step:
    """A frame with an older one's result; the one that drops the target is of its own frame."""
    dropped = newest.result.state == TrackState.UNINITIALISED and newest.index != step.index
    return replace(step, result=None, note=DROPPED) if dropped else \
        replace(step, result=newest.result, note='')
