"""Targets besides the primary one, which share its network and its images. Imports no ROS."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math
from typing import Any, Callable

import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.frames import Frame, in_time
from siamx_ros.messages.outcome import IDLE, FurtherTarget, Outcome
from siamx_ros.node.target_names import TargetNames
from siamx_ros.records import Reason, TrackResult, TrackState
from siamx_ros.reduced_image import AnyImage


@dataclass(frozen=True)
class _Name:
    target_id: str
    class_id: str


class FurtherTargets:
    """Used by the worker thread alone, through its :class:`Session`.

    Args:
        primary: the tracker of the primary target, which may or may not have one.
        decode: Frame -> image; raises InputError.

    Attributes:
        image_size: (width, height) of their images, pixels, once there was one of them.
        seen: what the newest image showed of each, in the order in which they were added; to be
            emptied before it.
    """

    def __init__(self, primary: Any, decode: Callable[..., AnyImage], names: TargetNames) -> None:
        self._primary, self._decode, self._new_names = primary, decode, names
        self._group: Any = None
        self._names: dict[int, _Name] = {}
        self._number: int | None = None
        self._newest = -math.inf
        self.image_size = 0, 0
        self.seen: tuple[FurtherTarget, ...] = ()

    def __len__(self) -> int:
        return len(self._names)

    @property
    def names(self) -> list[str]:
        """What they are called."""
        return [name.target_id for name in self._names.values()]

    @property
    def reduction(self) -> int:
        """Side of the blocks of pixels that are enough for them and the primary one."""
        return self._group.reduction

    def await_image(self, frame: Frame) -> bool:
        """Whether to show them an image: the primary target is caught up on some without them."""
        return bool(self) and (self._number is None or frame.received > self._newest)

    def start(self, frames: list[Frame], choose: Callable[[np.ndarray], BoundingBox],
              target_id: str, class_id: str, primary_id: str,
              deadline: float = math.inf) -> list[Outcome]:
        """Take a target: on a first image, and catch up on those since.

        Args:
            frames, choose, target_id, class_id: as of :meth:`Session.start`.
            primary_id: name of the primary target, empty without one.
            deadline: monotonic seconds; to be caught up by then, images are left out.

        Returns:
            What each image showed of this target, which was not taken if the last one says
            UNINITIALISED.

        Raises:
            InputError: the first image cannot be read, or the box cannot be used.
            Exception: the tracker failed.
        """
        if not hasattr(self._primary, 'another'):
            raise InputError('this tracker follows one target only')
        image, tracker = self._decode(frames[0]), self._primary.another()
        seen = [(frames[0], tracker.init(image, choose(image), frames[0].stamp))]
        for frame in in_time(frames[1:], deadline):
            image = self._readable(frame)
            if image is None:
                continue
            same = image.shape[1::-1] == tracker.memory.image_size
            seen.append((frame, tracker.update(image, frame.stamp) if same else replace(
                IDLE, reason=Reason.IMAGE_SIZE_CHANGED)))
            if seen[-1][1].state == TrackState.UNINITIALISED:
                break
        else:
            self._newest = max(self._newest, -math.inf if self else frames[-1].received)
            target_id = self._new_names.new(target_id, [primary_id, *self.names], 'further')
            self._add(tracker, _Name(target_id, class_id or 'target'))
        return [Outcome(frame, None, result, target_id, class_id) for frame, result in seen]

    def remove(self, target_id: str, primary_id: str) -> bool:
        """Drop one; False if that is the name of the primary one.

        Raises:
            InputError: there is no target of this name.
        """
        for number, name in self._names.items():
            if name.target_id == target_id:
                self._drop(number)
                return True
        if target_id == primary_id:
            return False
        names = ', '.join(filter(None, [primary_id, *self.names]))
        raise InputError(f'there is no target {target_id!r}, there are: {names or "none"}')

    def primary_changed(self) -> None:
        """The primary target was given, replaced or dropped."""
        if self._number is not None:
            self._group.remove(self._number)
            self._number = None
        if self:
            self._join_primary()

    def update(self, frame: Frame, image: AnyImage,
               gate: Callable[..., bool] | None) -> TrackResult | None:
        """Find all in the next image; returns what is to be said of the primary one, if any.

        Raises:
            Exception: the tracker failed.
        """
        gates = {self._number: gate} if gate is not None and self._number is not None else {}
        self._newest = frame.received
        results = self._group.update(image, frame.stamp, gates)
        primary = results.pop(self._number, None)
        if primary is not None and primary.state == TrackState.UNINITIALISED:
            self._number = None
        self.seen = tuple(
            FurtherTarget(self._names[number].target_id, self._names[number].class_id, result)
            for number, result in results.items())
        for number, result in results.items():
            if result.state == TrackState.UNINITIALISED:
                del self._names[number]
        return primary

    def lose(self, stamp: float, but_primary: bool = False) -> None:
        """All must be found and confirmed anew, the primary one, too, unless ``but_primary``."""
        if self._group is not None:
            self._group.lose(stamp, self._number if but_primary else None)

    def configure(self, config: TrackerConfig) -> None:
        """Use other settings from the next image on."""
        if self._group is not None:
            self._group.configure(config)

    def clear(self) -> None:
        """Drop all but the primary one."""
        for number in list(self._names):
            self._drop(number)

    def _add(self, tracker: Any, name: _Name) -> None:
        if self._group is None:
            from siamx_ros.tracking.multi_tracker import MultiTracker  # loads torch
            self._group = MultiTracker.around(self._primary, wait=False)
        self._join_primary()
        self._names[self._group.join(tracker)] = name
        self.image_size = tracker.memory.image_size

    def _readable(self, frame: Frame) -> AnyImage | None:
        """The image of a frame; None where it is damaged."""
        try:
            return self._decode(frame)
        except InputError:
            return None

    def _drop(self, number: int) -> None:
        del self._names[number]
        self._group.remove(number)

    def _join_primary(self) -> None:
        if self._number is None and self._primary.memory is not None:
            self._number = self._group.join(self._primary)
