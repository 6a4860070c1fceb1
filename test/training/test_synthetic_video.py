"""Simulated camera motion: the box stays on the target, cuts hide it, seeds repeat."""

import cv2
import numpy as np
import pytest

from siamx_ros.training.synthetic_video import (
    BRIGHTNESS, CUT, PASSES, TINT, VIEW, SyntheticVideo, changing_light, cut_away, lit,
    make_synthetic_videos, poorer)
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


def test_the_middle_of_the_box_is_that_of_the_target():
    """To a small part of a pixel: it is drawn where the box says."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[50:70, 70:90] = 255
    pictures = PictureSet([image] * 2, [(i, np.array([[70.0, 50.0, 20.0, 20.0]])) for i in (0, 1)],
                          [], [], [1, 2])
    aside = []
    for seed in range(6):
        video = make_synthetic_videos(pictures, 1, np.random.default_rng(seed))[0]
        inside = (video.boxes[:, :2] > 2).all(1) & (
            video.boxes[:, :2] + video.boxes[:, 2:] < np.array(VIEW) - 2).all(1)
        aside += [middle(image) - box[:2] - box[2:] / 2
                  for image, box, shown in zip(video.images, video.boxes, inside) if shown]
    assert len(aside) > 50 and np.abs(np.mean(aside, 0)).max() < 0.12


def middle(image):
    """The middle of what is white, in pixels from the edges of the image."""
    light = np.where(image[..., 0] > 40, image[..., 0], 0).astype(float)
    y, x = np.indices(light.shape) + 0.5
    return np.array([(light * x).sum(), (light * y).sum()]) / light.sum()


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


def video(count, size, value):
    return SyntheticVideo([np.full((*size, 3), value, np.uint8)] * count, np.ones((count, 4)))


def test_videos_end_with_another_one_in_their_size():
    first, second = cut_away([(1, video(5, (40, 60), 1)), (2, video(30, (20, 30), 2))])
    assert len(first.images) == 5 + CUT and len(second.images) == 30 + 5
    assert {image.shape for image in first.images} == {(40, 60, 3)}
    assert first.images[4].max() == 1 and first.images[5].min() == 2
    assert np.isnan(first.boxes[5:]).all() and np.isfinite(first.boxes[:5]).all()


def test_a_single_video_is_left_as_it_is():
    assert len(cut_away([(1, video(5, (40, 60), 1))])[0].images) == 5


def test_a_video_does_not_end_with_one_of_its_own_scene():
    """In which its target may be, labelled as absent."""
    ends = [{int(image.max()) for image in each.images[5:]} for each in cut_away(
        [(scene, video(5, (40, 60), value)) for scene, value in ((7, 1), (7, 2), (8, 3))])]
    assert ends == [{3}, {3}, {1, 2}]


def test_a_cut_shows_another_target_in_the_place_of_the_last():
    picture = np.zeros((50, 80, 3), np.uint8)
    picture[20:30, 35:45] = 200
    small = SyntheticVideo([picture] * 3, np.tile([35.0, 20.0, 10.0, 10.0], (3, 1)))
    large = SyntheticVideo([np.full((120, 160, 3), 7, np.uint8)] * 2,
                           np.array([[100.0, 40.0, 40.0, 40.0], [20.0, 60.0, 40.0, 40.0]]))
    _, _, first, *_ = cut_away([(1, large), (2, small)])[0].images
    rows, columns = np.nonzero(first[..., 0] > 100)
    assert first.shape == (120, 160, 3)
    assert rows.min() == pytest.approx(60, abs=2) and rows.max() == pytest.approx(99, abs=2)
    assert columns.min() == pytest.approx(20, abs=2) and columns.max() == pytest.approx(59, abs=2)


def test_the_middle_of_another_target_is_that_of_the_last():
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[50:60, 70:80] = 255
    small = SyntheticVideo([picture], np.array([[70.0, 50.0, 10.0, 10.0]]))
    large = SyntheticVideo([np.zeros((300, 400, 3), np.uint8)],
                           np.array([[100.0, 80.0, 120.0, 120.0]]))
    np.testing.assert_allclose(
        middle(cut_away([(1, large), (2, small)])[0].images[1]), [160, 140], atol=0.2)


def test_a_poor_copy_has_fewer_and_smaller_images_and_its_boxes():
    images = [np.full((40, 60, 3), value, np.uint8) for value in range(5)]
    boxes = np.arange(5)[:, None] + np.array([[20.0, 10.0, 12.0, 8.0]])
    poor = poorer(SyntheticVideo(images, boxes), 2)
    assert [image.max() for image in poor.images] == [0, 2, 4]
    assert {image.shape for image in poor.images} == {(20, 30, 3)}
    np.testing.assert_allclose(poor.boxes, boxes[[0, 2, 4]] / 2)
