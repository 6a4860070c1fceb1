"""Simulated camera motion: the box stays on the target, cuts hide it, seeds repeat."""

import cv2
import numpy as np
import pytest

from siamx_ros.training.synthetic_video import (
    BRIGHTNESS, PASSES, TINT, VIEW, changing_light, lit, make_synthetic_videos)
from siamx_ros.training.pictures import PictureSet


@pytest.fixture
def pictures():
    """Two textured photographs; a pure red square of 60 x 40 is the target."""
    rng = np.random.default_rng(2)
    images = []
    for _ in range(2):
        image = cv2.resize(rng.integers(60, 200, (30, 40, 3), dtype=np.uint8), (400, 300))
        image[..., 2] = 0
        image[120:160, 150:210] = (0, 0, 255)
        images.append(image)
    boxes = np.array([[150.0, 120.0, 60.0, 40.0]])
    return PictureSet(images, [(0, boxes), (1, boxes)], [], [], [1, 2])


def test_the_box_covers_the_target(pictures):
    shares = []
    for seed in range(6):
        video = make_synthetic_videos(pictures, 1, np.random.default_rng(seed))[0]
        for image, box in zip(video.images, video.boxes):
            if np.isnan(box).any():
                continue
            x, y, w, h = box
            assert x > -w / 2 and y > -h / 2 and x + w / 2 < VIEW[0] and y + h / 2 < VIEW[1]
            cx, cy = int(x + w / 2), int(y + h / 2)
            inner = image[max(0, cy - int(h / 5)):cy + int(h / 5) + 1,
                          max(0, cx - int(w / 5)):cx + int(w / 5) + 1].astype(int)
            shares.append(np.mean(inner[..., 2] > inner[..., 0] + 40))
    assert np.mean(np.array(shares) > 0.95) > 0.95


def test_cuts_hide_the_target(pictures):
    video = make_synthetic_videos(pictures, 1, np.random.default_rng(0))[0]
    shown = np.isfinite(video.boxes).all(1)
    wanted = np.zeros(PASSES[-1][1], bool)
    for begin, stop in PASSES:
        wanted[begin:stop] = True
    assert (shown == wanted).all() and len(video.images) == len(wanted)


def test_the_cut_shows_another_photograph(pictures):
    """The other photograph is never the target's own."""
    pictures.images[1][:] = 0
    for video in make_synthetic_videos(pictures, 10, np.random.default_rng(0)):
        shown = np.isfinite(video.boxes).all(1)
        brightness = np.array([image.mean() for image in video.images])
        assert (brightness[shown].min() > 20) != (brightness[~shown].min() > 20)


def test_without_targets_to_fly_over_there_are_no_videos(pictures):
    too_large = np.array([[10.0, 10.0, 300.0, 200.0]])
    one = PictureSet(pictures.images, [pictures.boxed[0], (1, too_large)], [], [], [1, 2])
    assert make_synthetic_videos(one, 3, np.random.default_rng(0)) == []
    assert make_synthetic_videos(PictureSet([], [], [], [], []), 3, np.random.default_rng(0)) == []


def test_a_seed_repeats(pictures):
    one, two = (
        make_synthetic_videos(pictures, 1, np.random.default_rng(9))[0] for _ in range(2))
    assert all((a == b).all() for a, b in zip(one.images, two.images))
    np.testing.assert_array_equal(one.boxes, two.boxes)


def test_the_light_changes_evenly_from_none():
    grey = np.full((8, 8, 3), 100, np.uint8)
    ends = set()
    for seed in range(8):
        gains = changing_light(5, np.random.default_rng(seed))
        steps = np.diff(np.log2(gains), axis=0)
        assert gains.shape == (5, 3) and (gains[0] == 1).all()
        assert np.ptp(steps, axis=0).max() < 1e-9
        assert np.abs(np.log2(gains)).max() <= BRIGHTNESS + TINT
        assert (lit(grey, gains[-1]) == np.rint(100 * gains[-1])).all()
        ends.add(tuple(gains[-1]))
    assert len(ends) == 8 and (lit(grey, np.full(3, 3.0)) == 255).all()
