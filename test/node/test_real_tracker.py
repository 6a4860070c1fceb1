"""The shipped network inside the node gives what it gives outside: nothing is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

from siamx_ros import load_tracker
from siamx_ros.config import ModelConfig
from siamx_ros.geometry import BoundingBox

pytestmark = pytest.mark.ros


def walk(count: int = 8):
    """A textured patch that walks over a smooth background: images and the first box."""
    random = np.random.default_rng(5)
    ground = np.kron(random.integers(60, 120, (12, 16, 3), np.uint8),
                     np.ones((20, 20, 1), np.uint8))
    patch = np.kron(random.integers(0, 255, (6, 5, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    for step in range(count):
        image = ground.copy()
        x, y = 60 + 6 * step, 90 + 2 * step
        image[y:y + 48, x:x + 40] = patch
        yield image, BoundingBox(x, y, 40, 48)


def test_boxes_are_those_of_the_tracker(make_rig):
    model = {'device': 'cpu', 'threads': 1}  # rounding differs with the number of threads
    rig = make_rig({'model': model}, scripted=False)
    tracker = load_tracker(ModelConfig().replace(model))
    frames = list(walk())
    image, box = frames[0]
    rig.show(image)
    assert rig.init(box, rig.clock_ns).success
    tracker.init(image, box, rig.clock_ns * 1e-9)
    for image, truth in frames[1:]:
        target = rig.show(image)
        wanted = tracker.update(image, rig.clock_ns * 1e-9)
        centre = target.bbox.center.position
        got = BoundingBox.from_centre(
            centre.x, centre.y, target.bbox.size_x, target.bbox.size_y)
        assert got.iou(wanted.box) > 0.98 and target.state == wanted.state
        assert target.confidence == pytest.approx(wanted.confidence, abs=1e-3)
        assert target.template_similarity == pytest.approx(wanted.template_similarity, abs=1e-3)
        assert got.iou(truth) > 0.5
