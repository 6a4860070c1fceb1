"""The active part of the node: camera input, worker, session and what they publish."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import Reason, TrackState
from siamx_ros.ros.camera_input import CameraInput
from siamx_ros.ros.conversions import depth_from_msg, image_from_compressed, image_from_msg
from siamx_ros.ros.frames import Frame, FrameBuffer, stamp_seconds
from siamx_ros.ros.health import Health
from siamx_ros.ros.measuring import Measurer
from siamx_ros.ros.outputs import Outputs
from siamx_ros.ros.session import Outcome, Session
from siamx_ros.ros.settings import NodeConfig
from siamx_ros.ros.status import StatusBoard
from siamx_ros.ros.worker import Worker


class TrackerCore:
    """Lives from activation to deactivation.

    Images arrive in the executor's thread (:meth:`_on_image`) and are tracked in the worker's
    (:meth:`_handle`); :meth:`watch` is called by a timer.
    """

    def __init__(self, node: Any, config: NodeConfig, tracker: Any, outputs: Outputs,
                 board: StatusBoard) -> None:
        self.node, self.config = node, config
        self.outputs, self.board = outputs, board
        self.health = Health()
        self.measurer = Measurer()
        self.buffer = FrameBuffer(config.buffer_seconds, config.buffer_max_mb)
        self.session = Session(tracker, self._decode, time.monotonic, config.stamp_jump)
        self._last_image = time.monotonic()
        self._last_tracked = -float('inf')
        self._stale = False
        self.worker = Worker(self._handle, self._wake_executor)
        self.camera = CameraInput(
            node, config, on_image=self._on_image, on_info=self._on_info, on_depth=self._on_depth)

    def close(self) -> bool:
        """Unsubscribe and stop the worker; True when it has ended."""
        self.camera.close()
        return self.worker.close()

    def configure(self, config: NodeConfig) -> None:
        """Take changed live settings; the tracker's from the next image on."""
        self.config = config
        self.worker.ask(lambda: self.session.tracker.configure(config.tracking))
        self.session.stamp_jump = config.stamp_jump

    def start_target(self, frames: list[Frame], box: BoundingBox, target_id: str,
                     class_id: str) -> tuple[list[Outcome], BoundingBox]:
        """Start a target and catch up; in the worker's thread."""
        outcomes, used = self.session.start(frames, box, target_id, class_id)
        for outcome in outcomes:
            self._publish(outcome, dropped=0)
        return outcomes, used

    def reset(self) -> None:
        """Drop the target; in the worker's thread."""
        self.session.forget()
        self._announce(TrackState.UNINITIALISED, Reason.RESET)

    def set_enabled(self, enabled: bool) -> None:
        """Pause or resume; in the worker's thread."""
        if enabled == self.session.enabled:
            return
        if enabled:
            self.session.resume()
        self.session.enabled = enabled
        state = self.session.result.state if enabled else TrackState.PAUSED
        self._announce(state, Reason.OPERATOR)

    def watch(self) -> None:
        """Notice missing images and QoS switches; in the executor's thread, regularly."""
        self.camera.check()
        gap = time.monotonic() - self._last_image
        if gap <= self.config.image_timeout or self._stale:
            return
        self._stale = True
        text = f'no image for {gap:.1f} s: {self.camera.describe()}'
        self.node.get_logger().warning(text)
        if self.session.has_target and self.session.enabled:
            self._announce(TrackState.INPUT_STALE, Reason.NO_IMAGES, text)

    def _wake_executor(self) -> None:
        if self.node.executor is not None:
            self.node.executor.wake()

    def _on_image(self, msg: Any) -> None:
        now = time.monotonic()
        stamp = stamp_seconds(msg.header.stamp)
        age = self.node.get_clock().now().nanoseconds * 1e-9 - stamp
        frame = Frame(msg, stamp, now, age)
        self.health.received()
        self._last_image = now
        if 0 < self.config.max_image_age < age:
            self.health.skipped_old()
            return
        self.buffer.add(frame)
        if self._stale:
            self._stale = False
            self.worker.ask(self._after_gap)
        if self._is_due(stamp):
            self.worker.offer(frame)

    def _is_due(self, stamp: float) -> bool:
        """Whether ``max_rate`` lets this image through."""
        if self.config.max_rate <= 0 or not 0 <= stamp - self._last_tracked \
                < 0.999 / self.config.max_rate:
            self._last_tracked = stamp
            return True
        return False

    def _on_info(self, msg: Any) -> None:
        try:
            self.measurer.set_camera(msg)
        except InputError as error:
            self.node.get_logger().warning(str(error), throttle_duration_sec=10.0)

    def _on_depth(self, msg: Any) -> None:
        try:
            depth = depth_from_msg(msg)
        except InputError as error:
            self.node.get_logger().warning(str(error), throttle_duration_sec=10.0)
            return
        self.measurer.set_depth(stamp_seconds(msg.header.stamp), msg.header.frame_id, depth)

    def _after_gap(self) -> None:
        """Images are back: what was tracked must be found and confirmed."""
        if self.session.has_target and self.session.enabled:
            self.session.resume()

    def _decode(self, frame: Frame) -> np.ndarray:
        if self.config.image_transport == 'compressed':
            return image_from_compressed(frame.msg)
        return image_from_msg(frame.msg, self.config.image_encoding_override)

    def _handle(self, frame: Frame, overwritten: int) -> None:
        """Track one image and publish; in the worker's thread."""
        outcome = self.session.process(frame)
        self._publish(outcome, overwritten)
        self.outputs.draw(outcome, getattr(self.session.tracker, 'heat_map', None), self.config)

    def _publish(self, outcome: Outcome, dropped: int) -> None:
        if outcome.message:
            self.node.get_logger().warning(outcome.message, throttle_duration_sec=2.0)
        measured = self.measurer.measure(outcome, self.config)
        latency = self.node.get_clock().now().nanoseconds * 1e-9 - outcome.frame.stamp
        self.outputs.publish(
            outcome, measured, latency=latency, dropped=dropped, config=self.config)
        self.health.tracked(
            latency=latency, age=outcome.frame.age, inference=outcome.inference_s, dropped=dropped)
        result = outcome.result
        self._announce(result.state, result.reason, outcome.message, valid=result.valid,
                       header=outcome.frame.msg.header)

    def _announce(self, state: TrackState, reason: Reason, message: str = '', *,
                  valid: bool = False, header: Any = None) -> None:
        """Publish the status if it changed."""
        now = time.monotonic()
        before = self.board.status.state
        changed = self.board.update(
            state, reason, self.session.target_id, now, valid=valid, message=message, header=header)
        if changed:
            self.outputs.publish_status(self.board.status, now)
            if state != before:
                self.node.get_logger().info(
                    f'{before.name} -> {state.name} ({reason.name.lower()}) {message}'.rstrip())
