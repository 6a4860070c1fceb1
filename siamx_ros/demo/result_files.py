"""What a run leaves behind: a CSV, an annotated video, a plot and a summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Iterable

import numpy as np

from siamx_ros.demo.journal import Journal
from siamx_ros.drawing import draw_note, draw_result
from siamx_ros.geometry import BoundingBox
from siamx_ros.recording import CsvRecorder, VideoRecorder


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
    """Overlap with the truth where it is known, confidence and state over the frames."""
    from siamx_ros.evaluation.timelines import timeline
    timeline(path, journal.run(_title(journal, name)))


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
