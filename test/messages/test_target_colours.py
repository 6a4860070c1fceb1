"""Colours of shirt and trousers: known again in other light, at other sizes, before other walls."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.target_colours import (
    DOUBLED_S, FIRST, REMEMBERED, TargetColours, colours)
from siamx_ros.reduced_image import ReducedImage

RED, BLUE, NAVY, GREY = (46, 42, 176), (150, 84, 38), (82, 52, 44), (88, 84, 78)
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
    dict(shirt=BLUE), dict(trousers=GREY), dict(shirt=NAVY, trousers=RED)])
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
