"""The selector: a box drawn by hand becomes the target, on the image on which it was drawn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from threading import Thread
import time

from command_line import refused, script
from geometry_msgs.msg import Point
import numpy as np
import pytest
import rclpy
from sensor_msgs.msg import Image

from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import TrackerStatus as S
from siamx_ros.tools import select_target
from siamx_ros.tools.box_drawing import BoxDrawing

pytestmark = pytest.mark.ros


@pytest.mark.parametrize('corners', [((10, 20), (50, 80)), ((50, 80), (10, 20)),
                                     ((50, 20), (10, 80))])
def test_any_two_corners_make_the_box(corners):
    drawing = BoxDrawing()
    drawing.press(*corners[0], 'frame', (160, 120))
    drawing.move(30, 30)
    assert drawing.active and drawing.frame == 'frame'
    assert drawing.release(*corners[1]) == BoundingBox(10, 20, 40, 60)
    assert not drawing.active


def test_slips_and_points_outside():
    drawing = BoxDrawing()
    assert drawing.release(5, 5) is None, 'never begun'
    drawing.press(10, 10, 'frame', (160, 120))
    assert drawing.release(12, 90) is None, 'too narrow'
    drawing.press(100, 100, 'frame', (160, 120))
    assert drawing.release(500, -7) == BoundingBox(100, 0, 60, 100)


@pytest.fixture(scope='module')
def shared(make_rig):
    """A node that keeps images for a second only."""
    return make_rig({'buffer_seconds': 1.0})


class Hand:
    """Stands for the window: draws slowly on an image once the tracker is there, then ends."""

    def __init__(self, selector) -> None:
        self.selector, self.pictures, self.stamp = selector, [], None
        self.deadline = time.monotonic() + 30

    def step(self) -> bool:
        time.sleep(0.01)
        picture = self.selector.picture()
        ready = self.selector.services_used.init.service_is_ready() \
            and self.selector.count_subscribers('siamx_tracker/hold_image')
        if picture is not None and not self.pictures and ready:
            self.stamp = self.selector.message.header.stamp
            self.selector.press(60, 40)
            self.selector.drawing.move(80, 60)
            self.pictures += [picture, self.selector.picture()]
        elif self.pictures and self.selector.drawing.active \
                and self.selector.message.header.stamp.sec > self.stamp.sec + 2:
            self.selector.release(100, 72)
        done = self.selector.answers or time.monotonic() > self.deadline
        return not done or self.selector.key('q')


def draw_until(rig, make_scene, done) -> None:
    """Keep the camera running while the tool is used."""
    for _ in range(600):
        rig.probe.publish(make_scene(), rig.next_stamp())
        rig.probe.wait(lambda: False, 0.03)
        if done():
            return
    raise AssertionError('the tool did not end')


def test_a_drawn_box_is_tracked_from_the_image_it_was_drawn_on(rig, make_scene):
    hands, status = [], []

    def make_window(selector):
        hands.append(Hand(selector))
        return hands[0]
    thread = Thread(target=draw_until, args=(rig, make_scene, lambda: status), daemon=True)
    thread.start()
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        status.append(select_target.main(
            ['select_target', '--image', f'{rig.namespace}/image', '--ros-args', '-r',
             f'__ns:={rig.namespace}'], make_window))
    finally:
        for number, handler in former.items():  # or what is started later would ignore them
            signal.signal(number, handler)
    thread.join(30)
    assert status == [0]
    [answer] = hands[0].selector.answers
    assert answer.success and answer.stamp == hands[0].stamp
    assert (answer.bbox.size_x, answer.bbox.size_y) == (40.0, 32.0)
    assert rig.status(S.STATE_TRACKING).target_id == answer.target_id
    plain, drawn = hands[0].pictures
    assert np.any(plain[40:62, 60:82] != drawn[40:62, 60:82]), 'the box is shown while drawn'
    assert not rclpy.ok()


def test_two_clicks_from_a_topic_without_any_window(rig, make_scene, repository):
    clicks = rig.probe.node.create_publisher(Point, f'{rig.namespace}/mouse', 5)
    tool = subprocess.Popen(
        [sys.executable, str(repository / 'scripts/select_target'), '--image', 'image',
         '--clicks', f'{rig.namespace}/mouse', '--ros-args', '-r', f'__ns:={rig.namespace}'],
        env={**os.environ, 'PYTHONSAFEPATH': '1'}, stderr=subprocess.PIPE, text=True)
    corners = [Point(x=60.0, y=40.0), Point(x=100.0, y=72.0)]

    def click() -> bool:
        if clicks.get_subscription_count() and corners:
            clicks.publish(corners.pop(0))
        elif not corners and rig.probe.heard['status'][-1].state == S.STATE_UNINITIALISED:
            corners.extend([Point(x=60.0, y=40.0), Point(x=100.0, y=72.0)])
        return tool.poll() is not None
    try:
        draw_until(rig, make_scene, click)
    finally:
        tool.kill()
    assert tool.returncode == 0, tool.stderr.read()
    assert rig.status(S.STATE_TRACKING).target_id


def test_a_corner_on_an_image_that_cannot_be_read_is_no_corner():
    rclpy.init()
    try:
        selector = select_target.Selector('nobody', 'raw')
        selector.click(Point(x=60.0, y=40.0))
        assert 'there is no image yet: nobody publishes /image' in selector.text
        selector.message = Image(height=120, width=160, encoding='bgr8', step=480)
        selector.click(Point(x=60.0, y=40.0))
        assert selector.picture() is None and not selector.drawing.active
        selector.message = Image(height=120, width=160, encoding='bgr8', step=480,
                                 data=bytes(120 * 480))
        selector.click(Point(x=60.0, y=40.0))
        assert selector.drawing.active
        selector.destroy_node()
    finally:
        rclpy.try_shutdown()


def test_without_a_display_the_reason_is_reported(monkeypatch):
    monkeypatch.delenv('DISPLAY', raising=False)
    refused(script('select_target'), 'error: OpenCV cannot open a window here')


def test_keys_reach_the_tracker(rig, make_scene):
    rclpy.init()
    try:
        rig.started()
        selector = select_target.Selector(f'{rig.namespace}/siamx_tracker', 'raw')
        assert selector.services_used.set_enabled.wait_for_service(20)
        for key, state in (('p', S.STATE_PAUSED), ('p', S.STATE_LOST),
                           ('r', S.STATE_UNINITIALISED)):
            assert selector.key(key)
            rig.status(state)
        assert not selector.key('q') and not selector.key('\x1b')
        selector.destroy_node()
    finally:
        rclpy.try_shutdown()
