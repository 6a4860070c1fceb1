"""Replaying a bag through a tracker that runs elsewhere: image by image, or in real time."""

from __future__ import annotations

from dataclasses import replace
import time
from typing import Callable, Container, Iterable, Protocol

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag.frame_table import BagFrame, FrameTable
from siamx_ros.evaluation.bag.replay import (
    BEFORE_INIT, DROPPED, OVERWRITTEN, UNREADABLE, Step, unreadable_start)
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import Reason, TrackResult, TrackState

LAST_PATIENCE = 5.0
"""Seconds to wait for the answer to the last image of a replay in real time."""

EachFrame = Callable[[BagFrame, 'TrackResult | None'], object]


class Player(Protocol):
    """Camera and operator of a tracker; :class:`siamx_ros.client.player.LivePlayer` is one of ROS.

    Images are H x W x 3 uint8 BGR; their stamps, nanoseconds, name them.
    """

    def begin(self, image: np.ndarray, box: BoundingBox, stamp_ns: int,
              frame_id: str) -> TrackResult:
        """Show the first image and give the target on it."""

    def send(self, image: np.ndarray, stamp_ns: int, frame_id: str) -> None:
        """Show an image."""

    def answer(self, stamp_ns: int, patience: float = ...) -> TrackResult | None:
        """What the tracker says about an image; None if nothing within so many seconds."""

    def newest(self, stamps: Container[int]) -> TrackResult | None:
        """The last answer to one of these images."""

    def answers(self) -> dict[int, tuple[TrackResult, float]]:
        """Of each image that was answered: result and monotonic moment of its arrival, seconds."""

    def reasons(self, changes: dict[int, TrackState]) -> dict[int, Reason]:
        """Why states changed on images; ``changes`` has the states that were entered."""

    def usage(self) -> dict[str, float]:
        """What the tracker's process took since the target was given; empty if not known."""


def replay_live(images: Iterable[BagFrame], table: FrameTable, player: Player, start: int,
                box: BoundingBox, lockstep: bool, each_frame: EachFrame = lambda *_: None,
                ) -> list[Step]:
    """Play images to a running tracker.

    Images before ``start`` are not shown. In real time the clock stands still until the first box
    is accepted, then images are shown at the pace at which they were recorded.

    Args:
        player: of the tracker.
        start, box: frame and box of the target.
        lockstep: whether the next image waits for the answer to the one before.
        each_frame: called with every decoded frame and the newest result.

    Returns:
        One step per image; where no answer came, the image counts as overwritten.

    Raises:
        InputError: the first frame is unreadable, or the box is refused, or, in lock-step, an
            image was not answered.
    """
    show = _LockStep(player) if lockstep else _RealTime(player, table, start)
    steps = []
    for frame in images:
        step = Step(frame.index, frame.stamp, frame_id=frame.frame_id)
        if frame.image is None:
            if frame.index == start:
                raise unreadable_start(frame)
            step = replace(step, note=f'{UNREADABLE}: {frame.problem}')
        else:
            step = replace(step, size=frame.image.shape[1::-1])
            if frame.index < start:
                step = replace(step, note=BEFORE_INIT)
            elif frame.index == start:
                step = show.first(frame, box, step)
            else:
                step = show.next(frame, step)
        steps.append(step)
        each_frame(frame, step.result or show.newest)
    return _with_reasons(player, _until_dropped(show.finish(steps)))


class _LockStep:
    """Each image waits for the answer to the one before; time is that of the stamps."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._dropped = False
        self.newest: TrackResult | None = None

    def first(self, frame: BagFrame, box: BoundingBox, step: Step) -> Step:
        begin = time.perf_counter()
        result = self._player.begin(frame.image, box, frame.stamp, frame.frame_id)
        return self._said(step, result, begin)

    def next(self, frame: BagFrame, step: Step) -> Step:
        if self._dropped:
            return replace(step, note=DROPPED)
        begin = time.perf_counter()
        self._player.send(frame.image, frame.stamp, frame.frame_id)
        result = self._player.answer(frame.stamp)
        if result is None:
            raise InputError(f'the tracker did not answer image {frame.index}, and lock-step '
                             'cannot go on without; is it configured to skip images (max_rate, '
                             'max_image_age) or active at all?')
        return self._said(step, result, begin)

    def finish(self, steps: list[Step]) -> list[Step]:
        return steps

    def _said(self, step: Step, result: TrackResult, begin: float) -> Step:
        self._dropped = result.state == TrackState.UNINITIALISED
        self.newest = result
        return replace(step, result=result, done=step.stamp, seconds=time.perf_counter() - begin)


class _RealTime:
    """Images go out at the pace of the recording; answers come when they come."""

    def __init__(self, player: Player, table: FrameTable, start: int) -> None:
        self._player = player
        self._arrivals = np.maximum.accumulate(table.arrivals)
        self._origin = int(self._arrivals[start])
        self._begin = 0.0
        self._first: Step | None = None
        self._sent: dict[int, float] = {}

    @property
    def newest(self) -> TrackResult | None:
        """The last answer."""
        return self._player.newest(self._sent) or (self._first and self._first.result)

    def first(self, frame: BagFrame, box: BoundingBox, step: Step) -> Step:
        begin = time.perf_counter()
        result = self._player.begin(frame.image, box, frame.stamp, frame.frame_id)
        self._begin = time.monotonic()
        self._first = replace(
            step, result=result, done=self._origin, seconds=time.perf_counter() - begin)
        return self._first

    def next(self, frame: BagFrame, step: Step) -> Step:
        due = self._begin + (int(self._arrivals[frame.index]) - self._origin) / 1e9
        time.sleep(max(0.0, due - time.monotonic()))
        self._sent[frame.stamp] = time.monotonic()
        self._player.send(frame.image, frame.stamp, frame.frame_id)
        return replace(step, note=OVERWRITTEN)

    def finish(self, steps: list[Step]) -> list[Step]:
        """The steps with the answers that came."""
        if self._sent:
            self._player.answer(max(self._sent), LAST_PATIENCE)
        answers = self._player.answers()
        return [self._answered(step, *answers[step.stamp])
                if step.stamp in self._sent and step.stamp in answers else step for step in steps]

    def _answered(self, step: Step, result: TrackResult, moment: float) -> Step:
        done = self._origin + round((moment - self._begin) * 1e9)
        return replace(step, result=result, done=done, note='',
                       seconds=moment - self._sent[step.stamp])


def _until_dropped(steps: list[Step]) -> list[Step]:
    """Without what is said after the tracker gave the target up."""
    dropped, kept = False, []
    for step in steps:
        if dropped and (step.result is not None or step.note == OVERWRITTEN):
            step = replace(step, result=None, done=0, seconds=0.0, note=DROPPED)
        kept.append(step)
        dropped |= step.result is not None and step.result.state == TrackState.UNINITIALISED
    return kept


def _with_reasons(player: Player, steps: list[Step]) -> list[Step]:
    """The steps with the reasons of changes of state, which come on another way."""
    changes, state = {}, None
    for step in steps:
        if step.result is None:
            continue
        if state is not None and step.result.state != state:
            changes[step.stamp] = step.result.state
        state = step.result.state
    reasons = player.reasons(changes)
    return [replace(step, result=replace(step.result, reason=reasons[step.stamp]))
            if step.stamp in reasons else step for step in steps]
