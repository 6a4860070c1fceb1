"""The scale template on known zooms, its histograms against a slow loop."""

import cv2
import numpy as np
import pytest

from siamx_ros.reduced_image import area_around, halved
from siamx_ros.tracking import scale
from siamx_ros.tracking.scale import ScaleTemplate, gradient_histograms


@pytest.fixture
def picture():
    """640 x 480 of smooth random texture."""
    noise = np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return cv2.GaussianBlur(cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC), (0, 0), 2)


def zoomed(picture, factor, centre=(320.0, 240.0)):
    x, y = centre[0] - 0.5, centre[1] - 0.5  # of pixel centres, which warpAffine counts by
    matrix = np.array([[factor, 0, x * (1 - factor)], [0, factor, y * (1 - factor)]])
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize('size', [(60.0, 40.0), (200.0, 150.0)])
@pytest.mark.parametrize('factor', [0.8, 0.94, 0.97, 1.0, 1.03, 1.06, 1.25])
def test_a_zoom_is_measured(picture, size, factor):
    template = ScaleTemplate(picture, (320.0, 240.0), size)
    match = template.find(zoomed(picture, factor), (320.0, 240.0), size)
    assert match.factor == pytest.approx(factor, rel=0.012) and match.similarity > 0.8


@pytest.mark.parametrize('size', [(40.0, 40.0), (41.0, 63.0), (160.0, 90.0)])
def test_the_described_area_is_centred(size):
    """A bright target on black lies in the middle of every patch, to an eighth of its pixels."""
    image = np.zeros((240, 320, 3), np.uint8)
    left, top = 100, 80
    image[top:top + int(size[1]), left:left + int(size[0])] = 200
    centre = left + int(size[0]) / 2, top + int(size[1]) / 2
    source = scale._source(image, centre, (1.7 * size[0], 1.7 * size[1]), 3)
    patches = scale._cut(source, -3, 3)
    for patch in patches.reshape(7, scale.WIDTH, scale.WIDTH):
        weights = patch.astype(float) / patch.sum()
        places = np.arange(scale.WIDTH) + 0.5
        assert weights.sum(0) @ places == pytest.approx(scale.WIDTH / 2, abs=0.125)
        assert weights.sum(1) @ places == pytest.approx(scale.WIDTH / 2, abs=0.125)


@pytest.mark.parametrize('factor', [0.8, 0.92, 0.98, 1.0, 1.07, 1.12, 1.25])
def test_scales_that_are_not_tried_would_not_have_been_chosen(picture, factor, monkeypatch):
    template = ScaleTemplate(picture, (320.0, 240.0), (80.0, 60.0))
    seen = zoomed(picture, factor), (320.0, 240.0), (80.0, 60.0)
    match = template.find(*seen)
    monkeypatch.setattr(scale, 'NEAR', scale.REACH)
    assert template.find(*seen) == pytest.approx(match, rel=1e-4)


@pytest.mark.parametrize('times', [(0, 0), (1, 1), (2, 1), (0, 3)])
def test_what_is_halved_is_averaged(times):
    pixels = np.random.default_rng(2).integers(0, 256, (48, 64), np.uint8)
    wide, high = 2 ** times[0], 2 ** times[1]
    slow = pixels.reshape(48 // high, high, 64 // wide, wide).mean((1, 3))
    np.testing.assert_allclose(halved(pixels, *times), slow, atol=1.5)


def test_a_size_that_is_wrong_is_found_again_and_again(picture):
    """It does not get used to it: the comparison is with the true size, not with the last frame."""
    template = ScaleTemplate(picture, (320.0, 240.0), (80.0, 80.0))
    for _ in range(5):
        match = template.find(picture, (320.0, 240.0), (100.0, 100.0))
        assert match.factor == pytest.approx(0.8, rel=0.012)


def test_something_else_is_not_similar(picture):
    template = ScaleTemplate(picture, (320.0, 240.0), (80.0, 80.0))
    assert template.find(picture[::-1, ::-1].copy(), (320.0, 240.0), (80.0, 80.0)).similarity < 0.4


def test_half_of_an_appearance_is_compared_at_full_length(picture):
    """Half learnt, it is the mean of two unlike ones: it correlates by 0.7 with each, not 0.5."""
    other = picture[::-1, ::-1].copy()
    template = ScaleTemplate(picture, (320.0, 240.0), (80.0, 80.0))
    for _ in range(23):
        template.learn(other, (320.0, 240.0), (80.0, 80.0))
    for shown in (picture, other):
        similarity = template.find(shown, (320.0, 240.0), (80.0, 80.0)).similarity
        assert similarity == pytest.approx(0.7, abs=0.12)


def test_learning_moves_towards_the_new_appearance(picture):
    other = picture[::-1, ::-1].copy()
    template = ScaleTemplate(picture, (320.0, 240.0), (80.0, 80.0))
    for _ in range(200):
        template.learn(other, (320.0, 240.0), (80.0, 80.0))
    match = template.find(zoomed(other, 1.05), (320.0, 240.0), (80.0, 80.0))
    assert match.factor == pytest.approx(1.05, rel=0.02)


@pytest.mark.parametrize('centre', [(0.0, 0.0), (639.0, 479.0), (-50.0, 240.0)])
def test_targets_at_the_edge_give_a_finite_factor(picture, centre):
    template = ScaleTemplate(picture, centre, (120.0, 90.0))
    assert 0.7 < template.find(picture, centre, (120.0, 90.0)).factor < 1.4


@pytest.mark.parametrize('corner', [(-7, -5), (620, 470), (-40, 100), (700, 100), (20, -90)])
def test_edges_are_repeated_outside_the_image(picture, corner):
    x, y = (low + np.arange(side) for low, side in zip(corner, (40, 60)))
    slow = picture[y.clip(0, 479)[:, None], x.clip(0, 639)]
    np.testing.assert_array_equal(area_around(picture, corner, (40, 60)), slow)


def test_a_picture_without_texture_has_no_say():
    flat = np.full((100, 100, 3), 90, np.uint8)
    template = ScaleTemplate(flat, (50.0, 50.0), (30.0, 30.0))
    assert template.find(flat, (50.0, 50.0), (30.0, 30.0)).similarity == pytest.approx(0.0)


def test_histograms_equal_a_slow_loop():
    patches = np.random.default_rng(7).integers(0, 256, (2, 50, 50)).astype(np.uint8)
    fast = gradient_histograms(patches.reshape(100, 50)).reshape(2, 6, 6, 9)
    for patch, histograms in zip(patches.astype(float), fast):
        dy, dx = (slope[1:-1, 1:-1] for slope in np.gradient(patch))
        slow = np.zeros((6, 6, 9))
        for y in range(48):
            for x in range(48):
                magnitude = np.hypot(2 * dx[y, x], 2 * dy[y, x])  # of pixels two apart
                place = (np.arctan2(dy[y, x], dx[y, x]) % (2 * np.pi)) * 9 / np.pi
                low = int(np.floor(place))
                slow[y // 8, x // 8, low % 9] += magnitude * (1 - place + low)
                slow[y // 8, x // 8, (low + 1) % 9] += magnitude * (place - low)
        energy = np.pad(np.sqrt((slow ** 2).sum(-1)), 1, mode='reflect')
        around = np.array([[energy[y:y + 3, x:x + 3].mean() for x in range(6)] for y in range(6)])
        slow /= (around + scale.ENERGY_FLOOR)[..., None]
        # OpenCV's fast arctangent is good to a third of a degree.
        np.testing.assert_allclose(histograms, slow, atol=0.02)
