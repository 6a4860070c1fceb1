"""What a run leaves behind: a CSV, an annotated video, a plot and a summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterable

import numpy as np

from siamx_ros.demo.journal import GOOD_OVERLAP, Journal
from siamx_ros.drawing import STATE_COLOURS, draw_note, draw_result
from siamx_ros.geometry import BoundingBox
from siamx_ros.recording import CsvRecorder, VideoRecorder
from siamx_ros.records import TrackState


def write_csv(path: Path, journal: Journal) -> None:
    """One line per processed frame, in the form of ``python -m siamx_ros track --csv``."""
    table = CsvRecorder(path)
    for frame in sorted(journal.results):
        table.write(frame, journal.results[frame])
    table.close()


def write_video(path: Path, images: Iterable[np.ndarray], journal: Journal, name: str) -> None:
    """The clip with box, state and confidence; white corners are the truth where it is known.

    Frames that the node did not process keep the picture and say so.
    """
    video: VideoRecorder | None = None
    for frame, image in enumerate(images):
        if video is None:
            height, width = image.shape[:2]
            video = VideoRecorder(path, journal.fps, width, height)
        label = f'{name}  {frame / journal.fps:5.1f} s'
        result = journal.results.get(frame)
        if result is None:
            image = draw_note(image, f'{label}  not processed')
        else:
            image = draw_result(image, result, label=label, truth=_truth(journal, frame))
        video.write(image)
    if video is not None:
        video.close()


def write_plot(path: Path, journal: Journal, name: str) -> None:
    """Confidence, state band, box size and, where the truth is known, overlap over time."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    rows = ['confidence', 'size'] + (['overlap'] if journal.truth_xywh is not None else [])
    figure = Figure(figsize=(11, 1.2 + 2.1 * len(rows)), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots(
        len(rows) + 1, 1, sharex=True, height_ratios=[3, 0.45, *[3] * (len(rows) - 1)])
    frames = np.array(sorted(journal.results))
    _plot_confidence(axes[0], journal, frames)
    _plot_states(axes[1], journal, frames)
    _plot_size(axes[2], journal, frames)
    if journal.truth_xywh is not None:
        _plot_overlap(axes[3], journal, frames)
    for axis in axes:
        axis.margins(x=0)
        axis.spines[['top', 'right']].set_visible(False)
        _shade_hidden(axis, journal)
    axes[-1].set_xlabel('time in the clip, s')
    axes[-1].set_xlim(0, max(journal.frame_count, 1) / journal.fps)
    axes[0].set_title(_title(journal, name), loc='left', fontsize=11)
    figure.savefig(path, dpi=120)


def write_summary(path: Path, journal: Journal, extra: dict[str, Any]) -> None:
    """Summary and state changes as JSON."""
    changes = [{'seconds': round(change.seconds, 3), 'from': change.previous.name,
                'to': change.state.name, 'reason': change.reason.name}
               for change in journal.changes]
    text = json.dumps({**extra, **journal.summary(), 'changes': changes}, indent=2)
    path.write_text(text + '\n', encoding='utf-8')


def _truth(journal: Journal, frame: int) -> BoundingBox | None:
    if journal.truth_xywh is None or np.isnan(journal.truth_xywh[frame, 0]):
        return None
    return BoundingBox.from_xywh(journal.truth_xywh[frame])


def _title(journal: Journal, name: str) -> str:
    numbers = journal.summary()
    parts = [name, f'{numbers["processed"]} of {numbers["frames"]} frames']
    if numbers['frames_per_second']:
        parts.append(f'{numbers["frames_per_second"]:.0f} frames/s')
    if 'followed_share' in numbers:
        parts.append(f'followed on {numbers["followed_share"]:.0%} of those that show it')
    return ', '.join(parts)


def _plot_confidence(axis: Any, journal: Journal, frames: np.ndarray) -> None:
    confidence = [journal.results[frame].confidence for frame in frames]
    axis.plot(frames / journal.fps, confidence, color='#333333', linewidth=1.1)
    axis.set_ylim(0, 1.02)
    axis.set_ylabel('confidence')
    axis.grid(axis='y', alpha=0.25)


def _plot_states(axis: Any, journal: Journal, frames: np.ndarray) -> None:
    """One coloured stretch per run of frames in the same state; white where nothing came back."""
    from matplotlib.patches import Patch
    seen: dict[TrackState, Any] = {}
    for frame in frames:
        state = journal.results[frame].state
        colour = _rgb(state)
        axis.axvspan(frame / journal.fps, (frame + 1) / journal.fps, color=colour, linewidth=0)
        seen.setdefault(state, Patch(color=colour, label=state.name.lower()))
    axis.set_yticks([])
    axis.set_ylabel('state', rotation=0, ha='right', va='center')
    handles = [seen[state] for state in sorted(seen)]
    if journal.truth_xywh is not None:
        handles.append(Patch(color='#000000', alpha=0.1, label='target hidden'))
    axis.legend(handles=handles, loc='upper center', bbox_to_anchor=(0.5, -0.25), frameon=False,
                ncols=max(1, len(handles)), fontsize=9)


def _plot_size(axis: Any, journal: Journal, frames: np.ndarray) -> None:
    boxes = np.array([journal.results[frame].box.xywh if journal.results[frame].box
                      else (np.nan,) * 4 for frame in frames]).reshape(-1, 4)
    for column, colour, label in ((2, '#1f6fb4', 'width'), (3, '#c8641e', 'height')):
        axis.plot(frames / journal.fps, boxes[:, column], color=colour, linewidth=1.1, label=label)
        if journal.truth_xywh is not None:
            times = np.arange(journal.frame_count) / journal.fps
            axis.plot(times, journal.truth_xywh[:journal.frame_count, column], color=colour,
                      linewidth=0.9, linestyle=':', label=f'true {label}')
    axis.set_ylim(bottom=0)
    axis.set_ylabel('box size, px')
    axis.grid(axis='y', alpha=0.25)
    axis.legend(loc='lower left', frameon=False, ncols=4, fontsize=9)


def _plot_overlap(axis: Any, journal: Journal, frames: np.ndarray) -> None:
    times = np.arange(journal.frame_count) / journal.fps
    axis.plot(times, journal.overlaps(), color='#2f8f2f', linewidth=1.1)
    axis.axhline(GOOD_OVERLAP, color='#999999', linewidth=0.8, linestyle='--')
    axis.set_ylim(0, 1.02)
    axis.set_ylabel('overlap (IoU)')
    axis.grid(axis='y', alpha=0.25)


def _shade_hidden(axis: Any, journal: Journal) -> None:
    """Grey where the target cannot be seen."""
    if journal.truth_xywh is None or not axis.get_ylabel() or axis.get_ylabel() == 'state':
        return
    hidden = np.isnan(journal.truth_xywh[:journal.frame_count, 0]).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hidden, [0]])))
    for start, stop in edges.reshape(-1, 2):
        axis.axvspan(start / journal.fps, stop / journal.fps, color='black', alpha=0.1, linewidth=0)


def _rgb(state: TrackState) -> tuple[float, float, float]:
    blue, green, red = STATE_COLOURS[state]
    return red / 255, green / 255, blue / 255
