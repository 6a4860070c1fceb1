"""Plots of a replay: overlap, confidence and state over time, curves, reliability, latency."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamx_ros.evaluation import plots
from siamx_ros.evaluation.bag import quality
from siamx_ros.evaluation.bag.replay_results import Replay, track_of
from siamx_ros.evaluation.timelines import timeline


def write_plots(folder: Path, replay: Replay) -> list[Path]:
    """Draw what there is something to draw of; returns the files."""
    files = [timeline(folder / 'timeline.png', replay.run)]
    if replay.run.counts.any():
        files += plots.write_plots(folder, {replay.name: [replay.run]})
        files.append(_reliability(folder / 'reliability.png', replay))
    if len(replay.run.update_seconds):
        files.append(_latency(folder / 'latency.png', replay))
    return files


def _reliability(path: Path, replay: Replay) -> Path:
    """Share of right boxes over confidence; the diagonal is perfect calibration."""
    figure, axes = plots.new_figure(4.5, 4)
    bins = [row for row in quality.calibration(track_of(replay))['bins'] if row['frames']]
    axes.plot([0, 1], [0, 1], color='grey', linestyle='--', linewidth=1)
    axes.plot([row['confidence'] for row in bins], [row['right'] for row in bins], marker='o')
    axes.set(xlabel='confidence', ylabel='share with overlap of 0.5 or more', xlim=(0, 1),
             ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    return plots.save(figure, path)


def _latency(path: Path, replay: Replay) -> Path:
    figure, axes = plots.new_figure(4.5, 3)
    axes.hist(np.asarray(replay.run.update_seconds) * 1e3, bins=40)
    axes.set(xlabel='time of the tracker, ms', ylabel='frames')
    return plots.save(figure, path)
