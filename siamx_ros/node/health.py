"""Rates, ages, drops and memory of the last seconds, as diagnostics; thread-safe."""

from __future__ import annotations

from collections import deque
from pathlib import Path
import resource
import sys
from threading import Lock
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
import numpy as np

from siamx_ros.node import transport
from siamx_ros.records import TrackState

WINDOW_S = 5.0
CLOCK_SLACK_S = 0.01
"""Images may be this much younger than the node's clock before that counts as a clock fault."""
MAX_AGE_S = 2.0
"""Images that are older on arrival are reported: a slow link, or clocks that disagree."""
LEAST_DEPTHS = 10
"""Images with a valid target from which on a share of them is given."""
MAX_DEPTH_MISSED = 0.05
"""A larger share of them without a range from depth is warned of."""
MISMATCHES = ('calibration', 'depth')
"""Figures that are sentences on an input that does not fit the images, empty where it does."""
LEVELS = {
    TrackState.ERROR: DiagnosticStatus.ERROR, TrackState.INPUT_STALE: DiagnosticStatus.ERROR,
    TrackState.LOST: DiagnosticStatus.WARN, TrackState.UNCERTAIN: DiagnosticStatus.WARN}


class Health:
    """Counts and times over the last seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._received: deque[tuple[float, float, float]] = deque(maxlen=2000)
        self._size_bytes = 0
        self._tracked: deque[tuple[float, float, float, float]] = deque(maxlen=2000)
        self._depth: deque[tuple[float, bool, str]] = deque(maxlen=2000)
        self._dropped = self._old = 0
        self._mismatches = dict.fromkeys(MISMATCHES, '')
        self._asked = time.monotonic(), time.process_time()

    def received(self, age: float, stamp: float, size_bytes: int) -> None:
        """An image of a stamp arrived ``age`` seconds after it; its data has ``size_bytes``."""
        with self._lock:
            self._received.append((time.monotonic(), age, stamp))
            self._size_bytes = size_bytes

    def skipped_old(self) -> None:
        """An image was too old on arrival."""
        with self._lock:
            self._old += 1

    def tracked(self, *, latency: float, inference: float, overhead: float,
                dropped: int, mismatches: dict[str, str],
                depth_missed: bool | None = None) -> None:
        """An image was answered; all times in seconds.

        Args:
            overhead: from reception to publication, without inference and waiting for it.
            dropped: images overwritten before this one.
            depth_missed: whether depth gave no range; None where it was not asked for.
        """
        now = time.monotonic()
        with self._lock:
            self._tracked.append((now, latency, inference, overhead))
            if depth_missed is not None:
                self._depth.append((now, depth_missed, mismatches['depth']))
            self._dropped += dropped
            self._mismatches = mismatches

    def figures(self) -> dict[str, str]:
        """Names and values for the diagnostics; the CPU since they were asked for last."""
        ages, rows = self._recent()
        figures = {
            'input_rate_hz': f'{len(ages) / WINDOW_S:.1f}',
            'tracked_rate_hz': f'{len(rows) / WINDOW_S:.1f}',
            'overwritten_total': str(self._dropped), 'too_old_total': str(self._old),
            'cpu_percent': f'{self._cpu_percent():.0f}',
            **self._mismatches, **self._depth_figures()}
        share = self._lost_share()
        if np.isfinite(share):
            figures['lost_share'] = f'{share:.2f}'
        names = ('age_on_arrival', 'latency', 'inference', 'overhead')
        for name, column in zip(names, (ages, *rows.T)):
            column = column[np.isfinite(column)]
            if len(column):
                middle, high = np.percentile(column, (50, 95)) * 1000
                figures[f'{name}_p50_ms'] = f'{middle:.1f}'
                figures[f'{name}_p95_ms'] = f'{high:.1f}'
        return figures

    def _cpu_percent(self) -> float:
        """What this process took of the processors; 100 is all of one core."""
        (then, used), now = self._asked, (time.monotonic(), time.process_time())
        self._asked = now
        return 100 * (now[1] - used) / max(now[0] - then, 1e-3)

    def _depth_figures(self) -> dict[str, str]:
        """On which share of the images depth gave no range, and why where that is too large."""
        start = time.monotonic() - WINDOW_S
        with self._lock:
            rows = [row[1:] for row in self._depth if row[0] >= start]
            now = self._mismatches['depth']
        if len(rows) < LEAST_DEPTHS:
            return {}
        share = sum(missed for missed, _ in rows) / len(rows)
        figures = {'depth_missed_share': f'{share:.2f}'}
        if share > MAX_DEPTH_MISSED and not now:
            why = next((why for missed, why in reversed(rows) if missed and why),
                       'none is within depth_max where the target is')
            figures['depth'] = f'depth gave no range on {share:.0%} of the images: {why}'
        return figures

    def transport_problem(self, middleware: str) -> str:
        """What to do about images that are lost on the way, or nothing; by the RMW's identifier."""
        return transport.transport_problem(self._lost_share(), self._size_bytes, middleware)

    def _lost_share(self) -> float:
        start = time.monotonic() - WINDOW_S
        with self._lock:
            stamps = [row[2] for row in self._received if row[0] >= start]
        return transport.lost_share(stamps)

    def clock_problem(self) -> str:
        """What is wrong with the stamps of the images, or nothing."""
        ages = self._recent()[0]
        middle = float(np.median(ages)) if len(ages) else 0.0
        if middle < -CLOCK_SLACK_S:
            return f'images come {-middle:.3f} s from the future: camera and node clock disagree'
        if middle > MAX_AGE_S:
            return (f'images are {middle:.1f} s old on arrival: a slow link, clocks that disagree, '
                    'or a bag without use_sim_time')
        return ''

    def _recent(self) -> tuple[np.ndarray, np.ndarray]:
        """Ages on arrival, and rows of latency, inference, overhead, within the window."""
        start = time.monotonic() - WINDOW_S
        with self._lock:
            received = [row[1] for row in self._received if row[0] >= start]
            tracked = [row[1:] for row in self._tracked if row[0] >= start]
        return np.array(received), np.array(tracked).reshape(-1, 3)


