"""The active part of the node: camera input, worker, session and what they publish."""

from __future__ import annotations

from dataclasses import replace
import time
from typing import Any, Callable

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.conversions import depth_from_msg
from siamx_ros.messages.frames import Frame, FrameBuffer, in_time, stamp_seconds
from siamx_ros.messages.measuring import Measurer
from siamx_ros.messages.outcome import Outcome
from siamx_ros.messages.status_board import StatusBoard
from siamx_ros.node.camera_input import CameraInput
from siamx_ros.node.health import Health
from siamx_ros.node.image_decoder import ImageDecoder
from siamx_ros.node.input_watch import InputWatch
from siamx_ros.node.publishers import Publishers
from siamx_ros.node.session import Session
from siamx_ros.node.target_names import TargetNames
from siamx_ros.node.waiting import Waiting
from siamx_ros.node.worker import Worker
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import Reason, TrackState

CATCH_UP_SHARE = 0.5
"""Share of ``init_timeout`` that catching up may take before the rest is skipped."""


class Pipeline:
    """Lives from activation to deactivation.

    Args:
        names: of targets; they go on from one life to the next.
        worker: class with the methods of :class:`Worker`.

    Images arrive in the executor's thread (:meth:`_on_image`) and are tracked in the worker's
    (:meth:`_handle`); :meth:`watch` is called by a timer.
    """

    def __init__(self, node: Any, config: NodeConfig, tracker: Any, publishers: Publishers,
                 board: StatusBoard, *, names: TargetNames | None = None,
                 worker: type = Worker) -> None:
        self.node, self.config = node, config
        self.publishers, self.board = publishers, board
        self.health = Health()
        self.measurer = Measurer(config.image_rectified, node.get_logger().warning, time.monotonic)
        self.buffer = FrameBuffer(config.buffer_seconds, config.buffer_max_mb, config.stamp_jump)
        self._idle_since = 0.0
        self.decoder = ImageDecoder(config, node.get_logger().info)
        self.session = Session(
            tracker, self.decoder.decode, time.monotonic, config.stamp_jump, names or TargetNames())
        self.session.gate = lambda frame, image: self.measurer.gate(frame, image, self.config)
        self.input = InputWatch(config, lambda: self.session.unreadable)
        self._in_use: NodeConfig | None = None
        self._taken, self._dropped = -float('inf'), 0
        self._stalled = self._muted = False
        self.problem = ''
        self.camera = CameraInput(
            node, config, on_image=self._on_image, on_info=self.measurer.set_camera,
            on_depth=self._on_depth)
        self.measurer.info_topic = self.camera.info_topic
        self.waiting = Waiting.of(node)
        self.worker = worker(self._handle)

    def close(self, patience: float) -> bool:
        """Unsubscribe and stop the worker; True when it has ended within ``patience`` seconds."""
        self.camera.close()
        ended = self.worker.close(patience)
        self.waiting.expire(float('inf'))
        return ended

    def mute(self) -> None:
        """Say nothing any more: the worker hangs, and what it ends with is of no use."""
        self._muted = True

    def configure(self, config: NodeConfig) -> None:
        """Take changed live settings; the tracker's from the next image on."""
        self.config = self.input.config = self.decoder.config = config
        self.buffer.jump = config.stamp_jump

    @property
    def catch_up_deadline(self) -> float:
        """Monotonic seconds until which a new target may be caught up; then frames are left out."""
        return time.monotonic() + CATCH_UP_SHARE * self.config.init_timeout

    def start_target(self, frames: list[Frame], choose: Callable[[np.ndarray], BoundingBox],
                     target_id: str, class_id: str) -> list[Outcome]:
        """Start a target on the first frame and catch up on the others; in the worker's thread."""
        self.take_settings()
        if self.input.ends_gap(frames[-1].received):
            self.session.interrupt(Reason.NO_IMAGES)
        deadline = self.catch_up_deadline
        outcomes = [self.session.start(frames[0], choose, target_id, class_id)]
        self.measurer.begin(self.session.target_id)
        if len(frames) > 1:
            self._announce(TrackState.INITIALISING, Reason.INIT, header=frames[0].msg.header)
        for frame in in_time(frames[1:], deadline):
            if self.session.has_target:
                outcomes[-1] = outcomes[-1].without_pixels()
                outcomes.append(self.session.process(frame))
        self._stalled, self._taken = False, max(frame.received for frame in frames)
        self.input.forgive()
        for outcome in outcomes:
            self._publish(outcome, dropped=0)
        return outcomes

    def drop(self, target_id: str = '') -> None:
        """Drop the target of a name, or all; in the worker's thread."""
        if self.session.drop(target_id):
            self._announce(self.session.result.state, Reason.RESET)

    def set_enabled(self, enabled: bool) -> None:
        """Pause or resume; in the worker's thread."""
        if enabled == self.session.enabled:
            return
        if enabled:
            self.session.resume()
        else:
            self.session.pause()
        self._announce(self.session.result.state, Reason.OPERATOR)

    def watch(self) -> None:
        """Notice missing images, QoS switches and a stuck tracker; in the executor's thread."""
        self.camera.check()
        self.waiting.expire(time.monotonic())
        busy = self.worker.busy_s
        before, self.problem = self.problem, self._find_problem(busy)
        self.board.note_problem(self.problem)
        if self.problem and not before:
            self.node.get_logger().warning(self.problem)
        if bool(before) != bool(self.problem):
            self.publishers.publish_status(self.board, time.monotonic())
        stuck = busy > self.config.stall_timeout
        further = stuck and self.session.enabled and self.session.further
        if not self.problem or not (self.session.is_following or further):
            return
        self._stalled = self._stalled or stuck
        state, reason = (TrackState.ERROR, Reason.INFERENCE_ERROR) if stuck else (
            TrackState.INPUT_STALE,
            Reason.FROZEN_IMAGES if self.input.frozen_for else Reason.NO_IMAGES)
        if self.board.status.state != state:
            self._announce(state, reason)

    def _find_problem(self, busy: float) -> str:
        if busy > self.config.stall_timeout:
            return f'one image has been worked on for {busy:.1f} s'
        return self.input.problem(self.camera.describe, self.board.status.message)

    def _on_image(self, msg: Any) -> None:
        now = time.monotonic()
        stamp = stamp_seconds(msg.header.stamp)
        age = self.node.get_clock().now().nanoseconds * 1e-9 - stamp
        self.health.received(age, stamp, len(msg.data))
        if self.input.is_too_old(age):
            self.health.skipped_old()
            return
        frame = Frame(msg, stamp, now, age, frozen=self.input.arrived(now, msg.data))
        self.buffer.add(frame)
        if self.input.is_due(stamp):
            self.worker.offer(frame)

    def _on_depth(self, msg: Any) -> None:
        try:
            depth = depth_from_msg(msg)
        except InputError as error:
            self.node.get_logger().warning(str(error), throttle_duration_sec=10.0)
            return
        self.measurer.set_depth(stamp_seconds(msg.header.stamp), msg.header.frame_id, depth)

    def take_settings(self) -> None:
        """Give changed settings to the tracker, in the worker's thread."""
        config = self.config
        if config is not self._in_use:
            self._in_use = config
            self.session.configure(config.tracking, config.stamp_jump)

    def _handle(self, frame: Frame, overwritten: int) -> None:
        """Track one image and publish; in the worker's thread.

        One that waited while a target was started on it or on a newer one was answered by that.
        """
        self._dropped += overwritten
        if frame.received <= self._taken:
            return
        self._stalled = False  # may have been noticed while the image before was published
        self.take_settings()
        if self.input.ends_gap(frame.received):
            self.session.interrupt(Reason.NO_IMAGES)
        outcome = self._answer(frame)
        if self._muted:
            return
        if self._stalled:
            self._stalled = False
            outcome = self.session.too_late(outcome, self.worker.busy_s)
        dropped, self._dropped = self._dropped, 0
        self._publish(outcome, dropped)
        self._idle_since = time.monotonic()
        heat_map = getattr(self.session.tracker, 'heat_map', None)
        self.publishers.draw(outcome, self.decoder.decode, heat_map, self.config)

    def _answer(self, frame: Frame) -> Outcome:
        """Track an image, unless it is none; the input may be stale in spite of it."""
        if frame.frozen and self.session.is_following and self.input.frozen_for:
            return self.session.skip(frame, TrackState.INPUT_STALE, Reason.FROZEN_IMAGES)
        outcome = self.session.process(frame)
        stale = self.input.is_stale_after(frame.received, frozen=frame.frozen)
        if not (stale and self.session.is_following):
            return outcome
        return replace(outcome, result=replace(
            outcome.result, state=TrackState.INPUT_STALE, reason=Reason.NO_IMAGES))

    def _publish(self, outcome: Outcome, dropped: int) -> None:
        if self._muted:
            return
        if outcome.message:
            self.node.get_logger().warning(outcome.message, throttle_duration_sec=2.0)
        header, result = outcome.frame.msg.header, outcome.result
        if outcome.interruption != Reason.NONE and result.state != TrackState.LOST:
            self._announce(TrackState.LOST, outcome.interruption, header=header)
        measured = self.measurer.measure(outcome, self.config)
        latency = self.node.get_clock().now().nanoseconds * 1e-9 - outcome.frame.stamp
        self.publishers.publish(
            outcome, measured, latency=latency, dropped=dropped, config=self.config)
        waited = max(0.0, self._idle_since - outcome.frame.received)
        self.health.tracked(
            latency=latency, inference=outcome.inference_s, dropped=dropped,
            mismatches=self.measurer.mismatches, depth_missed=measured.depth_missed,
            overhead=time.monotonic() - outcome.frame.received - waited - outcome.inference_s)
        self._announce(result.state, result.reason, outcome.message, valid=result.valid,
                       header=header)

    def _announce(self, state: TrackState, reason: Reason, message: str = '', *,
                  valid: bool = False, header: Any = None) -> None:
        """Publish the status if it changed."""
        if self._muted:
            return
        now = time.monotonic()
        before = self.board.status.state
        changed = self.board.update(
            state, reason, self.session.target_id, now, valid=valid, message=message, header=header)
        if changed:
            self.publishers.publish_status(self.board, now)
            if state != before:
                self.node.get_logger().info(
                    f'{before.name} -> {state.name} ({reason.name.lower()}) {message}'.rstrip())
