"""How images reach the tracker: the choices that the benchmark compares, and the node's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from rclpy.task import Future

from siamx_ros.ros.frames import Frame
from siamx_ros.ros.worker import Request, Worker


@dataclass(frozen=True)
class Wiring:
    """The node uses the defaults.

    Attributes:
        image_depth: history depth of the image subscription.
        worker: class with the methods of :class:`Worker`.
    """

    image_depth: int = 1
    worker: type = Worker


class InlineWorker:
    """Does the work in the callback that brings it, as most nodes do; for comparison only."""

    busy_s = 0.0

    def __init__(self, on_image: Callable[[Frame, int], None],
                 make_future: Callable[[], Future], wake: Callable[[], None]) -> None:
        self._on_image, self._make_future, self._wake = on_image, make_future, wake

    def offer(self, frame: Frame) -> None:
        """Track at once."""
        self._on_image(frame, 0)

    def ask(self, action: Callable[[], Any]) -> Request:
        """Do at once."""
        request = Request(action, self._make_future(), self._wake)
        request.run()
        return request

    def expire(self, now: float) -> None:
        """Nobody waits."""

    def close(self, patience: float) -> bool:
        """Nothing to stop."""
        return True
