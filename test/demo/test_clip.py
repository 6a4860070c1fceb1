from __future__ import annotations

import builtins
import copy
from itertools import islice

import cv2
import numpy as np
import pytest

from siamx_ros.demo.clip import HEIGHT, WIDTH, DemoClip
from siamx_ros.errors import InputError
from siamx_ros.synthetic import LEAST_VISIBLE


def magenta(clip: DemoClip) -> DemoClip:
    """The same clip with a target of one colour that nothing else has."""
    painted = copy.copy(clip)
    painted.target = clip.target.copy()
    painted.target[..., :3] = 255, 0, 255
    return painted


def test_it_is_twenty_seconds_of_vga(clip):
    assert (clip.frame_count, clip.fps) == (600, 30.0)
    for index in (0, 599):
        image = clip.image(index)
        assert image.shape == (HEIGHT, WIDTH, 3) == (480, 640, 3)
        assert image.dtype == np.uint8


def test_images_of_the_clip_are_numbered(clip):
    numbers = [(clip.number, image.mean()) for image in islice(clip, 3)]
    assert numbers == [(number, clip.image(number).mean()) for number in range(3)]


def test_the_same_seed_gives_the_same_pixels(clip):
    other = DemoClip()
    for index in (0, 150, 599):
        assert np.array_equal(clip.image(index), other.image(index))
    assert not np.array_equal(DemoClip(seconds=0.1, seed=8).image(0), clip.image(0))


@pytest.mark.parametrize('index', [20, 110, 340, 480, 500, 560])
def test_boxes_enclose_the_cup_to_a_pixel(clip, index):
    blue, green, red = (magenta(clip).image(index)[..., k].astype(int) for k in range(3))
    mask = ((np.minimum(red, blue) > 150) & (green < 90)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5)))  # without specks of the rugs
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x, y, w, h = clip.boxes_xywh[index]
    found = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    assert found == pytest.approx((x, max(y, 0), x + w, y + h), abs=1.6)


def test_the_target_is_occluded_leaves_and_comes_back_elsewhere(clip):
    hidden = np.isnan(clip.boxes_xywh[:, 0])
    edges = np.flatnonzero(np.diff(hidden.astype(int)))
    assert len(edges) == 4, 'one occlusion, one absence'
    seconds = np.diff(edges)[::2] / clip.fps
    assert (seconds > 1.0).all() and (seconds < 4.0).all()
    assert ((clip.visible_shares < LEAST_VISIBLE) == hidden).all()
    assert clip.visible_shares[edges[0] + 10] == 0.0
    before, after = clip.boxes_xywh[edges[2], :2], clip.boxes_xywh[edges[3] + 1, :2]
    assert np.hypot(*(after - before)) > 200


def test_the_target_moves_fast_at_times(clip):
    centres = clip.boxes_xywh[:, :2] + clip.boxes_xywh[:, 2:] / 2
    steps = np.hypot(*np.diff(centres, axis=0).T)
    assert np.nanmax(steps) > 15


def test_the_roof_covers_the_target(clip):
    index = int(np.flatnonzero(clip.visible_shares[:300] == 0)[10])
    image = clip.image(index).astype(int)
    red = (image[..., 2] > 110) & (image[..., 1] < 60) & (image[..., 0] < 50)
    assert red.sum() < 20


def test_without_scikit_image_the_error_says_what_to_do(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith('skimage'):
            raise ImportError(name)
        return real_import(name, *args, **kwargs)
    monkeypatch.setattr(builtins, '__import__', refuse)
    with pytest.raises(InputError, match='scikit-image.*--video'):
        DemoClip(seconds=0.1)
