"""What a tracker said about a bag, as a bag that opens beside it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.outcome import Replay
from siamx_ros.evaluation.bag.replay import Step
from siamx_ros.evaluation.bag.writing import BagWriter
from siamx_ros.messages.measuring import MAX_RATE_GAP
from siamx_ros.records import BoxSource, TrackState

NAMESPACE = '/siamx_tracker'
SHOWN = (TrackState.TRACKING, TrackState.UNCERTAIN, TrackState.RELOCALISED)
"""States in which the node, too, publishes a detection."""


def write_results_bag(path: Path, replay: Replay, storage: str = 'mcap') -> None:
    """Write detections, targets and changes of state with the stamps of the images.

    Topics and types are those of the node, below :data:`NAMESPACE`; messages carry the time at
    which the result was there.

    Raises:
        InputError: the bag cannot be written.
    """
    topics = {name: f'{NAMESPACE}/{name}' for name in ('detections', 'target', 'status')}
    with BagWriter(path, storage) as writer:
        writer.add_topic(topics['detections'], messages.DETECTIONS)
        writer.add_topic(topics['target'], messages.TARGET)
        writer.add_topic(topics['status'], messages.STATUS)
        timeline = _Timeline()
        processed = [step for step in replay.steps if step.result is not None]
        before = None
        for number, step in enumerate(processed, 1):
            writer.write(topics['detections'], step.done, _detections(step))
            writer.write(topics['target'], step.done, _target(step, number, before))
            before = step.stamp
            if timeline.changes(step):
                writer.write(topics['status'], step.done, timeline.message(step))


def _detections(step: Step) -> Any:
    found = []
    if step.result.box is not None and step.result.state in SHOWN:
        found.append(messages.detection_message(
            step.stamp, step.frame_id, step.result.box.xywh, float(step.result.confidence)))
    return messages.detections_message(step.stamp, step.frame_id, found)


def _target(step: Step, number: int, before: int | None) -> Any:
    """The node's message about an image; ``before`` is the stamp of the image before it."""
    result = step.result
    vx, vy = _velocity(step, before)
    shown = result.box is not None and result.box_source != BoxSource.NONE
    box = result.box.xywh if shown else (math.nan,) * 4
    cut = shown and result.box.visible_share(*step.size) < 1
    unknown = dict.fromkeys(
        ('bearing', 'elevation', 'bearing_rate', 'range', 'range_stddev'), math.nan)
    return messages.typestore().types[messages.TARGET](
        header=messages.header(step.stamp, step.frame_id), target_id='', state=int(result.state),
        valid=bool(result.valid), box_source=int(result.box_source),
        bbox=messages.box_message(box), truncated=bool(cut), image_width=step.size[0],
        image_height=step.size[1], confidence=float(result.confidence),
        raw_score=float(result.raw_score), peak_ratio=float(result.peak_ratio),
        template_similarity=float(result.template_similarity), **unknown, range_source=0,
        vx=vx, vy=vy,
        frames_since_init=int(result.frames_since_init), frames_lost=int(result.frames_lost),
        latency=(step.done - step.stamp) / 1e9, dropped=0, seq=number)


def _velocity(step: Step, before: int | None) -> tuple[float, float]:
    """Pixels per second, as the node tells it; NaN where the gap between images is too long."""
    gap = 0.0 if before is None else (step.stamp - before) / 1e9
    if not 0 < gap <= MAX_RATE_GAP:
        return math.nan, math.nan
    return float(step.result.velocity[0]) / gap, float(step.result.velocity[1]) / gap


class _Timeline:
    """Follows the state to write what the node's status says when it changes."""

    def __init__(self) -> None:
        self.state = self.previous = TrackState.UNINITIALISED
        self.valid_stamp: int | None = None
        self.found = self.number = 0

    def changes(self, step: Step) -> bool:
        """Take a step in; whether the state changed."""
        if step.result.valid:
            self.valid_stamp = step.stamp
        if step.result.state == self.state:
            return False
        self.previous, self.state = self.state, step.result.state
        self.found += self.state == TrackState.RELOCALISED
        self.number += 1
        return True

    def message(self, step: Step) -> Any:
        """The status at a change of state."""
        since = step.stamp - self.valid_stamp if self.valid_stamp is not None \
            else messages.NEVER_NS
        return messages.typestore().types[messages.STATUS](
            header=messages.header(step.stamp, step.frame_id),
            published=messages.time_from(step.done), state=int(self.state),
            previous_state=int(self.previous), reason=int(step.result.reason),
            message=f'{self.previous.name} -> {self.state.name}', target_id='',
            time_in_state=messages.duration_from(0), since_last_valid=messages.duration_from(since),
            relocalisations=self.found, seq=self.number)
