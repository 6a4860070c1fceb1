"""What a replay found out: per frame, per event, as figures, and as plots."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping

import numpy as np

from siamx_ros.evaluation import plots
from siamx_ros.evaluation.bag import quality
from siamx_ros.evaluation.bag.camera_info import FoundCamera
from siamx_ros.evaluation.bag.frame_table import FrameTable
from siamx_ros.evaluation.bag.replay import (
    BEFORE_INIT, DROPPED, OVERWRITTEN, SILENT, UNREADABLE, Step, at_arrival, run_of)
from siamx_ros.evaluation.bag.truth import Truth
from siamx_ros.evaluation.runner import Run
from siamx_ros.evaluation.scores import score
from siamx_ros.evaluation.timelines import timeline
from siamx_ros.figures import new_figure, save_figure
from siamx_ros.geometry import iou_xywh
from siamx_ros.records import TrackState

FRAME_COLUMNS = (
    'frame', 'stamp_ns', 'x', 'y', 'w', 'h', 'confidence', 'state', 'reason', 'valid',
    'raw_score', 'peak_ratio', 'template_similarity', 'labelled', 'true_x', 'true_y', 'true_w',
    'true_h', 'overlap', 'done_ns', 'note')


@dataclass(frozen=True)
class Replay:
    """One finished replay.

    Attributes:
        table, steps, truth: one entry per frame each.
        start: index of the frame on which the target was given.
        real_time: whether frames could be missed while the tracker was busy.
        usage: what the process of the tracker node took; empty if not known.
        not_whole: why the annotated video is not whole; None if it is, or without one.
    """

    name: str
    table: FrameTable
    steps: list[Step]
    truth: Truth
    start: int
    real_time: bool = False
    camera: FoundCamera = FoundCamera()
    not_whole: OSError | None = None
    usage: Mapping[str, float] = field(default_factory=dict)

    @property
    def run(self) -> Run:
        """The replay as a run of a sequence."""
        return run_of(self.name, self.steps, self.truth, self.start)


def frame_rows(replay: Replay) -> Iterator[list[str]]:
    """One row per frame, under :data:`FRAME_COLUMNS`; numbers in full."""
    boxes, truth = replay.run.boxes, replay.truth
    overlap = np.where(truth.labelled, iou_xywh(boxes, truth.boxes), np.nan)
    for index, step in enumerate(replay.steps):
        result = step.result
        said = ['nan', '', '', '0', 'nan', 'nan', 'nan'] if result is None else [
            _number(result.confidence), result.state.name, result.reason.name,
            str(int(result.valid)), _number(result.raw_score), _number(result.peak_ratio),
            _number(result.template_similarity)]
        yield [str(index), str(step.stamp), *map(_number, boxes[index]), *said,
               str(int(truth.labelled[index])), *map(_number, truth.boxes[index]),
               _number(overlap[index]), str(step.done), step.note.replace(',', ';')]


def events(replay: Replay) -> Iterator[dict[str, Any]]:
    """Every change of state, and every frame that could not be read."""
    state = TrackState.UNINITIALISED
    for index, step in enumerate(replay.steps):
        where = {'frame': index, 'stamp_ns': step.stamp}
        if step.note.startswith(UNREADABLE):
            yield {**where, 'event': UNREADABLE, 'message': step.note}
        if step.result is None or step.result.state == state:
            continue
        yield {**where, 'event': 'state', 'state': step.result.state.name, 'previous': state.name,
               'reason': step.result.reason.name, 'confidence': step.result.confidence}
        state = step.result.state


def figures(replay: Replay) -> dict[str, Any]:
    """All figures of a replay, in groups; NaN where there was nothing to measure."""
    groups = {
        'frames': _counts(replay), 'metrics': _metrics(replay.run), **_quality(replay)}
    if replay.real_time:
        late = _at_arrival(replay)
        groups['at_arrival'] = {**_metrics(late.run), **quality.validity_errors(track_of(late))}
    if replay.usage:
        groups['node'] = dict(replay.usage)
    return groups


def track_of(replay: Replay) -> quality.Track:
    """The labelled frames after the initial one that the tracker was given."""
    return _track(replay, _given(replay) & replay.truth.labelled)


def _given(replay: Replay) -> np.ndarray:
    """N booleans: frames after the initial one that the tracker was given."""
    given = np.array([step.result is not None or step.note in SILENT for step in replay.steps])
    given[:replay.start + 1] = False
    return given


def _track(replay: Replay, kept: np.ndarray) -> quality.Track:
    run, truth = replay.run, replay.truth
    return quality.Track(
        replay.table.times[kept] / 1e9, truth.boxes[kept], run.boxes[kept], run.confidence[kept],
        run.states[kept], run.valid[kept])


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
    figure = new_figure(4.5, 4)
    axes = figure.subplots()
    bins = [row for row in quality.calibration(track_of(replay))['bins'] if row['frames']]
    axes.plot([0, 1], [0, 1], color='grey', linestyle='--', linewidth=1)
    axes.plot([row['confidence'] for row in bins], [row['right'] for row in bins], marker='o')
    axes.set(xlabel='confidence', ylabel='share with overlap of 0.5 or more', xlim=(0, 1),
             ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    return save_figure(figure, path)


def _latency(path: Path, replay: Replay) -> Path:
    figure = new_figure(4.5, 3)
    axes = figure.subplots()
    axes.hist(np.asarray(replay.run.update_seconds) * 1e3, bins=40)
    axes.set(xlabel='time of the tracker, ms', ylabel='frames')
    return save_figure(figure, path)


def _quality(replay: Replay) -> dict[str, Any]:
    track, given = track_of(replay), _given(replay)
    found = quality.relocalisations(_track(replay, given), replay.truth.labelled[given])
    groups = {'validity': quality.validity_errors(track),
              'losses': {**quality.losses(track), **found},
              'long_term': quality.long_term(track), 'calibration': quality.calibration(track)}
    if replay.camera.model is not None:
        groups['bearing'] = quality.bearing(track, replay.camera.model)
    return groups


def _at_arrival(replay: Replay) -> Replay:
    return Replay(replay.name, replay.table, at_arrival(replay.steps, replay.table),
                  replay.truth, replay.start)


def _metrics(run: Run) -> dict[str, Any]:
    """Scores without the speed, which is no property of the bag, and without absent frames.

    A run does not tell these from unlabelled ones, :func:`quality.validity_errors` does.
    """
    figures_ = asdict(score(run))
    del figures_['speed'], figures_['valid_while_absent']
    return figures_


def _counts(replay: Replay) -> dict[str, Any]:
    notes = [step.note.split(':')[0] for step in replay.steps]
    processed = [step for step in replay.steps if step.result is not None]
    ages = [(step.done - int(arrival)) / 1e6 for step, arrival in
            zip(replay.steps, replay.table.arrivals) if step.result is not None]
    counts = {
        'recorded': len(replay.steps) + replay.table.duplicates, 'processed': len(processed),
        'before_init': notes.count(BEFORE_INIT), 'overwritten': notes.count(OVERWRITTEN),
        'unreadable': notes.count(UNREADABLE), 'after_drop': notes.count(DROPPED),
        'duplicates': replay.table.duplicates, 'out_of_order': replay.table.reordered,
        'stamp_jumps': len(replay.table.jumps), 'unstamped': replay.table.unstamped,
        'labelled': int(replay.truth.labelled.sum()),
        'labels_without_frame': replay.truth.unmatched}
    if replay.real_time and ages:
        counts |= {f'age_p{share}_ms': float(np.percentile(ages, share)) for share in (50, 95)}
        counts['age_max_ms'] = float(max(ages))
    return counts


def _number(value: float) -> str:
    return repr(float(value))
