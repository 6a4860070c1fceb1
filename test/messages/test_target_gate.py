"""Who can be the target after it was out of sight: by colours, also of those who are near."""

from __future__ import annotations

import numpy as np
import pytest

from siamx_ros.control.camera_model import CameraModel
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.target_gate import TargetGate
from siamx_ros.node_config import NodeConfig

FOCAL, WIDTH, HEIGHT = 100.0, 160, 160
CAMERA = CameraModel(WIDTH, HEIGHT, np.array([[FOCAL, 0, 79.5], [0, FOCAL, 79.5], [0, 0, 1]]),
                     np.zeros(0))
RED, BLUE, NAVY, GREY = (46, 42, 176), (150, 84, 38), (82, 52, 44), (120, 116, 110)
TALL, WIDE = 1.7, 0.5
CONFIG = NodeConfig()


def person(distance: float, shirt=RED, trousers=NAVY, sink: float = 0.0):
    """Image, depth and visible box of somebody in the middle, lower by so many metres."""
    scale = FOCAL / distance
    whole = BoundingBox.from_centre(80, 80 + sink * scale, WIDE * scale, TALL * scale)
    image = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    depth = np.full((HEIGHT, WIDTH), 6.0, np.float32)
    x0, y0, x1, y1 = (int(round(v)) for v in whole.corners)
    middle = int(round(whole.centre[1]))
    columns = slice(max(0, x0), x1)
    image[max(0, y0):middle, columns], image[middle:max(0, y1), columns] = shirt, trousers
    depth[max(0, y0):max(0, y1), columns] = distance
    box = BoundingBox.from_corners(x0, max(0, y0), x1, min(HEIGHT, y1))
    return image, depth, box


@pytest.fixture
def gate() -> TargetGate:
    """Has seen the target at 2 m up to the stamp 0."""
    gate = TargetGate()
    for number in range(-20, 1):
        image, depth, box = person(2.0)
        gate.see(number / 20, 2.0, 0.02)
        gate.learn(image, depth, CAMERA, box, 2.0)
    return gate


def allows(gate: TargetGate, stamp: float, *who, **how) -> bool:
    image, depth, box = person(*who, **how)
    return gate.allows(box, image, depth, stamp, CAMERA, CONFIG)


@pytest.mark.parametrize('distance, sink', [(2.0, 0.0), (1.2, 0.0), (1.2, 0.4), (1.0, -0.35)])
def test_after_a_while_the_target_is_known_by_its_colours_at_any_distance(gate, distance, sink):
    """From 1.2 m on, feet or head are beyond the border of the image."""
    assert allows(gate, 5.0, distance, sink=sink)
    assert not allows(gate, 5.0, distance, sink=sink, shirt=BLUE)
    if sink != 0.4:
        assert not allows(gate, 5.0, distance, sink=sink, trousers=GREY)


def test_while_it_goes_on_its_colours_may_change(gate):
    assert allows(gate, 0.05, 2.0, shirt=BLUE) and not allows(gate, 0.3, 2.0, shirt=BLUE)


def test_a_box_of_unusual_width_must_have_the_colours_at_once(gate):
    image, depth, box = person(2.0, shirt=BLUE)
    wide = BoundingBox.from_centre(*box.centre, 1.5 * box.w, box.h)
    assert not gate.allows(wide, image, depth, 0.05, CAMERA, CONFIG)
    image, depth, _ = person(2.0)
    assert gate.allows(wide, image, depth, 0.05, CAMERA, CONFIG)


def test_no_colours_are_learnt_from_a_box_that_may_hold_another(gate):
    image, depth, box = person(2.0, shirt=BLUE)
    gate.learn(image, depth, CAMERA, BoundingBox.from_centre(*box.centre, 1.6 * box.w, box.h), 2.0)
    assert not allows(gate, 5.0, 2.0, shirt=BLUE)
    gate.learn(image, depth, CAMERA, box, 2.0)
    assert allows(gate, 5.0, 2.0, shirt=BLUE), 'of a usual box they are'


def test_a_box_of_which_little_has_depth_is_not_refused_for_what_is_behind_it(gate):
    """Dark clothes may have none: the wall is seen beside them, but does not fill the box."""
    image, depth, box = person(2.0)
    depth[depth < 3.0] = np.nan
    x, y = (int(value) for value in box.centre)
    depth[y - 10:y + 10, x - 2:x + 2] = 6.0
    assert gate.allows(box, image, depth, 0.05, CAMERA, CONFIG)
    depth[:] = 6.0
    assert not gate.allows(box, image, depth, 0.05, CAMERA, CONFIG)
