"""Eq. (5) and (6), penalties and the size update, by hand and against a slow second form."""

import math

import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.tracking import decode

WINDOW = CropWindow(100.0, 60.0, 51.0, 255)
PLAIN = TrackerConfig().replace({'penalty_k': 0.0})


def maps(cells=25, size=40.0):
    return np.full((cells, cells), 0.1), np.full((4, cells, cells), size / 2)


def choose(scores, distances, window, last, config, influence):
    weighed = decode.weigh(scores, distances, window, last, config, influence)
    return decode.choose(weighed, distances, window, config.size_lr)


def test_grid_is_centred():
    grid = decode.cell_centres(25, 255)
    assert grid[12] == 127.5 and grid[0] == 31.5 and grid[24] == 223.5
    assert decode.cell_centres(29, 287)[14] == 143.5


def test_corners_by_hand():
    distances = np.zeros((4, 25, 25))
    distances[:, 3, 20] = 10, 20, 30, 40
    box = decode.box_at(distances, (3, 20), CropWindow(127.5, 127.5, 255, 255))
    assert box.corners == (191.5 - 10, 55.5 - 20, 191.5 + 30, 55.5 + 40)


def test_candidate_lands_in_the_image():
    """Cell (12, 14) is 16 patch pixels right of the centre; the patch shows 5 px an image px."""
    scores, distances = maps()
    scores[12, 14] = 0.9
    candidate = choose(scores, distances, WINDOW, BoundingBox(0, 0, 8, 8), PLAIN, 0.0)
    assert candidate.cell == (12, 14) and candidate.score == 0.9
    assert candidate.box.centre == pytest.approx((100 + 16 / 5, 60.0))
    assert (candidate.box.w, candidate.box.h) == pytest.approx((8, 8))


def test_in_a_stretched_window_a_box_that_stays_as_it_is_is_no_change():
    """A target of 8 x 32 pixels is 40 x 40 in the patch: its size follows by the score alone."""
    scores, distances = maps()
    scores[12, 12] = 0.9
    window = CropWindow(100.0, 60.0, math.sqrt(51 * 204), 255, stretch=0.5)
    candidate = choose(
        scores, distances, window, BoundingBox(0, 0, 8, 32), TrackerConfig(), 0.0)
    assert (candidate.box.w, candidate.box.h) == pytest.approx((8, 32))
    assert candidate.size_rate == pytest.approx(0.9 * TrackerConfig().size_lr)
    assert decode.reach(window) == pytest.approx(96 * 51 / 255), 'along the shorter side'


def test_ties_go_to_the_first_cell():
    scores, distances = maps()
    assert choose(
        scores, distances, WINDOW, BoundingBox(0, 0, 8, 8), PLAIN, 0.0).cell == (0, 0)


def test_cosine_window_prefers_the_centre_but_is_not_in_the_score():
    scores, distances = maps()
    scores[2, 2] = 0.5
    scores[12, 12] = 0.4
    last = BoundingBox(0, 0, 8, 8)
    far = choose(scores, distances, WINDOW, last, PLAIN, 0.0)
    near = choose(scores, distances, WINDOW, last, PLAIN, 0.4)
    assert far.cell == (2, 2) and near.cell == (12, 12)
    assert near.score == 0.4
    assert decode.cosine_window(25, 25)[0].max() == 0 and decode.cosine_window(25, 25)[12, 12] == 1


def test_a_smaller_patch_is_chosen_from_like_the_middle_of_the_whole_one():
    rng = np.random.default_rng(1)
    small = CropWindow(WINDOW.centre_x, WINDOW.centre_y, WINDOW.side * 207 / 255, 207)
    for _ in range(20):
        scores, distances = maps()
        scores[3:22, 3:22] = rng.uniform(0.2, 0.6, (19, 19))
        last = BoundingBox(0, 0, 8, 8)
        whole = choose(scores, distances, WINDOW, last, PLAIN, 0.4)
        part = choose(
            scores[3:22, 3:22], distances[:, 3:22, 3:22], small, last, PLAIN, 0.4)
        assert whole.cell == (part.cell[0] + 3, part.cell[1] + 3)
        assert part.box.xywh == pytest.approx(whole.box.xywh)


@pytest.mark.parametrize('cells, whole, expected', [
    (25, 25, np.hanning(25)), (19, 25, np.hanning(25)[3:22]), (31, 25, np.hanning(31))])
def test_a_smaller_map_weighs_its_places_as_the_whole_one_does(cells, whole, expected):
    np.testing.assert_array_equal(
        decode.cosine_window(cells, whole), np.outer(expected, expected))


@pytest.mark.parametrize(
    'w, h, last_w, last_h', [(40, 40, 40, 40), (80, 40, 40, 40), (10, 70, 33, 9)])
def test_penalty_against_its_formula(w, h, last_w, last_h):
    def size(a, b):
        pad = 0.5 * (a + b)
        return math.sqrt((a + pad) * (b + pad))
    change = max(size(w, h) / size(last_w, last_h), size(last_w, last_h) / size(w, h))
    aspect = max((last_w / last_h) / (w / h), (w / h) / (last_w / last_h))
    expected = math.exp(-(change * aspect - 1) * 0.062)
    seen = decode.size_penalty(np.array([w], float), np.array([h], float), last_w, last_h, 0.062)
    assert seen[0] == pytest.approx(expected)
    assert (seen[0] == 1) == ((w, h) == (last_w, last_h))


def test_size_is_smoothed_twice():
    candidate = decode.Candidate(BoundingBox(0, 0, 140, 50), 1.0, 0.7122, 0.0, (0, 0), WINDOW)
    w, h = decode.smoothed_size(BoundingBox(5, 5, 100, 50), candidate)
    assert w == pytest.approx(120.29, abs=0.01) and h == 50


def test_peak_ratio_ignores_the_peak_itself():
    scores, distances = maps()
    scores[12, 12], scores[12, 14], scores[3, 3] = 0.8, 0.7, 0.2
    candidate = choose(scores, distances, WINDOW, BoundingBox(0, 0, 8, 8), PLAIN, 0.0)
    assert candidate.peak_ratio == pytest.approx(0.25)
