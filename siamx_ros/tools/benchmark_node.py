"""The tracker node with other choices of queue and thread, for the benchmark to compare."""

from __future__ import annotations

from concurrent.futures import Future
import os
import sys
from typing import Any, Callable

from siamx_ros.messages.frames import Frame
from siamx_ros.node.tracker_node import main
from siamx_ros.node.wiring import Wiring
from siamx_ros.node.worker import Request, Worker

VARIABLE = 'SIAMX_ROS_BENCHMARK_WIRING'
"""'thread:depth', as from the benchmark; ROS arguments leave no room for others."""


class InlineWorker:
    """Does the work in the callback that brings it, as most nodes do."""

    busy_s = 0.0

    def __init__(self, on_image: Callable[[Frame, int], None]) -> None:
        self._on_image = on_image

    def offer(self, frame: Frame) -> None:
        """Track at once."""
        self._on_image(frame, 0)

    def ask(self, action: Callable[[], Any]) -> Future:
        """Do at once."""
        request = Request(action, Future())
        request.run()
        return request.future

    def close(self, patience: float) -> bool:
        """Nothing to stop."""
        return True


THREADS = {'worker': Worker, 'callback': InlineWorker}

if __name__ == '__main__':
    thread, _, depth = os.environ.get(VARIABLE, 'worker:1').partition(':')
    sys.exit(main(wiring=Wiring(image_depth=int(depth), worker=THREADS[thread])))
