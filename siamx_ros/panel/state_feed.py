"""What the page shows of tracker and follower, as plain values for JSON, and the last minute of it.

Imports no ROS; thread-safe.
"""

from __future__ import annotations

from collections import deque
import math
from threading import Lock
from typing import Any, Callable

from siamx_ros.control.observation import FollowState
from siamx_ros.messages.frames import stamp_seconds
from siamx_ros.messages.from_msg import known
from siamx_ros.records import BoxSource, TrackState

SILENT_S = 2.5
"""After so long without a message a node counts as not there; the slowest heartbeat is 1 Hz."""
RATE_WINDOW_S = 2.0
"""The frame rate is counted over this time."""
HISTORY_S = 60.0
SAMPLE_PERIOD_S = 0.25
OFFLINE = 'OFFLINE'
"""State of a tracker that is not heard."""


class StateFeed:
    """Keeps the newest messages and a minute of samples.

    Args:
        steady: steady seconds.
        ros_time: seconds of the clock that stamps images.
    """

    def __init__(self, steady: Callable[[], float], ros_time: Callable[[], float]) -> None:
        self._steady, self._ros_time = steady, ros_time
        self._lock = Lock()
        self._target: Any = None
        self._target_s = self._heard_s = -math.inf
        self._state, self._reason = TrackState.UNINITIALISED, ''
        self._arrivals: deque[float] = deque()
        self._follower: dict[str, Any] = {}
        self._follower_s = -math.inf
        self._history: deque[dict[str, Any]] = deque()

    def on_target(self, message: Any) -> None:
        """Take a TrackedTarget."""
        with self._lock:
            now = self._steady()
            self._target, self._target_s, self._heard_s = message, now, now
            self._state = known(TrackState, message.state, TrackState.ERROR)
            self._arrivals.append(now)
            self._forget(now)

    def on_status(self, message: Any) -> None:
        """Take a TrackerStatus."""
        with self._lock:
            self._heard_s = self._steady()
            self._state = known(TrackState, message.state, TrackState.ERROR)
            self._reason = message.message

    def on_follower(self, message: Any) -> None:
        """Take a FollowerStatus."""
        with self._lock:
            self._follower_s = self._steady()
            self._follower = {
                'enabled': message.enabled,
                'state': known(FollowState, message.state, FollowState.STANDING).name,
                'reason': message.message}

    def snapshot(self) -> dict[str, Any]:
        """The state now; numbers that are not known are None."""
        with self._lock:
            return self._snapshot()

    def sample(self) -> None:
        """Keep the values of now for the charts; call it every :data:`SAMPLE_PERIOD_S`."""
        with self._lock:
            now = self._snapshot()
            self._history.append({key: now[key] for key in (
                'time', 'state', 'confidence', 'range', 'age', 'rate')})
            while now['time'] - self._history[0]['time'] > HISTORY_S:
                self._history.popleft()

    def history(self) -> list[dict[str, Any]]:
        """Samples of the last minute, oldest first."""
        with self._lock:
            return list(self._history)

    def _snapshot(self) -> dict[str, Any]:
        now = self._steady()
        self._forget(now)
        online = now - self._heard_s <= SILENT_S
        seen = self._target if now - self._target_s <= SILENT_S else None
        follower = self._follower if now - self._follower_s <= SILENT_S else None
        return {
            'time': round(now, 3), 'state': self._state.name if online else OFFLINE,
            'reason': self._reason if online else 'no message from the tracker node',
            'rate': len(self._arrivals) / RATE_WINDOW_S, 'follower': follower,
            **self._measured(seen)}

    def _measured(self, seen: Any) -> dict[str, Any]:
        """What the tracker measured on its last image."""
        if seen is None:
            return dict.fromkeys(
                ('target', 'valid', 'confidence', 'range', 'range_stddev', 'bearing', 'age'))
        known = seen.target_id != ''
        return {
            'target': seen.target_id, 'valid': seen.valid,
            'confidence': _number(seen.confidence) if known else None,
            'range': _number(seen.range), 'range_stddev': _number(seen.range_stddev),
            'bearing': _number(seen.bearing),
            'age': _number(self._ros_time() - stamp_seconds(seen.header.stamp))}

    def _forget(self, now: float) -> None:
        while self._arrivals and now - self._arrivals[0] > RATE_WINDOW_S:
            self._arrivals.popleft()


def box_values(target: Any) -> dict[str, Any] | None:
    """The box of a TrackedTarget for drawing: x, y, w, h in pixels; None where there is none."""
    if target is None or target.box_source == BoxSource.NONE or not target.target_id:
        return None
    box, centre = target.bbox, target.bbox.center.position
    values = [centre.x - box.size_x / 2, centre.y - box.size_y / 2, box.size_x, box.size_y]
    if not all(map(math.isfinite, values)):
        return None
    return {'xywh': values, 'state': known(TrackState, target.state, TrackState.ERROR).name,
            'measured': target.box_source != BoxSource.PREDICTED, 'valid': target.valid,
            'confidence': _number(target.confidence)}


def _number(value: float) -> float | None:
    """A number that JSON has, or None."""
    return round(float(value), 4) if math.isfinite(value) else None
