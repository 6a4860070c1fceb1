"""Plays a clip to the tracker node, gives it the target and writes down what it says."""

from __future__ import annotations

import time
from typing import Callable, Iterable

import numpy as np

from siamx_ros.client.node_process import NodeDied, NodeProcess
from siamx_ros.client.probe import START_PATIENCE, Probe, init_request, nanoseconds, stamp
from siamx_ros.demo.journal import Journal, StateChange
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.from_msg import result_of
from siamx_ros.msg import TrackedTarget, TrackerStatus
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState

IMAGE_TOPIC = '/demo/image'
TRACKER = '/siamx_tracker'
FRAME_PATIENCE = 1.5
"""Seconds to wait for an answer before the camera goes on."""
PLAY_LIMIT = 80.0
"""Seconds that a clip may take if the node is slower than the clip; beyond, frames are skipped."""

Listener = Callable[[int, Journal], None]


class ClipPlayer:
    """The node's client with a journal, which is filled while a method waits.

    Args:
        process: the tracker node, watched while waiting.
        journal: gets the results.
        on_change: called with every change of state.
    """

    def __init__(self, process: NodeProcess, journal: Journal,
                 on_change: Callable[[StateChange], None]) -> None:
        self._process, self._journal, self._on_change = process, journal, on_change
        self._client = Probe(TRACKER, IMAGE_TOPIC, qos=2, check=process.check)
        self._frames: dict[int, int] = {}
        self._newest_answer, self._newest_sent = -1, 0
        self._state = TrackState.UNINITIALISED

    def close(self) -> None:
        """Leave the ROS graph."""
        self._client.close()

    def start(self, image: np.ndarray, box: BoundingBox) -> None:
        """Wait for the node, show it the first image and give it the target.

        Raises:
            NodeDied: the node ended or does not answer.
            InputError: it refuses the target, or there is a second tracker.
        """
        client, request = self._client, init_request(box)
        if not client.ready():
            raise NodeDied(f'the tracker node did not take images within {START_PATIENCE:.0f} s'
                           f'{self._process.last_words()}')
        if client.node.count_publishers(f'{TRACKER}/target') > 1:
            raise InputError(f'another node already serves {TRACKER}; stop it, or set '
                             'ROS_DOMAIN_ID to a number of your own')

        def show() -> None:
            request.header.stamp = stamp(self._send(0, image))
        show()
        answer = client.init(request, again=show)
        if not answer.success:
            raise InputError(f'the tracker refuses the target: {answer.message} '
                             f'(error {answer.error_code})')
        self._take()
        self._journal.results.setdefault(0, TrackResult(
            box, answer.confidence, TrackState.TRACKING, Reason.INIT, BoxSource.MEASURED, True))
        self._newest_answer = max(self._newest_answer, 0)

    def play(self, images: Iterable[np.ndarray], first: int, listener: Listener) -> None:
        """Play images at the clip's rate, slower if the node needs longer.

        The next image is rendered while the node works and sent when the last one is answered. A
        clip that would take longer than PLAY_LIMIT that way loses frames, as with a real camera.

        Args:
            images: the clip from frame ``first`` on.
            first: number of the first image.
            listener: called after every frame.

        Raises:
            NodeDied: the node ended.
        """
        journal, step = self._journal, 1.0 / self._journal.fps
        slowest = max(step, PLAY_LIMIT / max(journal.frame_count, 1))
        due = started = time.monotonic()
        for frame, image in enumerate(images, first):
            latest = started + (frame - first) * slowest
            if time.monotonic() > latest + FRAME_PATIENCE:
                journal.skipped += 1
                continue
            self._client.wait(lambda: False, due - time.monotonic())
            self._settle()
            self._send(frame, image)
            due = time.monotonic() + step
            listener(frame, journal)
        self._settle()
        journal.seconds = time.monotonic() - started

    def _settle(self) -> None:
        """Wait until the newest image is answered, but not for ever."""
        def answered() -> bool:
            self._take()
            return self._newest_answer >= self._newest_sent
        self._client.wait(answered, FRAME_PATIENCE)

    def _send(self, frame: int, image: np.ndarray) -> int:
        """Publish one image, stamped now; returns the stamp in nanoseconds."""
        stamp_ns = self._client.node.get_clock().now().nanoseconds
        self._frames[stamp_ns] = frame
        self._newest_sent = frame
        self._client.publish(image, stamp_ns, frame_id='demo_camera')
        return stamp_ns

    def _take(self) -> None:
        """Write down what was heard since the last time."""
        for name, take in (('status', self._on_status), ('target', self._on_target)):
            heard = self._client.heard[name]
            while heard:
                take(heard.pop(0))

    def _on_target(self, message: TrackedTarget) -> None:
        frame = self._frames.get(nanoseconds(message.header.stamp))
        if frame is None or (frame == 0 and message.state == TrackedTarget.STATE_UNINITIALISED):
            return  # not ours, or seen before the target was given
        self._journal.results[frame] = result_of(message)
        self._journal.latencies[frame] = message.latency
        self._newest_answer = max(self._newest_answer, frame)

    def _on_status(self, message: TrackerStatus) -> None:
        state = TrackState(message.state)
        if state == self._state:
            return
        frame = self._frames.get(nanoseconds(message.header.stamp), self._newest_sent)
        change = StateChange(
            frame / self._journal.fps, self._state, state, Reason(message.reason))
        self._state = state
        self._journal.changes.append(change)
        self._on_change(change)
