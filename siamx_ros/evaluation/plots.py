"""Figures of results: curves, speed, gains per sequence, one run over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamx_ros.evaluation import metrics
from siamx_ros.evaluation.runner import Run
from siamx_ros.figures import new_figure, save_figure
from siamx_ros.files import printable
from siamx_ros.geometry import iou_xywh


DRAWN = ('success.png', 'precision.png', 'normalised_precision.png', 'speed.png', 'gains.png')
"""What an earlier report may have left."""


def write_plots(folder: Path, runs: dict[str, list[Run]]) -> list[Path]:
    """Draw the curves of all trackers; returns the files, none where no frame counts."""
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in DRAWN:
        (folder / earlier).unlink(missing_ok=True)
    whole = {printable(name): each for name, each in runs.items()}
    runs = {name: [run for run in each if run.counts.any()] for name, each in whole.items()}
    if not all(runs.values()):
        return []
    comparisons = []
    if len(runs) > 1:
        merits = {name: float(np.mean([success_of(run).mean() for run in each]))
                  for name, each in runs.items()}
        comparisons = [speed_plot(folder / 'speed.png', whole, merits, 'AUC'),
                       _gains(folder / 'gains.png', runs)]
    return [
        _curves(folder / 'success.png', runs, success_of, metrics.OVERLAP_THRESHOLDS,
                'overlap threshold', 'success', lambda curve: float(np.mean(curve))),
        _curves(folder / 'precision.png', runs, precision_of, metrics.PIXEL_THRESHOLDS,
                'centre error, pixels', 'precision', lambda curve: float(curve[20])),
        _curves(folder / 'normalised_precision.png', runs, normalised_precision_of,
                metrics.NORMALISED_THRESHOLDS, 'centre error, target sizes',
                'normalised precision', lambda curve: float(curve[20])), *comparisons]


def success_of(run: Run) -> np.ndarray:
    """Success curve of one run."""
    return metrics.success_curve(iou_xywh(run.boxes[run.counts], run.truth[run.counts]))


def precision_of(run: Run) -> np.ndarray:
    """Precision curve of one run, pixels."""
    return metrics.precision_curve(
        metrics.centre_errors(run.boxes[run.counts], run.truth[run.counts]))


def normalised_precision_of(run: Run) -> np.ndarray:
    """Precision curve of one run, target sizes."""
    return metrics.precision_curve(
        metrics.normalised_errors(run.boxes[run.counts], run.truth[run.counts]),
        metrics.NORMALISED_THRESHOLDS)


def speed_plot(path: Path, runs: dict[str, list[Run]], merits: dict[str, float],
               label: str) -> Path:
    """One point per tracker: a figure of merit over frames per second (as Fig. 5 of the paper).

    Args:
        merits: name of the tracker -> its figure; NaN is left out.
    """
    from matplotlib.ticker import LogLocator
    figure = new_figure(5, 4)
    axes = figure.subplots()
    speeds = []
    for name, each in runs.items():
        seconds = np.concatenate([run.update_seconds for run in each])
        speeds.append(len(seconds) / seconds.sum() if len(seconds) else np.nan)
        axes.plot(speeds[-1], merits[name], 'o', label=printable(name))
    known = [speed for speed in speeds if np.isfinite(speed)] or [1.0]
    best = np.nanmax([*merits.values(), 0.0])
    axes.set(xlabel='frames per second', ylabel=label, xscale='log',
             xlim=(min(known) / 2, max(known) * 2), ylim=(0, min(1.0, 1.3 * best) or 1.0))
    wide = max(known) > 100 * min(known)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))
    axes.xaxis.set_major_formatter('{x:g}')
    axes.xaxis.set_minor_formatter('')
    axes.grid(alpha=0.3, which='both')
    axes.legend(frameon=False)
    return save_figure(figure, path)


def _gains(path: Path, runs: dict[str, list[Run]]) -> Path:
    """Per sequence, how much each tracker gains over the first one in AUC (as Fig. 7)."""
    (first, base), *others = runs.items()
    reference = {run.name: success_of(run).mean() for run in base}
    figure = new_figure(max(5, 0.35 * len(reference) + 2), 4)
    axes = figure.subplots()
    width = 0.8 / len(others)
    for index, (name, each) in enumerate(others):
        gains = [success_of(run).mean() - reference[run.name] if run.name in reference else 0.0
                 for run in each]
        axes.bar(np.arange(len(each)) + index * width, gains, width, label=name)
    axes.axhline(0, color='black', linewidth=0.8)
    axes.set(ylabel=f'AUC gained over {first}')
    axes.set_xticks(np.arange(len(others[0][1])) + 0.4 - width / 2,
                    [printable(run.name) for run in others[0][1]], rotation=90, fontsize=7)
    axes.legend(frameon=False)
    return save_figure(figure, path)


def _curves(path: Path, runs: dict[str, list[Run]], curve_of, thresholds: np.ndarray,
            x_label: str, y_label: str, figure_of_merit) -> Path:
    """One line per tracker, best first in the legend."""
    figure = new_figure(5, 4)
    axes = figure.subplots()
    curves = {name: np.mean([curve_of(run) for run in each], 0) for name, each in runs.items()}
    ranked = sorted(curves, key=lambda name: -figure_of_merit(curves[name]))
    for name in ranked:
        axes.plot(thresholds, curves[name], label=f'{name} [{figure_of_merit(curves[name]):.3f}]')
    axes.set(xlabel=x_label, ylabel=y_label, ylim=(0, 1), xlim=(thresholds[0], thresholds[-1]))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return save_figure(figure, path)
