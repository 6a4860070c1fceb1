"""The active part of the node, with a worker and outputs that do what the test says and when."""

from __future__ import annotations

import time

import numpy as np
import pytest

rclpy = pytest.importorskip('rclpy', reason='rclpy is not installed')

from sensor_msgs.msg import Image  # noqa: E402

from siamx_ros.demo.benchmark_node import InlineWorker  # noqa: E402
from siamx_ros.geometry import BoundingBox  # noqa: E402
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState  # noqa: E402
from siamx_ros.ros.conversions import fill_image  # noqa: E402
from siamx_ros.ros.core import TrackerCore  # noqa: E402
from siamx_ros.ros.frames import Frame  # noqa: E402
from siamx_ros.ros.settings import NodeConfig  # noqa: E402
from siamx_ros.ros.status import StatusBoard  # noqa: E402
from siamx_ros.ros.wiring import Wiring  # noqa: E402

pytestmark = pytest.mark.ros
BOX = BoundingBox(20, 10, 12, 8)


class SteadyTracker:
    """Sees the target where it was, always."""

    heat_map = None

    def init(self, image, box, stamp):
        return self.update(image, stamp)

    def update(self, image, stamp):
        return TrackResult(BOX, 1.0, TrackState.TRACKING, Reason.INIT, BoxSource.MEASURED, True)

    def lose(self, stamp):
        pass


class Outputs:
    """Keeps the states of what is published; ``meanwhile`` happens before an image's is out."""

    def __init__(self):
        self.states, self.meanwhile = [], lambda: None

    def publish(self, outcome, measured, **how):
        self.meanwhile()
        self.states.append(outcome.result.state)

    def publish_status(self, board, now):
        pass

    def draw(self, *what):
        pass


@pytest.fixture
def outputs():
    return Outputs()


@pytest.fixture
def core(outputs):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('core', context=context)
    yield TrackerCore(node, NodeConfig(), SteadyTracker(), outputs, StatusBoard(0.0),
                      Wiring(worker=InlineWorker))
    node.destroy_node()
    rclpy.shutdown(context=context)


def frame_at(second):
    msg = Image()
    fill_image(msg, np.zeros((48, 64, 3), np.uint8), 'bgr8')
    msg.header.stamp.sec = second
    return Frame(msg, float(second), time.monotonic(), 0.0)


def test_a_stall_seen_while_the_late_image_is_published_is_not_the_next_one_s(core, outputs):
    def stall():
        core.worker.busy_s = 60.0
        core.watch()

    core.start_target([frame_at(1)], lambda image: BOX, '', '')
    outputs.meanwhile = stall
    core.worker.offer(frame_at(2))
    assert core.problem == 'one image has been worked on for 60.0 s'
    outputs.meanwhile, core.worker.busy_s = lambda: None, 0.0
    core.worker.offer(frame_at(3))
    assert outputs.states == [TrackState.TRACKING] * 3
    assert core.board.status.state == TrackState.TRACKING
