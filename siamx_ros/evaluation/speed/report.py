"""What was measured, as tables and as plain values."""

from __future__ import annotations

from dataclasses import asdict
import os
import platform
from statistics import median
from typing import Any

from siamx_ros.evaluation.speed.beside import OURS
from siamx_ros.evaluation.speed.measurement import SpeedReport, TrackerSpeed
from siamx_ros.evaluation.speed.spread import Spread
from siamx_ros.evaluation.tables import as_text
from siamx_ros.model.processor import this_processor

HEADINGS = ('median ms', 'quartiles', 'p95', 'mean', 'per second')


def as_tables(report: SpeedReport) -> str:
    """Ceilings, trackers and stages, for people."""
    trackers = [['whole updates', *HEADINGS, 'cores', 'init ms', 'ready s', 'peak MB'],
                *([name, *_cells(speed.update), f'{speed.cores:.1f}', f'{speed.init.median:.1f}',
                   *_start_cells(speed)] for name, speed in report.trackers.items())]
    if report.lost is not None:
        trackers.append([f'{OURS} while lost', *_cells(report.lost), *[''] * 4])
    one = report.trackers[OURS].update.median
    for count, spread in report.targets.items():
        trackers.append([f'{OURS}, {count} targets ({spread.median / one:.2f} times one)',
                         *_cells(spread), *[''] * 4])
    stages = [[f'{OURS} in TRACKING', *HEADINGS[:-1]],
              *([stage, *_cells(spread)[:-1]] for stage, spread in report.stages.items())]
    parts = [_ceilings(report), as_text(trackers)]
    return '\n\n'.join(parts + ([as_text(stages)] if report.stages else []))


def as_values(report: SpeedReport, settings: dict[str, Any]) -> dict[str, Any]:
    """For a JSON file: machine, settings and all that was measured."""
    return {'machine': machine(), 'settings': settings, **asdict(report)}


def machine() -> dict[str, Any]:
    """What it was measured on."""
    name = this_processor().name or platform.processor() or platform.machine()
    return {'cpu': name, 'cpus': os.cpu_count(), 'system': platform.platform()}


def _ceilings(report: SpeedReport) -> str:
    ceilings, network = report.ceilings, report.network
    lines = [f'{machine()["cpu"]}: at most {ceilings.gflops:.0f} GFLOPS in {ceilings.precision}, '
             f'{ceilings.copy_gb_per_s:.1f} GB/s read and written']
    if network is not None:
        share = '' if network.share is None else f', {network.share:.0%} of the ceiling'
        lines.append(f'network ({network.runtime}, {network.precision}): {network.gmacs:.3f} GMAC '
                     f'an update, {network.gflops:.0f} GFLOPS{share}')
    if report.gpu_peak_mb is not None:
        lines.append(f'GPU memory: {report.gpu_peak_mb:.0f} MB at most')
    return '\n'.join(lines)


def _cells(spread: Spread) -> list[str]:
    return [f'{spread.median:.2f}', f'{spread.lower_quartile:.2f}-{spread.upper_quartile:.2f}',
            f'{spread.p95:.2f}', f'{spread.mean:.2f}', f'{spread.per_second:.1f}']


def _start_cells(speed: TrackerSpeed) -> list[str]:
    if not speed.starts:
        return ['', '']
    return [f'{median(each.ready for each in speed.starts):.2f}',
            f'{median(each.peak_mb for each in speed.starts):.0f}']
