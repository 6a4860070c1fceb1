"""What a tracker said about a bag, as a bag that opens beside it."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.replay_results import Replay
from siamx_ros.evaluation.bag.replay import OVERWRITTEN, Step
from siamx_ros.evaluation.bag.writer import BagWriter
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.measuring import Measurer
from siamx_ros.messages.outcome import Outcome
from siamx_ros.messages.status_board import StatusBoard
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import TrackState

LOGGER = logging.getLogger(__name__)
NAMESPACE = '/siamx_tracker'
TARGET_ID, CLASS_ID = '1', 'target'
"""As the node names the first target that nobody named."""


def write_results_bag(path: Path, replay: Replay, storage: str = 'mcap') -> None:
    """Write detections, targets and changes of state with the stamps of the images.

    Topics, types and contents are those of the node, below :data:`NAMESPACE`. Messages lie at the
    time at which the result was there; where that was not measured, when the image was recorded.

    Raises:
        InputError: the bag cannot be written.
    """
    with BagWriter(path, storage) as writer:
        said = _Said(writer, replay)
        dropped = 0
        for step in replay.steps:
            dropped += step.note == OVERWRITTEN
            if step.result is not None:
                said.write(step, dropped)


class _Said:
    """Writes what the node would say about the images of a replay."""

    def __init__(self, writer: BagWriter, replay: Replay) -> None:
        self._writer, self._config = writer, NodeConfig()
        self._recorded = None if replay.real_time else replay.table.recorded
        self._topics = {kind: f'{NAMESPACE}/{name}' for kind, name in (
            (messages.DETECTIONS, 'detections'), (messages.TARGET, 'target'),
            (messages.STATUS, 'status'))}
        for kind, topic in self._topics.items():
            writer.add_topic(topic, kind)
        self._build = messages.builder()
        self._measurer = Measurer(replay.camera.rectified, LOGGER.warning, lambda: 0.0)
        if replay.camera.info is not None:
            self._measurer.set_camera(replay.camera.info)
        self._board = StatusBoard(0.0)
        self._seq = 0

    def write(self, step: Step, dropped: int) -> None:
        """Write what is said about one image; ``dropped`` were overwritten before it."""
        outcome = _outcome(step)
        time = step.done if self._recorded is None else int(self._recorded[step.index])
        measured = self._measurer.measure(outcome, self._config)
        self._put(messages.TARGET, time, self._build.target(
            outcome, measured, latency=(step.done - step.stamp) / 1e9, dropped=dropped,
            seq=self._next()))
        self._put(messages.DETECTIONS, time, self._build.detections(
            outcome, measured, uncertain=self._config.publish_uncertain))
        now = step.done / 1e9
        if self._board.update(
                outcome.result.state, outcome.result.reason, outcome.target_id, now,
                valid=outcome.result.valid, header=outcome.frame.msg.header):
            self._put(messages.STATUS, time, self._build.status(
                self._board.status, now=now, published=messages.time_from(step.done),
                seq=self._next()))

    def _put(self, kind: str, time: int, message: object) -> None:
        self._writer.write(self._topics[kind], time, message)

    def _next(self) -> int:
        self._seq += 1
        return self._seq


def _outcome(step: Step) -> Outcome:
    """A step as the node has it; of the image only its size is known."""
    width, height = step.size
    stamp = step.stamp / 1e9
    image = np.broadcast_to(np.zeros((), np.uint8), (height, width, 3))
    message = SimpleNamespace(header=messages.header(step.stamp, step.frame_id))
    there = step.result.state != TrackState.UNINITIALISED
    return Outcome(Frame(message, stamp, stamp, 0.0), image, step.result,
                   TARGET_ID if there else '', CLASS_ID if there else '')
