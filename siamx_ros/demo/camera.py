"""A camera and an operator in ROS: play images, give the target, listen to the tracker."""

from __future__ import annotations

from array import array
import signal
import time
from typing import Callable, Iterable

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rclpy.time import Time
from sensor_msgs.msg import Image

from siamx_ros.client.node_process import NodeDied, NodeProcess
from siamx_ros.demo.journal import Journal, StateChange
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.from_msg import result_of
from siamx_ros.msg import TrackedTarget, TrackerStatus
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState
from siamx_ros.srv import InitTarget

IMAGE_TOPIC = '/demo/image'
TRACKER = '/siamx_tracker'
START_PATIENCE = 90.0
"""Seconds until the node must offer its service: importing and loading take long on a busy CPU."""
FRAME_PATIENCE = 1.5
"""Seconds to wait for an answer before the camera goes on."""
PLAY_LIMIT = 80.0
"""Seconds that a clip may take if the node is slower than the clip; beyond, frames are skipped."""
_TRY_AGAIN = (InitTarget.Response.NOT_ACTIVE, InitTarget.Response.NO_IMAGE,
              InitTarget.Response.IMAGE_STALE, InitTarget.Response.STAMP_NOT_BUFFERED)

Listener = Callable[[int, Journal], None]


class Camera:
    """One ROS node that publishes images and records what the tracker says about them.

    Everything happens in the calling thread: callbacks run while a method waits.
    """

    def __init__(self, process: NodeProcess, journal: Journal,
                 on_change: Callable[[StateChange], None]) -> None:
        """Join the ROS graph.

        Args:
            process: the tracker node, watched while waiting.
            journal: gets the results.
            on_change: called with every change of state.
        """
        self._process, self._journal, self._on_change = process, journal, on_change
        self._frames: dict[int, int] = {}
        self._newest_answer = -1
        self._newest_sent = 0
        self._state = TrackState.UNINITIALISED
        self._interrupted = False
        self._former_handler = signal.signal(signal.SIGINT, self._on_interrupt)
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node('demo_camera', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._publisher = self._node.create_publisher(Image, IMAGE_TOPIC, QoSProfile(depth=2))
        self._node.create_subscription(
            TrackedTarget, f'{TRACKER}/target', self._on_target, QoSProfile(depth=50))
        self._node.create_subscription(
            TrackerStatus, f'{TRACKER}/status', self._on_status, QoSProfile(
                depth=50, reliability=ReliabilityPolicy.RELIABLE,
                durability=DurabilityPolicy.TRANSIENT_LOCAL))
        self._init = self._node.create_client(InitTarget, f'{TRACKER}/init')

    def close(self) -> None:
        """Leave the ROS graph."""
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)
        signal.signal(signal.SIGINT, self._former_handler)

    def start(self, image: np.ndarray, box: BoundingBox) -> None:
        """Wait for the node, show it the first image and give it the target.

        Raises:
            NodeDied: the node ended or does not answer.
            InputError: it refuses the target, or there is a second tracker.
        """
        deadline = time.monotonic() + START_PATIENCE
        self._wait(lambda: self._init.service_is_ready()
                   and self._publisher.get_subscription_count() > 0, deadline, 'offer its service')
        if self._node.count_publishers(f'{TRACKER}/target') > 1:
            raise InputError(f'another node already serves {TRACKER}; stop it, or set '
                             'ROS_DOMAIN_ID to a number of your own')
        while True:
            stamp = self._send(0, image)
            self._spin(0.1)  # an image takes longer than a call
            answer = self._ask(stamp, box, deadline)
            if answer.success:
                break
            if answer.error_code not in _TRY_AGAIN or time.monotonic() > deadline:
                raise InputError(f'the tracker refuses the target: {answer.message} '
                                 f'(error {answer.error_code})')
            self._spin(0.2)
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
        started = time.monotonic()
        due = started
        for frame, image in enumerate(images, first):
            latest = started + (frame - first) * slowest
            if time.monotonic() > latest + FRAME_PATIENCE:
                journal.skipped += 1
                continue
            self._spin(due - time.monotonic())
            self._settle()
            self._send(frame, image)
            due = time.monotonic() + step
            self._spin(0.0)
            listener(frame, journal)
        self._settle()
        journal.seconds = time.monotonic() - started

    def _on_interrupt(self, *_) -> None:
        self._interrupted = True

    def _check(self) -> None:
        """Raise what must end the wait; an interrupt raised in a callback would be lost there."""
        if self._interrupted:
            raise KeyboardInterrupt
        self._process.check()

    def _settle(self) -> None:
        """Wait until the newest image is answered, but not for ever."""
        deadline = time.monotonic() + FRAME_PATIENCE
        while self._newest_answer < self._newest_sent and time.monotonic() < deadline:
            self._check()
            self._executor.spin_once(timeout_sec=0.02)

    def _spin(self, seconds: float) -> None:
        """Run callbacks for a time; at least those that are waiting already."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            self._check()
            self._executor.spin_once(timeout_sec=max(0.0, min(left, 0.05)))
            if left <= 0:
                return

    def _wait(self, condition: Callable[[], bool], deadline: float, deed: str) -> None:
        while not condition():
            self._check()
            if time.monotonic() > deadline:
                raise NodeDied(f'the tracker node did not {deed} within {START_PATIENCE:.0f} s'
                               f'{self._process.last_words()}')
            self._executor.spin_once(timeout_sec=0.1)

    def _send(self, frame: int, image: np.ndarray) -> Time:
        """Publish one image, stamped now."""
        stamp = self._node.get_clock().now()
        message = Image(height=image.shape[0], width=image.shape[1], encoding='bgr8',
                        step=3 * image.shape[1])
        message.header.stamp = stamp.to_msg()
        message.header.frame_id = 'demo_camera'
        message.data = array('B', image.tobytes())
        self._frames[stamp.nanoseconds] = frame
        self._newest_sent = frame
        self._publisher.publish(message)
        return stamp

    def _ask(self, stamp: Time, box: BoundingBox, deadline: float) -> InitTarget.Response:
        """Call the init service for the image of ``stamp``."""
        request = InitTarget.Request()
        request.header.stamp = stamp.to_msg()
        centre = request.bbox.center.position
        centre.x, centre.y = map(float, box.centre)
        request.bbox.size_x, request.bbox.size_y = float(box.w), float(box.h)
        future = self._init.call_async(request)
        self._wait(future.done, deadline, 'answer the init call')
        return future.result()

    def _on_target(self, message: TrackedTarget) -> None:
        frame = self._frame_of(message.header.stamp)
        if frame is None or (frame == 0 and message.state == TrackedTarget.STATE_UNINITIALISED):
            return  # not ours, or seen before the target was given
        self._journal.results[frame] = result_of(message)
        self._journal.latencies[frame] = message.latency
        self._newest_answer = max(self._newest_answer, frame)

    def _on_status(self, message: TrackerStatus) -> None:
        state = TrackState(message.state)
        if state == self._state:
            return
        frame = self._frame_of(message.header.stamp)
        seconds = (self._newest_sent if frame is None else frame) / self._journal.fps
        change = StateChange(seconds, self._state, state, Reason(message.reason))
        self._state = state
        self._journal.changes.append(change)
        self._on_change(change)

    def _frame_of(self, stamp) -> int | None:
        return self._frames.get(Time.from_msg(stamp).nanoseconds)
