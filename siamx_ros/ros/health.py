"""Rates, ages and drops of the last images, as diagnostics; thread-safe."""

from __future__ import annotations

from collections import deque
from threading import Lock
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
import numpy as np

from siamx_ros.records import TrackState

WINDOW_S = 5.0
BAD_STATES = {
    TrackState.ERROR: DiagnosticStatus.ERROR, TrackState.INPUT_STALE: DiagnosticStatus.ERROR,
    TrackState.LOST: DiagnosticStatus.WARN, TrackState.UNCERTAIN: DiagnosticStatus.WARN}


class Health:
    """Counts and times over the last seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._received: deque[float] = deque(maxlen=2000)
        self._tracked: deque[tuple[float, float, float, float]] = deque(maxlen=2000)
        self._dropped = self._old = 0

    def received(self) -> None:
        """An image arrived."""
        with self._lock:
            self._received.append(time.monotonic())

    def skipped_old(self) -> None:
        """An image was too old on arrival."""
        with self._lock:
            self._old += 1

    def tracked(self, *, latency: float, age: float, inference: float, dropped: int) -> None:
        """An image was answered; all times in seconds."""
        with self._lock:
            self._tracked.append((time.monotonic(), latency, age, inference))
            self._dropped += dropped

    def figures(self) -> dict[str, str]:
        """Names and values for the diagnostics."""
        start = time.monotonic() - WINDOW_S
        with self._lock:
            received = sum(moment >= start for moment in self._received)
            rows = np.array([row[1:] for row in self._tracked if row[0] >= start])
            dropped, old = self._dropped, self._old
        figures = {
            'input_rate_hz': f'{received / WINDOW_S:.1f}',
            'tracked_rate_hz': f'{len(rows) / WINDOW_S:.1f}',
            'overwritten_total': str(dropped), 'too_old_total': str(old)}
        if len(rows):
            names = ('latency', 'age_on_arrival', 'inference')
            for name, column in zip(names, rows.T):
                column = column[np.isfinite(column)]
                if len(column):
                    middle, high = np.percentile(column, (50, 95)) * 1000
                    figures[f'{name}_p50_ms'] = f'{middle:.1f}'
                    figures[f'{name}_p95_ms'] = f'{high:.1f}'
        return figures


def diagnostics(name: str, stamp, state: TrackState, figures: dict[str, str], *,
                message: str) -> DiagnosticArray:
    """One status: level by state, figures as values."""
    level = BAD_STATES.get(state, DiagnosticStatus.OK)
    status = DiagnosticStatus(
        level=level, name=f'{name}: tracking', hardware_id=name,
        message=message or state.name.lower(),
        values=[KeyValue(key=key, value=value) for key, value in figures.items()])
    array = DiagnosticArray(status=[status])
    array.header.stamp = stamp
    return array
