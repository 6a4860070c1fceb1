"""Who can be the target after it was out of sight: by shirt and trousers, near and far."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from siamx_ros.control.camera_model import CameraModel
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.target_colours import DOUBLED_S, FIRST, REMEMBERED, TargetColours, colours
from siamx_ros.messages.target_gate import TargetGate
from siamx_ros.node_config import NodeConfig
from siamx_ros.reduced_image import ReducedImage

FOCAL, WIDTH, HEIGHT = 100.0, 160, 160
CAMERA = CameraModel(WIDTH, HEIGHT, np.array([[FOCAL, 0, 79.5], [0, FOCAL, 79.5], [0, 0, 1]]),
                     np.zeros(0))
RED, BLUE, NAVY = (46, 42, 176), (150, 84, 38), (82, 52, 44)
GREY, DARK = (120, 116, 110), (88, 84, 78)
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


@pytest.mark.parametrize('here, elsewhere, allowed', [
    (0.4, 0.6, True), (0.2, 0.8, False), (0.1, 0.6, False), (0.1, 0.4, True), (0.35, 0.65, True)])
def test_depth_elsewhere_refuses_a_box_where_it_fills_half_and_little_is_in_reach(
        gate, here, elsewhere, allowed):
    image, depth, box = person(2.0)
    chance = np.random.default_rng(0).random(depth.shape)
    depth[:] = np.where(chance < here, 2.0, np.where(chance < here + elsewhere, 6.0, np.nan))
    assert gate.allows(box, image, depth, 0.05, CAMERA, CONFIG) == allowed


def test_colours_decide_nothing_where_the_image_cuts_off_both_ends(gate):
    assert allows(gate, 5.0, 0.9, shirt=BLUE), 'how much of it is shirt is not known'


def test_what_is_forgotten_refuses_nothing(gate):
    assert not allows(gate, 5.0, 2.0, shirt=BLUE)
    gate.clear()
    assert allows(gate, 5.0, 2.0, shirt=BLUE) and allows(gate, 5.0, 5.0)


BOX, REACH = BoundingBox(60, 20, 60, 200), (1.6, 2.4)


def scene(shirt=RED, trousers=NAVY, light=1.0, box=BOX, wall=(120, 160, 140), seed=0):
    """A person of two colours in a box, narrower than it, at 2 m before a wall at 5 m."""
    image = np.full((240, 320, 3), wall, np.float32)
    depth = np.full((240, 320), 5.0, np.float32)
    rows = [int(box.y + box.h * share) for share in (0, 0.5, 1)]
    columns = slice(int(box.x + 0.25 * box.w), int(box.x + 0.75 * box.w))
    image[rows[0]:rows[1], columns], image[rows[1]:rows[2], columns] = shirt, trousers
    depth[rows[0]:rows[2], columns] = 2.0
    image = image * light + np.random.default_rng(seed).normal(0, 3, image.shape)
    return image.clip(0, 255).astype(np.uint8), depth


def known(**how) -> TargetColours:
    target = TargetColours()
    target.learn(colours(*scene(**how), BOX, REACH))
    return target


def test_the_same_is_known_in_other_light_before_another_wall_in_another_size() -> None:
    target, far = known(), BoundingBox(200, 100, 24, 80)
    for how in (dict(light=0.6), dict(light=1.3), dict(wall=(20, 20, 200)), dict(seed=3)):
        assert target.alike(colours(*scene(**how), BOX, REACH), 0.0), how
    assert target.alike(colours(*scene(box=far), far, REACH), 0.0)


@pytest.mark.parametrize('other', [
    dict(shirt=BLUE), dict(trousers=DARK), dict(shirt=NAVY, trousers=RED)])
def test_another_shirt_or_other_trousers_are_not_the_targets(other) -> None:
    seen = colours(*scene(**other), BOX, REACH)
    assert not known().alike(seen, 0.0)
    assert known(**other).alike(seen, 0.0)


def test_another_side_that_was_seen_is_known_and_so_is_the_first_one_ever_after() -> None:
    target = known()
    front, rucksack = (colours(*scene(shirt=shirt), BOX, REACH) for shirt in (RED, BLUE))
    target.learn(rucksack)
    assert target.alike(front, 0.0) and target.alike(rucksack, 0.0)
    for number in range(REMEMBERED + FIRST):
        target.learn(np.full(5, 10.0 + number))
    assert target.alike(front, 0.0) and not target.alike(np.full(5, 18.0), 0.0), 'old ones go'
    target.clear()
    assert target.alike(np.full(5, 9.0), 0.0), 'nothing is known of another'


def test_what_is_nearly_the_targets_is_taken_only_after_a_long_time() -> None:
    target = known()
    nearly = colours(*scene(), BOX, REACH) + [0.1, 0, 0, 0, 0]
    assert not target.alike(nearly, 1.0) and target.alike(nearly, DOUBLED_S)


def test_too_little_or_nothing_to_see_has_no_colours() -> None:
    image, depth = scene()
    assert colours(image, depth, BOX, (3.0, 4.0)) is None, 'there is nobody at that distance'
    hidden = depth.copy()
    hidden[130:] = 1.0
    assert colours(image, hidden, BOX, REACH) is None, 'legs are hidden'
    assert colours(np.zeros_like(image), depth, BOX, REACH) is None, 'it is dark'
    assert colours(image, depth, BoundingBox(500, 20, 60, 200), REACH) is None
    assert colours(image, np.full_like(depth, np.nan), BOX, REACH) is None


def test_blocks_of_pixels_have_the_same_colours() -> None:
    image, depth = scene()
    blocks = ReducedImage(cv2.resize(image, (80, 60), interpolation=cv2.INTER_AREA), 4, (320, 240))
    assert colours(blocks, depth, BOX, REACH) == pytest.approx(
        colours(image, depth, BOX, REACH), abs=0.03)
