"""One run over time: overlap, confidence and state, with some of its images above."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np

from siamx_ros.drawing import draw_result
from siamx_ros.evaluation.runner import Run
from siamx_ros.figures import new_figure, save_figure
from siamx_ros.files import printable
from siamx_ros.geometry import BoundingBox, CropWindow, iou_xywh
from siamx_ros.imaging import read_image
from siamx_ros.records import BoxSource, TrackResult, TrackState

STATE_SHADES = {
    TrackState.TRACKING: '#c8e6c9', TrackState.UNCERTAIN: '#fff3b0',
    TrackState.LOST: '#f4b6b6', TrackState.RELOCALISED: '#bcd9f5'}
SHOWN = 4
"""Images above a timeline."""
SEEN = 0.5
"""Overlap from which the target counts as followed, to choose the images."""


def timeline(path: Path, run: Run) -> Path:
    """Draw overlap and confidence over time, over bands coloured by state."""
    figure = new_figure(9, 3)
    _draw(figure.subplots(), run)
    return save_figure(figure, path)


def illustrated_timeline(path: Path, run: Run, frame_paths: Sequence[Path]) -> Path:
    """The same below images with box, truth and searched windows (as Fig. 4 of the paper).

    Args:
        path: where to write.
        run: what was said.
        frame_paths: image file of every frame.

    Raises:
        InputError: an image cannot be read.
    """
    chosen = chosen_frames(run)
    figure = new_figure(11, 3.8)
    grid = figure.add_gridspec(2, len(chosen), height_ratios=(1, 1))
    for column, index in enumerate(chosen):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(draw_frame(run, index, read_image(frame_paths[index]))[:, :, ::-1])
        axes.set_title(f'frame {index}', fontsize=9)
        axes.set_axis_off()
    axes = figure.add_subplot(grid[1, :])
    _draw(axes, run)
    for index in chosen:
        axes.axvline(index, color='black', linestyle=':', linewidth=1)
    return save_figure(figure, path)


def chosen_frames(run: Run) -> list[int]:
    """Frames worth showing: the first on which the target was lost, the first on which it was
    found after that, and others spread evenly; :data:`SHOWN` in all where there are as many.

    The tracker was asked about each of them.
    """
    asked = np.flatnonzero(run.states != TrackState.UNINITIALISED)
    if not len(asked):
        return [run.start]
    overlap = iou_xywh(run.boxes, run.truth)
    right = np.isfinite(run.truth).all(1) & (overlap >= SEEN)
    lost = [int(index) for index in asked[1:]
            if not right[index] and run.states[index] == TrackState.LOST]
    found = [int(index) for index in asked if right[index] and index > lost[0]] if lost else []
    chosen = {int(asked[0]), *lost[:1], *found[:1]}
    for place in np.linspace(len(asked) - 1, 0, 2 * SHOWN).round().astype(int):
        if len(chosen) < min(SHOWN, len(asked)):
            chosen.add(int(asked[place]))
    return sorted(chosen)


def changeful(runs: list[Run], count: int) -> list[int]:
    """Positions of the runs whose state changes most often, in the order of the runs."""
    changes = [int((np.diff(run.states[run.start:]) != 0).sum()) for run in runs]
    return sorted(sorted(range(len(runs)), key=lambda index: -changes[index])[:count])


def draw_frame(run: Run, index: int, image: np.ndarray) -> np.ndarray:
    """What was said about a frame on its image, H x W x 3 uint8 BGR; returns a new image."""
    def box(row: np.ndarray) -> BoundingBox | None:
        return BoundingBox.from_xywh(row) if np.isfinite(row).all() else None
    windows = run.windows[index] if run.windows else ()
    result = TrackResult(
        box(run.boxes[index]), float(run.confidence[index]), TrackState(run.states[index]),
        box_source=BoxSource.MEASURED if run.valid[index] else BoxSource.PREDICTED,
        valid=bool(run.valid[index]), windows=tuple(CropWindow(*each, 1) for each in windows))
    return draw_result(image, result, label=str(index), truth=box(run.truth[index]))


def _draw(axes, run: Run) -> None:
    frames = np.arange(len(run.boxes))
    visible = np.isfinite(run.truth).all(1)
    overlap = np.where(visible, iou_xywh(run.boxes, run.truth), np.nan)
    for state, shade in STATE_SHADES.items():
        axes.bar(0, 0, color=shade, label=state.name)  # for the legend alone
    edges = [0, *(np.flatnonzero(np.diff(run.states)) + 1), len(frames)]
    for first, end in zip(edges, edges[1:]):
        axes.axvspan(first - 0.5, end - 0.5, color=STATE_SHADES.get(run.states[first], 'white'),
                     linewidth=0)
    axes.plot(frames, overlap, color='black', linewidth=1.2, label='overlap')
    axes.plot(frames, run.confidence, color='tab:blue', linewidth=1.2, label='confidence')
    axes.set(xlabel='frame', ylim=(0, 1.02), xlim=(0, max(1, len(frames) - 1)),
             title=printable(run.name))
    axes.legend(loc='center left', bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