def memory(*, loading: bool = False) -> dict[str, str]:
    """Memory of this process, and of torch on its GPU where it uses one, in MB.

    While a model is ``loading``, torch may be imported by half: it is not asked then.
    """
    figures = {'rss_mb': f'{resident_mb():.0f}'}
    torch = None if loading else sys.modules.get('torch')
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        figures['gpu_allocated_mb'] = f'{torch.cuda.memory_allocated() / 1e6:.0f}'
        figures['gpu_reserved_mb'] = f'{torch.cuda.memory_reserved() / 1e6:.0f}'
    return figures


def resident_mb(pid: str | int = 'self') -> float:
    """Resident memory of a process in MB; its own peak where /proc is not there."""
    try:
        pages = int(Path(f'/proc/{pid}/statm').read_text(encoding='ascii').split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return pages * resource.getpagesize() / 1e6


def diagnostics(name: str, stamp, state: TrackState, figures: dict[str, str], *, message: str,
                problem: str) -> DiagnosticArray:
    """One status: level by state, problem and mismatches, figures as values.

    Args:
        problem: what is wrong with the input or the clocks, empty if nothing.
    """
    level = LEVELS.get(state, DiagnosticStatus.OK)
    problem = problem or '; '.join(filter(None, map(figures.get, MISMATCHES)))
    if problem:
        level = max(level, DiagnosticStatus.WARN)
    status = DiagnosticStatus(
        level=level, name=f'{name}: tracking', hardware_id=name, message=problem or message,
        values=[KeyValue(key='state', value=state.name),
                *(KeyValue(key=key, value=value) for key, value in figures.items())])
    array = DiagnosticArray(status=[status])
    array.header.stamp = stamp
    return array
