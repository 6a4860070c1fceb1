"""The one truth about the state, from worker and watchdog alike; thread-safe, imports no ROS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import RLock
from typing import Any

from siamx_ros.records import Reason, TrackState

NO_TARGET = (TrackState.UNINITIALISED, TrackState.PAUSED)


@dataclass(frozen=True)
class Status:
    """What ~/status says.

    Attributes:
        entered: monotonic time at which the state was entered, seconds.
        last_valid: monotonic time of the last valid box, None if there was none.
        header: header of the image that caused the state, None if no image did.
    """

    state: TrackState = TrackState.UNINITIALISED
    previous: TrackState = TrackState.UNINITIALISED
    reason: Reason = Reason.NONE
    message: str = ''
    target_id: str = ''
    entered: float = 0.0
    last_valid: float | None = None
    relocalisations: int = 0
    header: Any = None


class StatusBoard:
    """Keeps the status and says whether an update changed it."""

    def __init__(self, now: float) -> None:
        self._lock = RLock()
        self._status = Status(entered=now)

    @property
    def status(self) -> Status:
        with self._lock:
            return self._status

    def update(self, state: TrackState, reason: Reason, target_id: str, now: float, *,
               valid: bool = False, message: str = '', header: Any = None) -> bool:
        """Take note of a state; True when state or target changed."""
        with self._lock:
            old = self._status
            if target_id != old.target_id:
                old = replace(old, last_valid=None, relocalisations=0)
            last_valid = now if valid else old.last_valid
            if state == old.state and target_id == old.target_id:
                self._status = replace(
                    old, last_valid=last_valid, message=message or old.message)
                return False
            found = state == TrackState.RELOCALISED and old.state != TrackState.RELOCALISED
            self._status = Status(
                state, self._status.state, reason, message, target_id, now, last_valid,
                old.relocalisations + found, header)
            return True
