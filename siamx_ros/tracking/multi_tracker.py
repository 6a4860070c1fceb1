"""Several targets in one image: one engine, one look at each image, no two on the same place."""

from __future__ import annotations

from itertools import count, tee
from types import MappingProxyType
from typing import Any, Mapping

import numpy as np

from siamx_ros import imaging
from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.model.inference import Engine
from siamx_ros.records import TrackResult, TrackState
from siamx_ros.reduced_image import AnyImage
from siamx_ros.tracking.backward import backward_scores
from siamx_ros.tracking.confidence import Calibration, check_same_fit
from siamx_ros.tracking.exclusion import Claims, Contestant
from siamx_ros.tracking.memory import Gate, anything
from siamx_ros.tracking.process import as_one_image
from siamx_ros.tracking.tracker import Tracker

NO_GATES: Mapping[int, Gate] = MappingProxyType({})


class MultiTracker:
    """Follows any number of targets; with a single one it answers exactly as :class:`Tracker`.

    Args:
        engine: the network on its device, shared by all, in one thread; see :class:`Tracker`.
        wait: whether the second target waits for what is compiled for several, about a second;
            otherwise another thread does that where the engine can, and targets are searched for
            one by one meanwhile, with answers that may differ in their last bits.
    """

    def __init__(self, engine: Engine, config: TrackerConfig = TrackerConfig(),
                 calibration: Calibration = Calibration(), *, wait: bool = True) -> None:
        self.engine, self.config, self.calibration = engine, config, calibration
        self._wait = wait
        self._targets: dict[int, Contestant] = {}
        self._numbers = count(1)

    @classmethod
    def around(cls, tracker: Tracker, *, wait: bool = True) -> MultiTracker:
        """One without targets, with the engine, settings and calibration of a tracker."""
        return cls(tracker.engine, tracker.config, tracker.calibration, wait=wait)

    @property
    def trackers(self) -> dict[int, Tracker]:
        """The tracker of each target by its number, in the order in which they were added."""
        return {number: target.tracker for number, target in self._targets.items()}

    @property
    def reduction(self) -> int:
        """Side of the blocks of pixels that are enough of the next image for all targets."""
        return min((tracker.reduction for tracker in self.trackers.values()), default=1)

    def add(self, image: np.ndarray, box: BoundingBox, stamp: float | None = None) -> int:
        """Take a further target; returns its number, which no other will have.

        Args:
            image: H x W x 3 uint8 BGR, of the size of the other targets' images.
            box: image pixels, also as four numbers x, y, w, h; at least half of it inside.
            stamp: time of the image in seconds; see :meth:`Tracker.init`.

        Raises:
            InputError: not an image, one of another size, or a box that cannot be used.
        """
        tracker = Tracker(self.engine, self.config, self.calibration)
        tracker.init(image, box, stamp)
        return self.join(tracker)

    def join(self, tracker: Tracker) -> int:
        """Take over the target of a tracker with the same engine; returns its number.

        Raises:
            InputError: it has no target, one of images of another size or another engine, is in
                the group already, or its confidence is of another fit (:func:`check_same_fit`).
        """
        self._refuse_misfit(tracker)
        number = next(self._numbers)
        self._targets[number] = Contestant(tracker)
        self._warm_up()
        return number

    def remove(self, number: int) -> None:
        """Forget one target; the others go on.

        Raises:
            InputError: there is none of this number.
        """
        if number not in self._targets:
            raise InputError(f'there is no target {number}, there are '
                             f'{", ".join(map(str, self._targets)) or "none"}')
        del self._targets[number]

    @as_one_image
    def update(self, image: AnyImage, stamp: float | None = None,
               gates: Mapping[int, Gate] = NO_GATES) -> dict[int, TrackResult]:
        """Find all targets in the next image; the answer of each by its number.

        One that was searched for in vain for too long answers UNINITIALISED and is forgotten.

        Args:
            image: H x W x 3 uint8 BGR, or blocks of it, of the size that the targets were given in.
            stamp: time of the image in seconds.
            gates: of some targets by their numbers; see :meth:`Tracker.update`.

        Raises:
            InputError: not an image, or an image of another size.
        """
        image = imaging.check_image(image)
        if len(self._targets) > 1:
            results = self._update_together(image, stamp, gates)
        else:
            results = {number: tracker.update(image, stamp, gates.get(number, anything))
                       for number, tracker in self.trackers.items()}
        for number, result in results.items():
            if result.state == TrackState.UNINITIALISED:
                self.remove(number)
        return results

    def lose(self, stamp: float | None = None, but: int | None = None) -> None:
        """Declare all targets lost, or all but one; see :meth:`Tracker.lose`."""
        for number, tracker in self.trackers.items():
            if number != but:
                tracker.lose(stamp)

    def reset(self) -> None:
        """Forget all targets."""
        self._targets.clear()

    def configure(self, config: TrackerConfig) -> None:
        """Use other settings from the next image on; the targets are kept.

        Raises:
            InputError: see :meth:`Tracker.configure`, also for what counts from the next target on;
                nothing is changed.
        """
        for each in (self, *self.trackers.values()):
            check_same_fit(each.config, config)
        self.config = config
        for tracker in self.trackers.values():
            tracker.configure(config)
        self._warm_up()

    def close(self) -> None:
        """Forget all targets and free the network's memory; no target can be added any more."""
        self.reset()
        self.engine: Any = None

    def _refuse_misfit(self, tracker: Tracker) -> None:
        if tracker.memory is None:
            raise InputError('the tracker has no target: call init first')
        if tracker.engine is not self.engine:
            raise InputError('the tracker must have the engine of the group, got another one: '
                             'make it with another(), or the group with around()')
        check_same_fit(self.config, tracker.config)
        size = tracker.memory.image_size
        for number, other in self.trackers.items():
            if other is tracker:
                raise InputError(f'the tracker is in the group already, its target is {number}')
            if other.memory.image_size != size:
                raise InputError(
                    'all targets must be given in images of one size, {}x{} pixels, got '
                    '{}x{}'.format(*other.memory.image_size, *size))

    def _update_together(self, image: AnyImage, stamp: float | None,
                         gates: Mapping[int, Gate]) -> dict[int, TrackResult]:
        trackers = self.trackers
        windows = [tracker.begin(image, stamp, gates.get(number, anything), alone=False)
                   for number, tracker in trackers.items()]
        patches, seen = tee(tracker.patch(image, window)
                            for tracker, window in zip(trackers.values(), windows))
        maps = list(self.engine.search_many(
            zip(patches, (tracker.memory.template for tracker in trackers.values()))))
        answers = [tracker.weigh(*shown)
                   for tracker, *shown in zip(trackers.values(), maps, windows, seen)]
        now = next(iter(trackers.values())).memory.stamp
        claims = Claims(list(self._targets.values()), image, answers, now)
        seen = [tracker.refine(image, claims.found[index], claims.taken(index))
                for index, tracker in enumerate(trackers.values())]
        return {number: tracker.conclude(image, each)
                for (number, tracker), each in zip(trackers.items(), seen)}

    def _warm_up(self) -> None:
        """Search patches of each size for all targets: nothing is compiled in an update."""
        memories = [tracker.memory for tracker in self.trackers.values()]
        if len(memories) < 2:
            return
        sizes = set().union(*(memory.prepared for memory in memories))
        checks = [memory.backward for memory in memories if memory.backward is not None]
        if not self._wait and self.engine.prepare_many(
                sizes, memories[0].template, checks[0].first if checks else None):
            return
        for size in sizes:
            patch = np.zeros((size, size, 3), np.uint8)
            for _ in self.engine.search_many((patch, memory.template) for memory in memories):
                pass
        backward_scores(self.engine, np.zeros((1, 1, 3), np.uint8), [
            (memory.backward, memory.box) for memory in memories if memory.backward is not None])
