from __future__ import annotations

import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.synthetic import LEAST_VISIBLE, sequence


def changed_region(clip, index) -> tuple[int, int, int, int]:
    """Columns and rows in which a frame differs from the empty background."""
    empty = clip._background.astype(int)
    changed = np.abs(clip.image(index).astype(int) - empty).max(-1) > 25
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def test_the_same_arguments_give_the_same_pixels():
    first, second, other = sequence(seed=3), sequence(seed=3), sequence(seed=4)
    for index in (0, 31, 59):
        assert np.array_equal(first.image(index), second.image(index))
    assert not np.array_equal(first.image(0), other.image(0))
    assert not np.array_equal(first.image(0), first.image(1))


def test_frames_can_be_asked_for_in_any_order():
    clip = sequence(frames=8)
    late = clip.image(5).copy()
    assert np.array_equal(list(clip)[5], late)
    assert len(clip) == clip.frame_count == len(list(clip)) == 8
    with pytest.raises(IndexError):
        clip.image(8)


def test_boxes_lie_on_the_target():
    clip = sequence(frames=40, noise=0.0)
    for index in (0, 13, 27, 39):
        x0, y0, x1, y1 = changed_region(clip, index)
        x, y, w, h = clip.boxes_xywh[index]
        assert (x0, y0, x1, y1) == pytest.approx((x, y, x + w, y + h), abs=2.0)


def test_speed_is_the_greatest_step():
    clip = sequence(frames=200, speed=4.0)
    steps = np.hypot(*np.diff(clip.boxes_xywh[:, :2], axis=0).T)
    assert steps.max() == pytest.approx(4.0, rel=0.02)
    assert clip.visible_shares.min() == pytest.approx(1.0)


def test_an_occluded_target_is_hidden():
    clip = sequence(frames=20, occluded=(5, 9), noise=0.0)
    hidden = np.isnan(clip.boxes_xywh).all(1)
    assert np.flatnonzero(hidden).tolist() == [5, 6, 7, 8]
    open_clip = sequence(frames=20, noise=0.0)
    x, y, w, h = (round(n) for n in open_clip.boxes_xywh[6])
    inside = slice(y + 2, y + h - 2), slice(x + 2, x + w - 2)
    covered, shown = clip.image(6)[inside], open_clip.image(6)[inside]
    saturation = [np.ptp(part.astype(int), axis=2).mean() for part in (covered, shown)]
    assert saturation[0] < 0.5 * saturation[1]


def test_a_target_that_leaves_becomes_nan_and_comes_back():
    columns = np.concatenate([np.linspace(100, -60, 20), np.linspace(-60, 100, 20)])
    clip = sequence(centres=np.stack([columns, np.full(40, 120)], axis=1))
    hidden = np.isnan(clip.boxes_xywh[:, 0])
    assert not hidden[0] and hidden[19] and not hidden[39]
    assert ((clip.visible_shares < LEAST_VISIBLE) == hidden).all()
    assert clip.image(19).shape == (240, 320, 3)


def test_nonsense_is_refused():
    for centres in (np.zeros((0, 2)), np.zeros((4, 3)), np.full((3, 2), -900.0)):
        with pytest.raises(InputError):
            sequence(centres=centres)
