"""The one truth about the state, from worker and watchdog alike; thread-safe, imports no ROS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import RLock
from typing import Any

from siamx_ros.records import Reason, TrackState

STATE_TEXTS = {
    TrackState.UNINITIALISED: 'no target', TrackState.INITIALISING: 'catching up',
    TrackState.TRACKING: 'tracking', TrackState.UNCERTAIN: 'not sure, coasting',
    TrackState.LOST: 'lost, searching', TrackState.RELOCALISED: 'found, to be confirmed',
    TrackState.INPUT_STALE: 'no images', TrackState.PAUSED: 'paused',
    TrackState.ERROR: 'inference fails'}
REASON_TEXTS = {
    Reason.NONE: '', Reason.INIT: 'a target was given', Reason.RESET: 'the target was taken away',
    Reason.LOW_SCORE: 'the confidence fell below the threshold',
    Reason.AMBIGUOUS_PEAKS: 'several places look like the target',
    Reason.OUT_OF_VIEW: 'the target left the image',
    Reason.CONFIRMED: 'confirmed by good images in a row',
    Reason.SEARCH_TIMEOUT: 'searched too long, the target was dropped',
    Reason.NO_IMAGES: 'images were missing',
    Reason.STAMP_JUMP: 'the stamps of the images went back',
    Reason.IMAGE_SIZE_CHANGED: 'the images changed their size',
    Reason.INFERENCE_ERROR: 'the network raised an error',
    Reason.OPERATOR: 'paused or resumed by request',
    Reason.FROZEN_IMAGES: 'the images do not change',
    Reason.OUT_OF_REACH: 'what looks like the target is not where it can be'}


@dataclass(frozen=True)
class Status:
    """What ~/status says.

    Attributes:
        message: what the last image or request had to say, empty if nothing.
        problem: what is wrong until it is over, whatever images and requests say meanwhile.
        entered: monotonic time at which the state was entered, seconds.
        last_valid: monotonic time of the last valid box, None if there was none.
        header: header of the image that caused the state, None if no image did.
    """

    state: TrackState = TrackState.UNINITIALISED
    previous: TrackState = TrackState.UNINITIALISED
    reason: Reason = Reason.NONE
    message: str = ''
    problem: str = ''
    target_id: str = ''
    entered: float = 0.0
    last_valid: float | None = None
    relocalisations: int = 0
    header: Any = None

    @property
    def sentence(self) -> str:
        """Message and problem, or what state and reason mean where there are none."""
        said = [self.message] if self.message not in self.problem else []
        said += [self.problem] if self.problem else []
        meaning = filter(None, (STATE_TEXTS[self.state], REASON_TEXTS[self.reason]))
        return '; '.join(said) or ': '.join(meaning)


class StatusBoard:
    """Keeps the status and says whether an update changed it."""

    def __init__(self, now: float) -> None:
        self._lock = RLock()
        self._status = Status(entered=now)

    @property
    def status(self) -> Status:
        """The status as it is now."""
        with self._lock:
            return self._status

    def note(self, message: str) -> None:
        """Take note of a message; the state stays."""
        with self._lock:
            self._status = replace(self._status, message=message)

    def note_problem(self, problem: str) -> None:
        """Take note of a problem, or with an empty text of its end; state and message stay."""
        with self._lock:
            self._status = replace(self._status, problem=problem)

    def update(self, state: TrackState, reason: Reason, target_id: str, now: float, *,
               valid: bool = False, message: str = '', header: Any = None) -> bool:
        """Take note of a state; True when state or target changed.

        A message lasts until the next image (an update with a header) says something else; an
        image that changes the state ends the problem.
        """
        with self._lock:
            old = self._status
            if target_id != old.target_id:
                old = replace(old, last_valid=None, relocalisations=0)
            last_valid = now if valid else old.last_valid
            if state == old.state and target_id == old.target_id:
                self._status = replace(old, last_valid=last_valid, message=message if header
                                       else message or old.message)
                return False
            found = state == TrackState.RELOCALISED and old.state != TrackState.RELOCALISED
            self._status = Status(
                state, old.state, reason, message, '' if header else old.problem, target_id, now,
                last_valid, old.relocalisations + found, header)
            return True
