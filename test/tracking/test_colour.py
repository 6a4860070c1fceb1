"""The histogram of colours against a slow loop, and what it says of other targets and lights."""

import cv2
import numpy as np
import pytest

from siamx_ros.geometry import BoundingBox
from siamx_ros.reduced_image import ReducedImage
from siamx_ros.tracking import colour
from siamx_ros.tracking.colour import ColourTemplate, colour_histogram

BOX = BoundingBox(100, 60, 48, 90)


def scene(target=(40, 60, 200), noise=12, background=(90, 120, 90)):
    """A plain target with some noise in BOX, 320 x 240 BGR."""
    image = np.full((240, 320, 3), background, float)
    image[60:150, 100:148] = target
    image += np.random.default_rng(3).normal(0, noise, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def slow_histogram(image, box):
    """Each pixel of the patch, one after the other, into its eight nearest bins."""
    x0, x1 = round(box.centre[0] - 0.35 * box.w), round(box.centre[0] + 0.35 * box.w)
    y0, y1 = round(box.centre[1] - 0.4 * box.h), round(box.centre[1] + 0.4 * box.h)
    part = image[y0:y1:max(1, (y1 - y0) // 48), x0:x1:max(1, (x1 - x0) // 48)]
    patch = cv2.resize(part, (colour.SIDE,) * 2, interpolation=cv2.INTER_AREA)
    bins = np.zeros(colour.BINS)
    patch = patch.astype(np.float32) / 255
    for lightness, *ab in cv2.cvtColor(patch, cv2.COLOR_BGR2LAB).reshape(-1, 3).astype(float):
        places = [lightness / 100 * colour.BINS[0] - 0.5]
        scale = (colour.LIGHTNESS + 16) / (max(lightness, colour.DARKEST) + 16)
        places += [(value * scale / (2 * colour.COLOUR_RANGE) + 0.5) * count - 0.5
                   for value, count in zip(ab, colour.BINS[1:])]
        places = [min(max(place, 0), count - 1) for place, count in zip(places, colour.BINS)]
        for index in np.ndindex(bins.shape):
            share = np.prod([max(0.0, 1 - abs(i - place)) for i, place in zip(index, places)])
            bins[index] += share / colour.SIDE ** 2
    return bins.ravel()


@pytest.mark.parametrize('box', [BOX, BoundingBox(20, 10, 280, 220)])
def test_it_is_what_a_slow_loop_gives(box):
    image = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    image = cv2.blur(image, (9, 9))
    assert colour_histogram(image, box) == pytest.approx(slow_histogram(image, box), abs=1e-6)


@pytest.mark.parametrize('box', [
    BoundingBox(-40, 10, 60, 60), BoundingBox(300, 200, 90, 90), BoundingBox(10.4, 10.4, 0.5, 0.5)])
def test_what_there_is_of_a_box_counts_as_a_whole(box):
    assert colour_histogram(scene(), box).sum() == pytest.approx(1)


@pytest.mark.parametrize('box', [BoundingBox(-90, 0, 40, 40), BoundingBox(10, 400, 40, 40)])
def test_a_box_outside_is_like_nothing(box):
    assert ColourTemplate(scene(), BOX).compare(scene(), box) == 0


def test_the_same_in_another_place_and_light_is_like_it_and_other_colours_are_not():
    template = ColourTemplate(scene(), BOX)
    moved = np.roll(scene(), (30, -50), (0, 1))
    there = BoundingBox(BOX.x - 50, BOX.y + 30, BOX.w, BOX.h)
    darker = (scene() * 0.8).astype(np.uint8)
    assert template.compare(moved, there) == pytest.approx(1)
    assert template.compare(darker, BOX) > 0.9
    assert template.compare(scene((200, 60, 40)), BOX) < 0.1


def test_half_of_it_follows_slowly():
    template, other = ColourTemplate(scene(), BOX), scene((120, 120, 120))
    first = template.compare(other, BOX)
    for _ in range(60):
        template.learn(other, BOX)
    assert template.compare(scene(), BOX) == pytest.approx(np.sqrt(0.5), abs=0.02)
    assert template.compare(other, BOX) == pytest.approx(np.sqrt(0.5), abs=0.02) and first < 0.2


def test_less_than_usual_is_strange_within_bounds():
    template = ColourTemplate(scene(), BOX)
    assert template.strangeness(0.1) == 0  # nothing is usual yet
    for _ in range(3):
        template.expect(0.9)
    assert template.strangeness(0.9) == template.strangeness(0.86) == 0
    assert template.strangeness(0.75) == pytest.approx(0.1 * colour.STRENGTH)
    assert template.strangeness(0.0) == colour.MOST


def test_blocks_of_pixels_give_about_the_same():
    image = cv2.blur(scene(), (5, 5))
    half = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
    blocks = ReducedImage(half, 2, (320, 240))
    assert ColourTemplate(image, BOX).compare(blocks, BOX) > 0.98
