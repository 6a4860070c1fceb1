"""One target's life in the node: what the worker does with images and requests. Imports no ROS.

The tracker's own states (TRACKING, UNCERTAIN, LOST, RELOCALISED) are joined by those only a node
can know: paused, an inference that failed. Whether images arrive at all is watched elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
import logging
import math
from typing import Any, Callable

import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.outcome import IDLE, Outcome
from siamx_ros.node.further_targets import FurtherTargets
from siamx_ros.node.glance import Glance
from siamx_ros.node.target_names import TargetNames
from siamx_ros.records import Reason, TrackResult, TrackState
from siamx_ros.reduced_image import AnyImage

LOG = logging.getLogger(__name__)


def nothing(frame: Frame, image: AnyImage) -> None:
    """Nothing is known about where the target can be."""


class Session:
    """Drives the tracker of the primary target, and further ones; for the worker thread alone.

    Args:
        tracker: any object with init, update, reset, lose, configure and reduction.
        decode: Frame, and the side of the blocks of pixels that are enough -> image; raises
            InputError.
        clock: monotonic seconds.
        stamp_jump: stamps going back by more than this, seconds, mean a new recording.
    """

    def __init__(self, tracker: Any, decode: Callable[..., AnyImage],
                 clock: Callable[[], float], stamp_jump: float, names: TargetNames) -> None:
        self.tracker, self._decode, self._clock = tracker, decode, clock
        self.further, self._glance = FurtherTargets(tracker, decode, names), Glance(decode)
        self.stamp_jump = stamp_jump
        self.target_id, self.class_id = '', ''
        self.enabled, self.result, self.unreadable = True, IDLE, False
        self.gate: Callable[[Frame, AnyImage], Callable[[BoundingBox], bool] | None] = nothing
        self._interruption = Reason.NONE
        self._names = names
        self._last_stamp = -math.inf
        self._size: tuple[int, int] | None = None

    @property
    def has_target(self) -> bool:
        """Whether a target was accepted and not dropped."""
        return bool(self.target_id)

    @property
    def is_following(self) -> bool:
        """Whether images are looked at for the primary target: there is one, and no pause."""
        return self.has_target and self.enabled

    def start(self, frame: Frame, choose: Callable[[np.ndarray], BoundingBox], target_id: str,
              class_id: str) -> Outcome:
        """Take a new target.

        Args:
            frame: the image on which it was given.
            choose: the decoded image -> the target's box; raises InputError.
            target_id, class_id: names to report; empty for a new number and 'target'. A name
                that the last target had gets a number, for every target's name is new.

        Raises:
            InputError: the image cannot be read or the box cannot be used; the old target stays.
            Exception: the tracker failed; the old target stays.
        """
        image = self._decode(frame)
        box = choose(image)
        begin = self._clock()
        result = self.tracker.init(image, box, frame.stamp)
        if self.further and image.shape[1::-1] != self.further.image_size:
            self.further.clear()
        self.further.primary_changed()
        if not self.enabled or self._interruption != Reason.NONE:
            self.further.lose(frame.stamp, but_primary=True)
        self.target_id = self._names.new(target_id, self.further.names)
        self.class_id = class_id or 'target'
        self.enabled, self.result, self.unreadable = True, result, False
        self._interruption, self._last_stamp = Reason.NONE, frame.stamp
        self._size = image.shape[1::-1]
        return self._outcome(frame, image, result, self._clock() - begin)

    def drop(self, target_id: str) -> bool:
        """Drop the target of a name, or all if it is empty; whether that concerns the primary one.

        Raises:
            InputError: there is none of this name.
        """
        if not target_id:
            self.further.clear()
        elif self.further.remove(target_id, self.target_id):
            return False
        self.forget()
        return True

    def configure(self, config: TrackerConfig, stamp_jump: float) -> None:
        """Use other settings, for all targets."""
        self.stamp_jump = stamp_jump
        self.tracker.configure(config)
        self.further.configure(config)

    def process(self, frame: Frame) -> Outcome:
        """Track one image; never raises: what fails is in the outcome's state and message."""
        if not self.enabled:
            self.unreadable = False
            return self._outcome(frame, None, self.result)
        if not (self.has_target or self.further):
            self._last_stamp, message = frame.stamp, self._glance.at(frame)
            self.unreadable = bool(message)
            return self._outcome(frame, None, IDLE, message=message)
        try:
            image = self._decode(frame, self._reduction)
        except InputError as error:
            self.unreadable = True
            return self._outcome(frame, None, self._standing(self.result.state), message=str(error))
        self.unreadable = False
        if not self.has_target:
            self._size = self.further.image_size
        if image.shape[1::-1] != self._size:
            return self._drop_for_size(frame, image)
        back, self._last_stamp = self._last_stamp - frame.stamp, frame.stamp
        if back > self.stamp_jump:
            self.interrupt(Reason.STAMP_JUMP)
        return self._track(frame, image)

    @property
    def _reduction(self) -> int:
        """Side of the blocks of pixels that are enough of the next image, for all who look at it.

        An image is decoded once: of several trackers, the one that needs the finest decides.
        """
        if self._interruption != Reason.NONE:
            return 1
        return self.further.reduction if self.further else self.tracker.reduction

    def skip(self, frame: Frame, state: TrackState, reason: Reason) -> Outcome:
        """Answer an image that is not looked at."""
        return self._outcome(frame, None, self._standing(state, reason))

    def forget(self) -> None:
        """Drop the target; a pause goes on."""
        self.tracker.reset()
        self.further.primary_changed()
        self.target_id, self.class_id = '', ''
        self.result = IDLE if self.enabled else replace(IDLE, state=TrackState.PAUSED)
        self._interruption, self.unreadable = Reason.NONE, False

    def interrupt(self, reason: Reason) -> None:
        """The target counts as lost from the next image on: it must be found and confirmed."""
        if self.has_target or self.further:
            self._interruption = reason

    def pause(self) -> None:
        """Look at no image until :meth:`resume`; the target is kept."""
        self.enabled = False
        self.result = self._standing(TrackState.PAUSED)

    def resume(self) -> None:
        """Go on after a pause."""
        self.enabled = True
        self.interrupt(Reason.OPERATOR)
        self.result = self._standing(
            TrackState.LOST if self.has_target else TrackState.UNINITIALISED)

    def too_late(self, outcome: Outcome, busy_s: float) -> Outcome:
        """After work of so many seconds: nothing to act on, and all targets to be found anew."""
        if not (self.has_target or self.further):
            return outcome
        self.interrupt(Reason.INFERENCE_ERROR)
        self.result = self._standing(TrackState.ERROR, Reason.INFERENCE_ERROR)
        return replace(outcome, result=self.result, interruption=Reason.NONE, further=(),
                       message=f'one image was worked on for {busy_s:.1f} s')

    def _track(self, frame: Frame, image: AnyImage) -> Outcome:
        interruption, self._interruption = self._interruption, Reason.NONE
        begin = self._clock()
        try:
            if interruption != Reason.NONE:
                self.tracker.lose(frame.stamp)
                self.further.lose(frame.stamp)
            result = self._found(frame, image)
        except Exception as error:  # noqa: B902 - whatever fails, the node must say so and live on
            return self._failed(frame, image, error)
        taken = self._clock() - begin
        if result is None:
            self.result = IDLE
            return self._outcome(frame, image, IDLE, taken, further=self.further.seen)
        if result.state == TrackState.UNINITIALISED:
            self.forget()
            return self._outcome(frame, image, replace(IDLE, reason=result.reason), taken,
                                 further=self.further.seen)
        if result.reason == Reason.NONE:
            result = replace(result, reason=interruption)
        self.result = result
        return self._outcome(frame, image, result, taken, interruption=interruption,
                             further=self.further.seen)

    def _found(self, frame: Frame, image: AnyImage) -> TrackResult | None:
        """What the image shows of the primary target; None without one."""
        self.further.seen = ()
        gate = self.gate(frame, image) if self.has_target else None
        if self.further.await_image(frame):
            return self.further.update(frame, image, gate)
        return self.tracker.update(image, frame.stamp, *([gate] if gate else []))

    def _failed(self, frame: Frame, image: AnyImage, error: Exception) -> Outcome:
        """The tracker raised: ERROR until an image succeeds, then found and confirmed anew."""
        if self.result.state != TrackState.ERROR:
            LOG.error('inference failed', exc_info=error)
        self.interrupt(Reason.INFERENCE_ERROR)
        self.result = self._standing(TrackState.ERROR, Reason.INFERENCE_ERROR)
        return self._outcome(
            frame, image, self.result, message=f'{type(error).__name__}: {error}')

    def _drop_for_size(self, frame: Frame, image: AnyImage) -> Outcome:
        """Images of another size have another geometry: the target is dropped, and said so."""
        (width, height), was = image.shape[1::-1], self._size
        dropped = ', '.join(filter(None, [self.target_id, *self.further.names]))
        self.further.clear()
        self.forget()
        return self._outcome(
            frame, image, replace(IDLE, reason=Reason.IMAGE_SIZE_CHANGED),
            message=f'the images changed from {was[0]}x{was[1]} to {width}x{height} pixels, '
            f'target {dropped} was dropped')

    def _standing(self, state: TrackState, reason: Reason = Reason.NONE) -> TrackResult:
        """No box was measured on this image, so it is not TRACKING."""
        state = TrackState.UNCERTAIN if state == TrackState.TRACKING else state
        return replace(IDLE, state=state, reason=reason, frames_lost=self.result.frames_lost,
                       frames_since_init=self.result.frames_since_init)

    def _outcome(self, frame: Frame, image: AnyImage | None, result: TrackResult,
                 inference_s: float = math.nan, message: str = '', **more: Any) -> Outcome:
        return Outcome(
            frame, image, result, self.target_id, self.class_id, inference_s, message, **more)
