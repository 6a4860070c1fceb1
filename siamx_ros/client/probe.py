"""The client of a tracker node: its camera, its operator and who listens to it."""

from __future__ import annotations

from collections import defaultdict
from threading import Condition, Thread
import time
from typing import Any, Callable

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.conversions import fill_image
from siamx_ros.msg import TrackedTarget, TrackerStatus
from siamx_ros.qos import latched
from siamx_ros.srv import InitTarget

LATCHED = latched(depth=100)
BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
START_PATIENCE = 120.0
"""Seconds until a node must take images: importing and loading take long on a busy CPU."""
TRY_AGAIN = frozenset((InitTarget.Response.NOT_ACTIVE, InitTarget.Response.NO_IMAGE,
                       InitTarget.Response.IMAGE_STALE, InitTarget.Response.STAMP_NOT_BUFFERED))
"""Answers to ``~/init`` that mean: not yet, the node or the image is on its way."""
_PAUSE = 0.2
_ALIVE_PERIOD_S = 1.0
"""Longest time between two checks that the node is still there."""


class NoAnswer(RuntimeError):
    """A service did not answer in time."""


class Probe:
    """Publishes images, calls services and keeps what the tracker node says.

    Callbacks run in a thread of their own; every method may be called from any other thread.

    Args:
        image_topic: where images are published.
        check: called while waiting; raises if the node is known to have ended.

    Attributes:
        heard: last name of a topic -> its messages so far.
        moments: stamp of an image, nanoseconds -> monotonic time of its answer, seconds.
    """

    def __init__(self, tracker: str, image_topic: str, qos: QoSProfile | int = 1,
                 check: Callable[[], None] = lambda: None) -> None:
        self.tracker, self._check = tracker, check
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = rclpy.create_node('probe', context=self._context)
        self._arrived = Condition()
        self._count = 0
        self._clients: dict[str, Any] = {}
        self.heard: dict[str, list] = defaultdict(list)
        self.moments: dict[int, float] = {}
        self.client(InitTarget, 'init')
        self.listen(TrackedTarget, f'{tracker}/target', 100)
        self.listen(Detection2DArray, f'{tracker}/detections', 100)
        self.listen(TrackerStatus, f'{tracker}/status', LATCHED)
        self.listen(DiagnosticArray, '/diagnostics', 10)
        self.camera = self.node.create_publisher(Image, image_topic, qos)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = Thread(target=self._spin, name='probe', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the ROS graph."""
        self._executor.shutdown()
        self._thread.join(10)
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def listen(self, kind: type, topic: str, qos: QoSProfile | int) -> Any:
        """Keep the messages of a topic under its last name; returns the subscription."""
        return self.node.create_subscription(
            kind, topic, lambda message: self._keep(topic.rpartition('/')[2], message), qos)

    def wait(self, condition: Callable[[], Any], patience: float = 20.0) -> Any:
        """What a condition on messages became: the first true value, or the last false one.

        The condition may call services: messages go on arriving while it is evaluated.
        """
        deadline, checked = time.monotonic() + patience, -_ALIVE_PERIOD_S
        while True:
            seen = self._count
            if (value := condition()) or (left := deadline - time.monotonic()) <= 0:
                return value
            if time.monotonic() - checked > _ALIVE_PERIOD_S:
                self._check()
                checked = time.monotonic()
            with self._arrived:
                self._arrived.wait_for(lambda: self._count != seen, min(0.1, left))

    def ready(self, patience: float = START_PATIENCE) -> bool:
        """Wait until the node takes images; whether it does."""
        return bool(self.wait(lambda: self.camera.get_subscription_count() > 0
                              and self.heard['status'], patience))

    def init(self, request: InitTarget.Request, patience: float = 60.0,
             again: Callable[[], object] = lambda: None) -> InitTarget.Response:
        """Call ``~/init`` until the answer is another than that it is too early.

        Args:
            patience: seconds.
            again: called before each further call, such as to publish the image once more; may
                change the request.

        Raises:
            NoAnswer: the node does not answer.
        """
        deadline = time.monotonic() + patience
        while True:
            answer = self.call(InitTarget, 'init', request, patience)
            if answer.error_code not in TRY_AGAIN or time.monotonic() > deadline:
                return answer
            self.wait(lambda: False, _PAUSE)
            again()

    def publish(self, image: np.ndarray, stamp_ns: int, *, frame_id: str = 'camera_optical_frame',
                encoding: str = 'bgr8') -> None:
        """Send an image, H x W x C uint8 or H x W float32, with an exact stamp."""
        message = Image()
        fill_image(message, image, encoding)
        message.header.stamp, message.header.frame_id = stamp(stamp_ns), frame_id
        self.camera.publish(message)

    def answer(self, stamp_ns: int, name: str = 'target', patience: float = 20.0) -> Any:
        """The message of a topic whose header carries a stamp; None if none came in time."""
        wanted = stamp(stamp_ns)
        return self.wait(lambda: next(
            (m for m in reversed(self.heard[name]) if m.header.stamp == wanted), None), patience)

    def call(self, kind: type, name: str, request: Any, patience: float = 20.0) -> Any:
        """Call a service of the tracker node.

        Raises:
            NoAnswer: it is not offered, or did not answer in time.
        """
        future = self.call_async(kind, name, request, patience)
        future.add_done_callback(self._wake)
        if not self.wait(future.done, patience):
            raise NoAnswer(f'{name} did not answer within {patience:g} s')
        return future.result()

    def call_async(self, kind: type, name: str, request: Any, patience: float = 20.0) -> Any:
        """Call a service without waiting for the answer; returns its future.

        Raises:
            NoAnswer: it is not offered.
        """
        client = self.client(kind, name)
        if not client.wait_for_service(patience):
            raise NoAnswer(f'{self.tracker}/{name} is not offered')
        return client.call_async(request)

    def client(self, kind: type, name: str) -> Any:
        """The client of a service of the tracker node.

        An answer is lost where the service does not know yet who asks. Whoever hears a latched
        topic to which it subscribed after making its clients is known to all services.
        """
        if name not in self._clients:
            self._clients[name] = self.node.create_client(
                kind, f'{self.tracker}/{name}', qos_profile=QoSProfile(depth=1000))
        return self._clients[name]

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            pass

    def _wake(self, _: object) -> None:
        with self._arrived:
            self._count += 1
            self._arrived.notify_all()

    def _keep(self, name: str, message: Any) -> None:
        with self._arrived:
            if name == 'target':
                self.moments[nanoseconds(message.header.stamp)] = time.monotonic()
            self.heard[name].append(message)
            self._count += 1
            self._arrived.notify_all()


def init_request(box: BoundingBox, stamp_ns: int = 0, kind: type = InitTarget,
                 **fields: Any) -> Any:
    """The request to track a box on the image of a stamp or, by its fields, of a header.

    Without either, or with a stamp of 0, that is the newest image. ``kind`` is InitTarget, or
    AddTarget for a further target.
    """
    request = kind.Request(**fields)
    if stamp_ns:
        request.header.stamp = stamp(stamp_ns)
    request.bbox.center.position.x, request.bbox.center.position.y = map(float, box.centre)
    request.bbox.size_x, request.bbox.size_y = float(box.w), float(box.h)
    return request


def stamp(ns: int) -> Time:
    """Nanoseconds as a stamp."""
    return Time(sec=ns // 10**9, nanosec=ns % 10**9)


def nanoseconds(message: Time) -> int:
    """A stamp as nanoseconds."""
    return message.sec * 10**9 + message.nanosec
