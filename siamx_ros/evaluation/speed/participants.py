"""What takes part in a measurement: trackers as they are, by stages, and while they search."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import cycle, islice
import time
from typing import Any, Callable, Sequence

import numpy as np

from siamx_ros.evaluation.speed.stages import STAGES, StageClock, watched
from siamx_ros.evaluation.speed.stretches import Stretch, side_by_side
from siamx_ros.records import TrackState
from siamx_ros.tracking.multi_tracker import MultiTracker
from siamx_ros.tracking.tracker import Tracker

WARM_UP = 5
"""Updates of each turn that do not count: caches and clocks are those of another tracker yet."""
LOST_UPDATES = 10
"""Updates of a turn in which the target is searched for, with those that do not count."""
Synchronise = Callable[[], object]
"""Waits until the device has done all that it was given."""


class WholeUpdates:
    """A tracker's updates as they are.

    Args:
        tracker: with ``init(image, box)`` and ``update(image)``.

    Attributes:
        inits, updates: milliseconds of each.
    """

    def __init__(self, tracker: Any, synchronise: Synchronise = lambda: None) -> None:
        self._tracker, self._synchronise = tracker, synchronise
        self._processor_ms = 0.0
        self.inits: list[float] = []
        self.updates: list[float] = []

    @property
    def cores(self) -> float:
        """How many cores an update keeps busy on average, by the processor time of the process."""
        return self._processor_ms / sum(self.updates)

    def turn(self, stretch: Stretch) -> None:
        self.inits.append(self._time(self._tracker.init, stretch.images[0], stretch.box))
        for image in stretch.images[1:WARM_UP + 1]:
            self._tracker.update(image)
        before = time.process_time()
        self.updates += [self._time(self._tracker.update, image)
                         for image in stretch.images[WARM_UP + 1:]]
        self._processor_ms += (time.process_time() - before) * 1e3

    def _time(self, call: Callable, *args: Any) -> float:
        before = time.perf_counter()
        call(*args)
        self._synchronise()
        return (time.perf_counter() - before) * 1e3


class SeveralTargets:
    """Updates of several targets at once, those of as many stretches side by side in one image.

    Args:
        tracker: whose network and settings are used.
        stretches: a turn has one of them, and those that follow it.
        count: of targets.

    Attributes:
        updates: milliseconds of each, for all targets together.
    """

    def __init__(self, tracker: Tracker, stretches: Sequence[Stretch], count: int,
                 synchronise: Synchronise = lambda: None) -> None:
        self._group, self._synchronise = MultiTracker.around(tracker), synchronise
        self._count, self._stretches = count, stretches
        self.updates: list[float] = []

    def turn(self, stretch: Stretch) -> None:
        first = [each is stretch for each in self._stretches].index(True)
        images, boxes = side_by_side(
            list(islice(cycle(self._stretches), first, first + self._count)))
        self._group.reset()
        for box in boxes:
            self._group.add(images[0], box)
        for number, image in enumerate(images[1:]):
            before = time.perf_counter()
            self._group.update(image)
            self._synchronise()
            if number >= WARM_UP:
                self.updates.append((time.perf_counter() - before) * 1e3)


class StagedUpdates:
    """Our tracker's updates by stages; only those that end in TRACKING count.

    Attributes:
        stages: stage -> milliseconds of each update.
        states: state -> how many updates ended in it.
        sides: side of a searched patch, pixels -> how many of them.
    """

    def __init__(self, tracker: Tracker, synchronise: Synchronise = lambda: None) -> None:
        self._tracker, self._synchronise = tracker, synchronise
        self.stages: dict[str, list[float]] = defaultdict(list)
        self.states: Counter[TrackState] = Counter()
        self.sides: Counter[int] = Counter()

    def turn(self, stretch: Stretch) -> None:
        self._tracker.init(stretch.images[0], stretch.box)
        clock = StageClock()
        with watched(clock, self._tracker.engine):
            for number, image in enumerate(stretch.images[1:]):
                clock.restart()
                before = time.perf_counter()
                result = self._tracker.update(image)
                self._synchronise()
                taken = time.perf_counter() - before
                if number < WARM_UP:
                    continue
                self.states[result.state] += 1
                if result.state == TrackState.TRACKING:
                    self._note(clock, taken)
                    self.sides.update(window.patch_side for window in result.windows)

    def _note(self, clock: StageClock, taken: float) -> None:
        times = {**clock.seconds, 'rest': taken - sum(clock.seconds.values())}
        for stage in STAGES:
            self.stages[stage].append(times.get(stage, 0.0) * 1e3)


class LostUpdates:
    """Our tracker's updates while it searches an image without its target.

    Attributes:
        updates: milliseconds of each that ended in LOST.
        others: how many did not.
    """

    def __init__(self, tracker: Tracker, synchronise: Synchronise = lambda: None) -> None:
        self._tracker, self._synchronise = tracker, synchronise
        self.updates: list[float] = []
        self.others = 0

    def turn(self, stretch: Stretch) -> None:
        self._tracker.init(stretch.images[0], stretch.box)
        empty = np.full_like(stretch.images[0], 127)
        for number in range(LOST_UPDATES):
            self._tracker.lose()
            before = time.perf_counter()
            result = self._tracker.update(empty)
            self._synchronise()
            taken = (time.perf_counter() - before) * 1e3
            if number < WARM_UP:
                continue
            if result.state == TrackState.LOST:
                self.updates.append(taken)
            else:
                self.others += 1


Participant = WholeUpdates | SeveralTargets | StagedUpdates | LostUpdates
"""Takes its turn on a stretch, from its first image on, and keeps what it measured."""
