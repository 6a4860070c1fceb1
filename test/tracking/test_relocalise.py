"""Eq. (10) against its definition, and what each scheme searches."""

import math

import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.tracking.relocalise import SIZES, GlobalSearch, HeatMap, HeatMapSearch

IMAGE = (320, 240)
CONFIG = TrackerConfig()
LOCAL = CropWindow(40.0, 40.0, 100.0, 255)


def box_at(x, y, w=30.0, h=50.0):
    return BoundingBox.from_centre(x, y, w, h)


def test_against_the_definition():
    """Every cell is the sum of two normal densities, cut at three sigmas."""
    heat = HeatMap(IMAGE, CONFIG)
    boxes = [box_at(100, 90), box_at(130, 110, 60, 20)]
    for box in boxes:
        heat.add(box)
    cell = 320 / 128
    for row, column in [(36, 40), (44, 52), (40, 45), (0, 0)]:
        expected = 0.0
        for box in boxes:
            x, y = (column + 0.5) * cell - box.centre[0], (row + 0.5) * cell - box.centre[1]
            sx, sy = 0.5 * box.w, 0.5 * box.h
            if abs(x) <= 3 * sx and abs(y) <= 3 * sy:
                density = math.exp(-0.5 * ((x / sx) ** 2 + (y / sy) ** 2)) / (2 * math.pi * sx * sy)
                expected += density * cell * cell
        assert heat.values[row, column] == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize('kernel, total', [('unit_mass', 1.0), ('unit_peak', None)])
def test_kernel(kernel, total):
    heat = HeatMap(IMAGE, CONFIG.replace({'heat_map_kernel': kernel}))
    heat.add(box_at(161.25, 121.25))
    if total:
        assert heat.values.sum() == pytest.approx(total, rel=0.01)
    else:
        assert heat.values.max() == pytest.approx(1.0, rel=1e-3)


def test_peak_is_where_the_target_was_most():
    heat = HeatMap(IMAGE, CONFIG)
    for _ in range(3):
        heat.add(box_at(60, 70))
    heat.add(box_at(250, 200))
    assert heat.peak() == pytest.approx((60, 70), abs=3)


def test_half_life():
    heat = HeatMap(IMAGE, CONFIG.replace({'heat_map_half_life': 1.0}))
    heat.add(box_at(60, 70))
    before = heat.values.max()
    heat.add(box_at(250, 200))
    assert heat.values[:, :60].max() == pytest.approx(before / 2)


@pytest.mark.parametrize('box', [box_at(-200, 50), box_at(1000, 1000), box_at(0, 0, 5000, 5000)])
def test_boxes_outside_or_huge(box):
    heat = HeatMap(IMAGE, CONFIG)
    heat.add(box)
    assert np.isfinite(heat.values).all()


LITERAL = CONFIG.replace({'heat_map_inhibit': False})


@pytest.mark.parametrize('config', [CONFIG, LITERAL], ids=['sweep', 'literal'])
def test_heat_map_search_goes_to_the_peak(config):
    search = HeatMapSearch(IMAGE, config)
    search.remember(box_at(200, 150))
    (window,) = search.windows(LOCAL)
    assert (window.centre_x, window.centre_y) == pytest.approx((200, 150), abs=3)
    assert (window.side, window.patch_side) == (LOCAL.side, LOCAL.patch_side)


@pytest.mark.parametrize('config', [LITERAL, CONFIG.replace({'heat_map_floor': 0.0})])
def test_no_second_search_of_the_same_place(config):
    search = HeatMapSearch(IMAGE, config)
    search.remember(box_at(45, 45, 10, 10))
    assert search.windows(LOCAL) == []


def target_size(window):
    """Of the target that a window looks for, relative to that of LOCAL."""
    return round(window.side / window.patch_side * LOCAL.patch_side / LOCAL.side, 6)


def visits(search, count):
    """Centres of the windows of ``count`` frames, all of them searched in vain."""
    centres = []
    for _ in range(count):
        for window in search.windows(LOCAL):
            centres.append((window.centre_x, window.centre_y))
            search.missed(window)
    return centres


def test_inhibition_tries_the_next_mode_and_starts_over():
    search = HeatMapSearch(IMAGE, CONFIG.replace({'heat_map_floor': 0.0}))
    for _ in range(5):
        search.remember(box_at(250, 190))
    for _ in range(3):
        search.remember(box_at(200, 60))
    centres = visits(search, 30)
    assert centres[0] == centres[2] == pytest.approx((250, 190), abs=3), 'every other time'
    assert centres[1] == pytest.approx((200, 60), abs=75), 'shown by a window of 200 pixels'
    assert len(centres) == 30 and len(set(centres)) < 10, 'it started over'


def test_a_tiny_target_in_a_large_image_is_swept_for():
    """Windows far smaller than a cell of the heat map: each search moves on."""
    size = (3840, 2160)
    search = HeatMapSearch(size, CONFIG)
    search.remember(box_at(2000, 1000))
    local, centres = CropWindow(2000, 1000, 12.0, 255), []
    for _ in range(60):
        for window in search.windows(local):
            centres.append((window.centre_x, window.centre_y))
            search.missed(window)
    assert len(set(centres)) >= 30, 'every other time at the peak'


