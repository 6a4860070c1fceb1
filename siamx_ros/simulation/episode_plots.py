"""Plots of an episode: distance, bearing, speed and state over time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from siamx_ros.drawing import STATE_COLOURS
from siamx_ros.figures import new_figure, save_figure
from siamx_ros.simulation.episode import Moment
from siamx_ros.simulation.scoring import IN_VIEW, WITHIN


def write_plot(path: Path, moments: Sequence[Moment], standoff: float, title: str) -> None:
    """Write a PNG; needs matplotlib."""
    figure = new_figure(11, 8)
    axes = figure.subplots(4, 1, sharex=True, height_ratios=[3, 3, 3, 0.5])
    times = np.array([m.now_s for m in moments])
    _plot_distance(axes[0], times, moments, standoff)
    _plot_bearing(axes[1], times, moments)
    _plot_speed(axes[2], times, moments)
    _plot_state(axes[3], times, moments)
    for axis in axes[:3]:
        _shade(axis, times, [m.visible_share < IN_VIEW for m in moments], '#000000', 0.08)
        _shade(axis, times, [m.report is not None and m.report.valid and m.shown == 'other'
                             for m in moments], '#d62728', 0.3)
        axis.margins(x=0)
        axis.grid(axis='y', alpha=0.25)
        axis.spines[['top', 'right']].set_visible(False)
        axis.legend(loc='lower right', bbox_to_anchor=(1.0, 0.97), frameon=False, ncols=3,
                    fontsize=9)
    axes[0].set_title(f'{title}   (grey: out of sight, red: wrong person)', loc='left',
                      fontsize=11)
    axes[-1].set_xlabel('time, s')
    save_figure(figure, path)


def _plot_distance(axis: Any, times: np.ndarray, moments: Sequence[Moment],
                   standoff: float) -> None:
    axis.axhspan(standoff - WITHIN, standoff + WITHIN, color='#2ca02c', alpha=0.12, linewidth=0)
    axis.axhline(standoff, color='#2ca02c', linewidth=0.8)
    axis.plot(times, [m.gap for m in moments], color='#333333', label='true')
    axis.plot(times, _reported(moments, 'range_m'), '.', color='#1f77b4', markersize=2,
              label='reported')
    axis.set_ylim(0, min(8.0, max(m.gap for m in moments) + 0.3))
    axis.set_ylabel('distance, m')


def _plot_bearing(axis: Any, times: np.ndarray, moments: Sequence[Moment]) -> None:
    axis.plot(times, np.degrees([m.bearing for m in moments]), color='#333333', label='true')
    axis.plot(times, np.degrees(_reported(moments, 'bearing')), '.', color='#1f77b4',
              markersize=2, label='reported')
    axis.set_ylim(-90, 90)
    axis.set_ylabel('bearing, degrees')


def _plot_speed(axis: Any, times: np.ndarray, moments: Sequence[Moment]) -> None:
    axis.plot(times, [m.commanded[0] for m in moments], color='#1f77b4', linewidth=0.9,
              label='commanded, m/s')
    axis.plot(times, [m.moving[0] for m in moments], color='#333333', label='driven, m/s')
    axis.plot(times, [m.moving[1] for m in moments], color='#ff7f0e', linewidth=0.9,
              label='turning, rad/s')
    axis.set_ylabel('speed')


def _plot_state(axis: Any, times: np.ndarray, moments: Sequence[Moment]) -> None:
    from matplotlib.patches import Patch
    seen: dict[Any, Any] = {}
    step = float(np.median(np.diff(times)))
    for time, moment in zip(times, moments):
        if moment.report is None:
            continue
        state = moment.report.result.state
        blue, green, red = STATE_COLOURS[state]
        colour = (red / 255, green / 255, blue / 255)
        axis.axvspan(time, time + step, color=colour, linewidth=0)
        seen.setdefault(state, Patch(color=colour, label=state.name.lower()))
    axis.set_yticks([])
    axis.set_ylabel('state', rotation=0, ha='right', va='center')
    axis.figure.legend(handles=[seen[state] for state in sorted(seen)],
                       loc='outside lower center', frameon=False, ncols=6, fontsize=9)


def _reported(moments: Sequence[Moment], name: str) -> np.ndarray:
    """A number of the valid reports, NaN elsewhere."""
    return np.array([getattr(m.report, name) if m.report is not None and m.report.valid
                     else math.nan for m in moments])


def _shade(axis: Any, times: np.ndarray, marked: Sequence[bool], colour: str,
           opacity: float) -> None:
    """Shade the stretches of time that are marked."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], np.array(marked, int), [0]])))
    for begin, end in zip(edges[::2], edges[1::2]):
        axis.axvspan(times[begin], times[min(end, len(times) - 1)], color=colour, alpha=opacity,
                     linewidth=0)
