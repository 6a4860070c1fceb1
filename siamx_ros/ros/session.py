"""One target's life in the node: what the worker does with images and requests. Imports no ROS.

The tracker's own states (TRACKING, UNCERTAIN, LOST, RELOCALISED) are joined by those only a node
can know: no images, paused, an inference that failed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import logging
import math
from typing import Any, Callable

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import Reason, TrackResult, TrackState
from siamx_ros.ros.frames import Frame

LOG = logging.getLogger(__name__)
IDLE = TrackResult(box=None, confidence=0.0, state=TrackState.UNINITIALISED)


@dataclass(frozen=True)
class Outcome:
    """What is to be said about one image.

    Attributes:
        frame: the image message.
        image: H x W x 3 BGR, None where it was not decoded or not readable.
        result: the tracker's result, with the node's state.
        target_id: the target it speaks of.
        class_id: the label that the operator gave.
        inference_s: time the tracker took, seconds.
        message: what went wrong, empty if nothing.
    """

    frame: Frame
    image: np.ndarray | None
    result: TrackResult
    target_id: str
    class_id: str
    inference_s: float = math.nan
    message: str = ''


class Session:
    """Drives a tracker; used by the worker thread alone.

    Args:
        tracker: any object with init, update, reset, lose and configure.
        decode: Frame -> image; raises InputError.
        clock: monotonic seconds.
        stamp_jump: stamps going back by more than this, seconds, mean a new recording.
    """

    def __init__(self, tracker: Any, decode: Callable[[Frame], np.ndarray],
                 clock: Callable[[], float], stamp_jump: float) -> None:
        self.tracker, self._decode, self._clock = tracker, decode, clock
        self.stamp_jump = stamp_jump
        self.target_id, self.class_id = '', ''
        self.enabled = True
        self.result = IDLE
        self._count = 0
        self._last_stamp = -math.inf
        self._size: tuple[int, int] | None = None

    @property
    def has_target(self) -> bool:
        """Whether a target was accepted and not dropped."""
        return bool(self.target_id)

    def start(self, frames: list[Frame], box: BoundingBox, target_id: str,
              class_id: str) -> tuple[list[Outcome], BoundingBox]:
        """Take a new target on the first frame and catch up over the others.

        Returns:
            One outcome a frame, and the box that was used.

        Raises:
            InputError: the image cannot be read or the box cannot be used; the old target stays.
        """
        image = self._decode(frames[0])
        begin = self._clock()
        result = self.tracker.init(image, box, frames[0].stamp)
        self._count += 1
        self.target_id = target_id or str(self._count)
        self.class_id = class_id or 'target'
        self.enabled, self.result = True, result
        self._last_stamp, self._size = frames[0].stamp, image.shape[1::-1]
        first = self._outcome(frames[0], image, result, self._clock() - begin)
        return [first, *map(self.process, frames[1:])], box

    def process(self, frame: Frame) -> Outcome:
        """Track one image; never raises: what fails is in the outcome's state and message."""
        if not self.has_target:
            return self._outcome(frame, None, IDLE)
        if not self.enabled:
            return self._outcome(frame, None, self._standing(TrackState.PAUSED))
        try:
            image = self._decode(frame)
        except InputError as error:
            return self._outcome(frame, None, self._standing(self.result.state), message=str(error))
        reason = self._interruption(frame, image)
        if not self.has_target:
            return self._outcome(
                frame, image, replace(IDLE, reason=reason),
                message=f'the images are now {image.shape[1]}x{image.shape[0]} pixels, the target '
                'was dropped')
        return self._track(frame, image, reason)

    def forget(self) -> None:
        """Drop the target."""
        self.tracker.reset()
        self.target_id, self.class_id, self.result = '', '', IDLE

    def resume(self) -> None:
        """Go on after images were missing or the tracker was paused: find and confirm first."""
        self.enabled = True
        if self.has_target:
            self.tracker.lose()
            self.result = self._standing(TrackState.LOST)

    def _track(self, frame: Frame, image: np.ndarray, reason: Reason) -> Outcome:
        begin = self._clock()
        try:
            result = self.tracker.update(image, frame.stamp)
        except Exception as error:  # noqa: B902 - whatever fails, the node must say so and live on
            LOG.exception('inference failed')
            self.result = self._standing(TrackState.ERROR, Reason.INFERENCE_ERROR)
            return self._outcome(
                frame, image, self.result, message=f'{type(error).__name__}: {error}')
        if self.result.state == TrackState.ERROR:
            self.tracker.lose()
        if reason != Reason.NONE and result.reason == Reason.NONE:
            result = replace(result, reason=reason)
        self.result = result
        outcome = self._outcome(frame, image, result, self._clock() - begin)
        if result.state == TrackState.UNINITIALISED:
            self.forget()
        return outcome

    def _interruption(self, frame: Frame, image: np.ndarray) -> Reason:
        """Notice a new recording or another image size."""
        back = self._last_stamp - frame.stamp
        self._last_stamp = frame.stamp
        if image.shape[1::-1] != self._size:
            self.forget()
            return Reason.IMAGE_SIZE_CHANGED
        if back > self.stamp_jump:
            self.tracker.lose()
            return Reason.STAMP_JUMP
        return Reason.NONE

    def _standing(self, state: TrackState, reason: Reason = Reason.NONE) -> TrackResult:
        """No box was measured on this image."""
        return replace(IDLE, state=state, reason=reason,
                       frames_since_init=self.result.frames_since_init,
                       frames_lost=self.result.frames_lost)

    def _outcome(self, frame: Frame, image: np.ndarray | None, result: TrackResult,
                 inference_s: float = math.nan, message: str = '') -> Outcome:
        return Outcome(
            frame, image, result, self.target_id, self.class_id, inference_s, message)