def test_the_sweep_shows_every_place_of_the_image_and_starts_over():
    """Windows of 50 to 200 pixels over 320 x 240: each place lies in the middle of one of them."""
    search = HeatMapSearch(IMAGE, CONFIG)
    search.remember(box_at(250, 190))
    windows = [LOCAL]
    for _ in range(60):
        (window,) = search.windows(LOCAL)
        windows.append(window)
        search.missed(window)
    assert len(set(windows)) < 30, 'it started over'
    assert {target_size(window) for window in windows} == set(SIZES)
    for x in range(25, 296, 5):
        for y in range(25, 216, 5):
            assert any(abs(x - window.centre_x) <= 0.375 * window.side
                       and abs(y - window.centre_y) <= 0.375 * window.side
                       for window in windows), (x, y)
    for window in windows[1:]:
        x0, y0, x1, y1 = window.box.corners
        assert (x0 >= 0 and x1 <= IMAGE[0]) or (x0 < 0 and window.centre_x == IMAGE[0] / 2)
        assert (y0 >= 0 and y1 <= IMAGE[1]) or (y0 < 0 and window.centre_y == IMAGE[1] / 2)


def test_after_a_return_the_sweep_begins_with_the_usual_size():
    search = HeatMapSearch(IMAGE, CONFIG)
    search.remember(box_at(60, 60))
    sizes = []
    for _ in range(3):
        (window,) = search.windows(LOCAL)
        sizes.append(target_size(window))
        search.missed(window)
    assert sizes == list(SIZES[:3])
    search.found()
    assert target_size(search.windows(LOCAL)[0]) == 1.0


@pytest.mark.parametrize('side, patch, wide', [
    (100.0, 255, 511), (100.0, 207, 415), (100.0, 415, 831), (100.0, 799, 831), (100.0, 1007, 1007),
    (350.0, 255, 255)])
def test_a_sweep_is_wide_where_the_image_has_more_to_show(side, patch, wide):
    """At the same scale; the patch it needs is one that the tracker prepares."""
    local = CropWindow(40.0, 40.0, side, patch)
    search = HeatMapSearch(IMAGE, CONFIG)
    search.remember(box_at(45, 45))
    (window,) = search.windows(local)
    assert window.patch_side == wide
    assert window.side / wide == pytest.approx(side / patch)
    (example,) = search.examples(local)
    assert wide in (patch, example.patch_side)


def test_wide_windows_sweep_a_large_image_sooner():
    local = CropWindow(400.0, 400.0, 100.0, 255)
    search = HeatMapSearch((1280, 720), CONFIG)
    search.remember(box_at(400, 400))
    count = 0
    places = np.stack(np.meshgrid(np.arange(5, 1280, 10), np.arange(5, 720, 10)), -1)
    unseen = ~shown(local, places)
    while unseen.any():
        (window,) = search.windows(local)
        unseen &= ~shown(window, places)
        search.missed(window)
        count += 1
    assert count < 1280 * 720 / 75 ** 2 / 3, 'narrow windows show 75 x 75 new pixels each'


@pytest.mark.parametrize('floor', [0.01, 0.04])
def test_a_low_floor_sweeps_the_image_too(floor):
    """Also where all that was seen lies in the local window."""
    search = HeatMapSearch(IMAGE, CONFIG.replace({'heat_map_floor': floor}))
    search.remember(box_at(45, 45, 10, 10))
    assert len(set(visits(search, 48))) >= 6


def test_without_inhibition_the_peak_stays():
    search = HeatMapSearch(IMAGE, LITERAL)
    search.remember(box_at(250, 200))
    first = search.windows(LOCAL)
    search.missed(first[0])
    assert search.windows(LOCAL) == first


@pytest.mark.parametrize('image_size', [(455, 256), (320, 240), (333, 187), (640, 480), (257, 401)])
@pytest.mark.parametrize('side, stretch', [
    (20.0, 1.0), (31.0, 1.0), (77.0, 1.4), (77.0, 0.6), (120.0, 2.0), (150.0, 1.0), (199.0, 0.5)])
def test_a_sweep_goes_on_whatever_the_geometry(image_size, side, stretch):
    """No window is searched twice before each place lies in one of them, or all show the image."""
    local = CropWindow(60.0, 70.0, side, 255, stretch)
    search = HeatMapSearch(image_size, CONFIG)
    search.remember(box_at(60, 70))
    windows = [local]
    places = np.stack(np.meshgrid(*(np.linspace(0, length, 60) for length in image_size)), -1)
    unseen = ~shown(local, places)
    for _ in range(5000):
        found = search.windows(local)
        if not found or not unseen.any():
            break
        windows += found
        unseen &= ~shown(found[0], places)
        search.missed(found[0])
    assert not unseen.any() and len(set(windows)) == len(windows)


def shown(window, places):
    """Which of the places (... x 2) lie in a window."""
    half = np.array([window.width, window.height]) / 2 + 1e-6
    return (np.abs(places - (window.centre_x, window.centre_y)) <= half).all(-1)


@pytest.mark.parametrize('image_size, local', [
    (IMAGE, LOCAL), ((1920, 1080), LOCAL), (IMAGE, CropWindow(40, 40, 100, 255, 0.6)),
    ((1920, 1080), CropWindow(40, 40, 100, 255, 1.7))])
def test_global_search_covers_the_image(image_size, local):
    (window,) = GlobalSearch(image_size, CONFIG).windows(local)
    x0, y0, x1, y1 = window.box.corners
    assert x0 <= 0 and y0 <= 0 and x1 >= image_size[0] and y1 >= image_size[1]
    assert window.patch_side <= 831 and window.patch_side % 16 == 15
