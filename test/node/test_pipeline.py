"""The active part of the node, with a worker and publishers that do what the test says and when."""

import time

import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import Image

from siamx_ros.client.probe import stamp
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.conversions import fill_image
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.status_board import StatusBoard
from siamx_ros.node.init_validation import Refusal
from siamx_ros.node.pipeline import Pipeline
from siamx_ros.node.services import frames_for
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState
from siamx_ros.srv import InitTarget

pytestmark = pytest.mark.ros
BOX = BoundingBox(20, 10, 12, 8)


class SteadyTracker:
    """Sees the target where it was, always."""

    heat_map = None
    reduction = 1

    def init(self, image, box, stamp):
        return self.update(image, stamp)

    def update(self, image, stamp, gate=None):
        self.gate, self.allowed = gate, gate is None or gate(BOX)
        return TrackResult(BOX, 1.0, TrackState.TRACKING, Reason.INIT, BoxSource.MEASURED, True)

    def lose(self, stamp):
        pass

    def configure(self, config):
        pass


class InlineWorker:
    """Does the work of an image in the call that brings it."""

    busy_s = 0.0

    def __init__(self, on_image):
        self.on_image = on_image

    def offer(self, frame):
        self.on_image(frame, 0)


class Publishers:
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
def publishers():
    return Publishers()


@pytest.fixture
def pipeline(publishers):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('pipeline', context=context)
    yield Pipeline(node, NodeConfig(), SteadyTracker(), publishers, StatusBoard(0.0),
                   worker=InlineWorker)
    node.destroy_node()
    rclpy.shutdown(context=context)


def frame_at(second):
    msg = Image()
    fill_image(msg, np.zeros((48, 64, 3), np.uint8), 'bgr8')
    msg.header.stamp = stamp(round(second * 1e9))
    return Frame(msg, float(second), time.monotonic(), 0.0)


def test_a_stall_seen_while_the_late_image_is_published_is_not_the_next_one_s(pipeline, publishers):
    def stall():
        pipeline.worker.busy_s = 60.0
        pipeline.watch()

    pipeline.start_target([frame_at(1)], lambda image: BOX, '', '')
    publishers.meanwhile = stall
    pipeline.worker.offer(frame_at(2))
    assert pipeline.problem == 'one image has been worked on for 60.0 s'
    publishers.meanwhile, pipeline.worker.busy_s = lambda: None, 0.0
    pipeline.worker.offer(frame_at(3))
    assert publishers.states == [TrackState.TRACKING] * 3
    assert pipeline.board.status.state == TrackState.TRACKING


def test_depth_says_what_the_tracker_must_not_take_for_the_target(pipeline):
    """A target at 2 m; then something at 1 m on its left half."""
    depth = np.full((48, 64), 2.0, np.float32)
    pipeline.measurer.set_depth(1.0, '', depth)
    pipeline.start_target([frame_at(1)], lambda image: BOX, '', '')
    pipeline.worker.offer(frame_at(2))
    assert pipeline.session.tracker.gate is None, 'nobody asked for depth'
    pipeline.configure(NodeConfig().replace({'use_depth': True, 'fallback_hfov': 60.0}))
    for second in (3, 4, 5):
        if second == 5:
            depth = depth.copy()
            depth[:, :26] = 1.0
        pipeline.measurer.set_depth(float(second), '', depth)
        pipeline.worker.offer(frame_at(second))
    gate = pipeline.session.tracker.gate
    assert not gate(BoundingBox(8, 10, 12, 8)) and gate(BoundingBox(32, 10, 12, 8))


def test_a_new_target_is_not_judged_by_what_is_known_of_the_last_one(pipeline):
    """Neither while it is caught up; it is given where something nearer hides the last one."""
    pipeline.configure(NodeConfig().replace({'use_depth': True, 'fallback_hfov': 60.0}))
    for second in (1, 2, 3, 4):
        metres = 2.0 if second < 4 else 1.0
        pipeline.measurer.set_depth(float(second), '', np.full((48, 64), metres, np.float32))
        if second == 1:
            pipeline.start_target([frame_at(1)], lambda image: BOX, '', '')
        else:
            pipeline.worker.offer(frame_at(second))
    assert not pipeline.session.tracker.allowed
    pipeline.start_target([frame_at(4), frame_at(4.05)], lambda image: BOX, '', '')
    assert pipeline.session.tracker.allowed


def test_settings_that_changed_before_it_began_reach_the_tracker(pipeline):
    seen = []
    pipeline.session.tracker.configure = seen.append
    pipeline.worker.offer(frame_at(1))
    pipeline.worker.offer(frame_at(2))
    assert seen == [NodeConfig().tracking]


class OneFurther(list):
    """A target besides the primary one, which only says when it was lost."""

    reduction, seen, names, image_size = 1, (), ('ben',), (64, 48)

    def __init__(self):
        super().__init__(['ben'])
        self.lost = []

    def primary_changed(self):
        pass

    def configure(self, config):
        pass

    def lose(self, stamp, but_primary=False):
        self.lost.append((stamp, but_primary))


@pytest.fixture
def hasty(pipeline):
    """The pipeline, with a further target and little patience."""
    pipeline.configure(NodeConfig().replace({'image_timeout': 0.05, 'max_image_age': 5.0}))
    pipeline.session.further = OneFurther()
    return pipeline


def test_further_targets_alone_whose_inference_hangs_are_an_error(hasty, publishers):
    """As it is of one that raises; afterwards they must be found anew."""
    hasty.configure(hasty.config.replace({'image_timeout': 10.0}))
    hasty.session.further.await_image = lambda frame: True
    meanwhile = []

    def hang(*_):
        hasty.worker.busy_s = 60.0
        hasty.watch()
        meanwhile.append(hasty.board.status.state)
        hasty.worker.busy_s = 0.0
    hasty.session.further.update = hang
    hasty.worker.offer(frame_at(1))
    assert meanwhile == publishers.states == [TrackState.ERROR]
    hasty.session.further.update = lambda *_: None
    hasty.worker.offer(frame_at(2))
    assert publishers.states[-1] == TrackState.UNINITIALISED
    assert hasty.session.further.lost == [(2.0, False)]


def test_without_a_primary_target_damaged_images_are_no_state(hasty, publishers):
    damaged = frame_at(1)
    damaged.msg.encoding = 'nonsense'
    time.sleep(0.06)
    hasty.worker.offer(damaged)
    assert hasty.session.unreadable and publishers.states == [TrackState.UNINITIALISED]


def test_a_new_target_after_a_gap_does_not_spare_the_others_to_be_found_anew(hasty):
    time.sleep(0.06)
    hasty.input.arrived(time.monotonic(), b'')
    hasty.start_target([frame_at(2)], lambda image: BOX, '', '')
    assert hasty.session.further.lost == [(2.0, True)]


def test_where_all_images_are_too_old_init_says_so(hasty):
    """The simulated camera's clock is in 1970."""
    hasty._on_image(frame_at(1).msg)
    time.sleep(0.06)
    hasty.watch()
    with pytest.raises(Refusal, match=r'younger than 5 s \(max_image_age\)'):
        frames_for(hasty, InitTarget.Request())
