"""The debug image and the heat map: drawn while somebody looks, and only then."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from siamx_ros.client.probe import BEST_EFFORT
from siamx_ros.messages.conversions import image_from_compressed, image_from_msg
from siamx_ros.node import publishers
from siamx_ros.node_config import NodeConfig

pytestmark = pytest.mark.ros
DRAWN = {'debug_image': Image, 'heatmap': Image, 'compressed': CompressedImage}
TOPICS = {'debug_image': 'debug_image', 'heatmap': 'heatmap',
          'compressed': 'debug_image/compressed'}


def receive(rig, name: str):
    """Subscribe, and show images until one is drawn; returns it and what was sent last."""
    topic = f'{rig.namespace}/siamx_tracker/{TOPICS[name]}'
    rig.probe.listen(DRAWN[name], topic, BEST_EFFORT)
    assert rig.probe.wait(lambda: rig.probe.node.count_publishers(topic))
    for _ in range(200):
        rig.show()
        if rig.probe.wait(lambda: rig.probe.heard[name], 0.05):
            return rig.probe.heard[name][0]
    raise AssertionError(f'{name} was never drawn')


@pytest.mark.parametrize('name', DRAWN)
def test_what_is_looked_at_is_drawn_with_the_image_header(make_rig, make_scene, name):
    rig = make_rig({'debug_rate': 60.0})
    rig.started()
    drawn = receive(rig, name)
    assert drawn.header.frame_id == 'camera_optical_frame'
    if name == 'heatmap':
        assert (drawn.encoding, drawn.height, drawn.width) == ('32FC1', 4, 4)
        return
    picture = image_from_compressed(drawn) if name == 'compressed' else image_from_msg(drawn)
    assert picture.shape == (120, 160, 3)
    assert np.abs(picture.astype(int) - make_scene()).max() > 50, 'a box was drawn'


def test_the_camera_is_seen_before_there_is_a_target(make_rig):
    rig = make_rig({'debug_rate': 60.0, 'debug_scale': 0.5})
    picture = image_from_msg(receive(rig, 'debug_image'))
    assert picture.shape == (60, 80, 3)


def test_the_rate_is_limited(make_rig):
    rig = make_rig({'debug_rate': 2.0})
    rig.started()
    receive(rig, 'debug_image')
    begin, first = time.monotonic(), len(rig.probe.heard['debug_image'])
    while time.monotonic() < begin + 1.5:
        rig.show()
    assert 1 <= len(rig.probe.heard['debug_image']) - first <= 2 * (time.monotonic() - begin) + 1


class Nobody:
    """A publisher without subscribers, or with one."""

    def __init__(self, count: int) -> None:
        self.count, self.sent = count, []

    def get_subscription_count(self) -> int:
        return self.count

    def publish(self, message) -> None:
        self.sent.append(message)


@pytest.mark.parametrize('count', [0, 1])
def test_nothing_is_drawn_or_decoded_for_nobody(monkeypatch, count):
    drawn = []
    monkeypatch.setattr(publishers.drawing, 'draw_result',
                        lambda image, result, label: drawn.append(1) or image)
    monkeypatch.setattr(cv2, 'imencode', lambda *_: (True, np.zeros(3, np.uint8)))
    unused = publishers.Publishers.__new__(publishers.Publishers)
    unused._drawn = -float('inf')
    for name in ('_debug', '_debug_compressed', '_heat_map'):
        setattr(unused, name, Nobody(count))
    outcome = type('O', (), {
        'image': None, 'result': None, 'target_id': '', 'further': (), 'frame': type(
            'F', (), {'msg': type('M', (), {'header': Image().header})})})
    decoded = []
    unused.draw(outcome, lambda frame: decoded.append(1) or np.zeros((4, 4, 3), np.uint8),
                np.ones((2, 2), np.float32), NodeConfig())
    assert len(drawn) == len(decoded) == count
    assert len(unused._debug.sent) == count
