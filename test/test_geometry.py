"""Boxes as they are given, and the windows that are cut around them."""

import cv2
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox, CropWindow, context_side, iou_xywh
from siamx_ros.imaging import crop, warp
from siamx_ros.patch_geometry import SquareGeometry, StretchedGeometry


@pytest.mark.parametrize('given', [
    BoundingBox(1, 2, 3, 4), (1, 2, 3, 4), [1, 2, 3, 4], np.array([1, 2, 3, 4], np.uint8)])
def test_four_numbers_are_a_box(given):
    assert BoundingBox.of(given).xywh == (1, 2, 3, 4)


@pytest.mark.parametrize('given', [
    None, 7, 'abcd', '1234', ('1', '2', '3', '4'), (1, 2, 3), range(5), np.ones((2, 4)),
    (1, 2, None, 4)])
def test_anything_else_is_a_type_error(given):
    with pytest.raises(TypeError, match='must be a BoundingBox or four numbers'):
        BoundingBox.of(given)


@pytest.mark.parametrize('box, words', [
    ((1, 2, 0, 4), 'positive'), ((0, 0, 4, -1), 'positive'), ((np.nan, 0, 4, 4), 'finite'),
    ((0, np.inf, 4, 4), 'finite'), ((100, 80, 1e-200, 1e-200), 'an area that is neither 0')])
def test_numbers_that_make_no_box_are_refused(box, words):
    with pytest.raises(InputError, match=words):
        BoundingBox.of(box)


@pytest.mark.parametrize('window', [
    CropWindow(50, 40, 30, 255), CropWindow(50.3, 41.7, 24, 127, stretch=1.5)])
def test_a_box_goes_to_the_patch_and_back(window):
    box = BoundingBox(45, 30, 8, 12)
    assert window.to_image(window.to_patch(box)).xywh == pytest.approx(box.xywh)
    whole = window.to_patch(window.box)
    assert whole.xywh == pytest.approx((0, 0, window.patch_side, window.patch_side), abs=1e-9)
    assert window.width * window.height == pytest.approx(window.side ** 2)


def test_a_stretched_window_is_cut_as_its_boxes_are_mapped():
    image = np.zeros((120, 160, 3), np.uint8)
    image[40:80, 60:80] = 255
    window = StretchedGeometry(1.4, 5.0).search_window(BoundingBox(60, 40, 20, 40), 255)
    rows, columns = np.nonzero(crop(image, window, (0, 0, 0))[..., 0] > 127)
    seen = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert seen == pytest.approx((102, 102, 153, 153), abs=1.01)


def test_square_windows_have_one_scale():
    box = BoundingBox(10, 20, 30, 60)
    template = SquareGeometry().template_window(box)
    search = SquareGeometry().search_window(box, 255)
    assert template.side == context_side(30, 60) and template.stretch == search.stretch == 1
    assert template.scales == pytest.approx(search.scales)
    assert template.box.centre == search.box.centre == box.centre


@pytest.mark.parametrize('size', [127, 207, 255, 271])
def test_every_target_is_square_and_of_one_size_in_stretched_windows(size):
    geometry = StretchedGeometry(1.4, 5.0)
    for box in (BoundingBox(10, 20, 30, 60), BoundingBox(5, 5, 200, 20)):
        inside = geometry.search_window(box, size).to_patch(box)
        assert inside.xywh == pytest.approx(((size - 51) / 2, (size - 51) / 2, 51, 51))
        inside = geometry.template_window(box).to_patch(box)
        assert (inside.w, inside.h) == pytest.approx((127 / 1.4, 127 / 1.4))


def test_overlaps_of_two_boxes_are_those_of_many():
    numbers = np.random.default_rng(0).uniform(1, 40, (200, 2, 4))
    pairs = [(BoundingBox(*one), BoundingBox(*other)) for one, other in numbers]
    slow = iou_xywh(numbers[:, 0], numbers[:, 1])
    assert [one.iou(other) for one, other in pairs] == pytest.approx(slow) and 0 in slow


@pytest.mark.parametrize('window', [
    CropWindow(320.3, 240.2, 230, 207, 1.1), CropWindow(320.3, 240.2, 500, 207),
    CropWindow(290.7, 250.1, 1000, 207, 0.9), CropWindow(20.3, 440.2, 300, 207)],
    ids=['fine', 'halved', 'halved twice', 'at the edge'])
def test_a_window_on_whole_pixels_is_cut_as_any_other(window):
    """Faster, to a grey level; and it is nearly the same window."""
    coarse = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    image, fill = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC), (10, 200, 30)
    snapped = window.on_pixels()
    assert snapped.is_on_pixels and not window.is_on_pixels
    corners = window.to_patch(snapped.box).corners
    assert corners == pytest.approx((0, 0, 207, 207), abs=0.5 + 1e-6)
    (x, y), (left, top) = (1 / scale for scale in snapped.scales), snapped.box.xywh[:2]
    slow = warp(image, np.array([[x, 0, left + x / 2 - 0.5], [0, y, top + y / 2 - 0.5]]), 207, fill)
    difference = np.abs(crop(image, snapped, fill).astype(int) - slow)
    assert difference.max() <= 1 and difference.mean() < 0.2


def test_a_window_of_fewer_pixels_than_its_patch_stays_where_it_is():
    window = CropWindow(50.3, 41.7, 100, 127)
    assert window.on_pixels() is window


def test_a_window_of_no_pixel_is_cut_between_them():
    image = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    window = CropWindow(10.0, 10.0, 5e-7, 31)
    assert not window.is_on_pixels
    patch = crop(image, window, (0.0, 0.0, 0.0))
    assert np.ptp(patch, (0, 1)).max() <= 1, 'one place of the image, all over'


@pytest.mark.parametrize('number', range(40))
def test_the_part_of_a_box_inside_an_image_by_counting_pixels(number):
    x0, x1, y0, y1 = np.random.default_rng(number).integers(-12, 40, 4).tolist()
    x0, x1, y0, y1 = min(x0, x1), max(x0, x1) + 1, min(y0, y1), max(y0, y1) + 1
    box = BoundingBox.from_corners(x0, y0, x1, y1)
    assert box.corners == (x0, y0, x1, y1) and box.centre == ((x0 + x1) / 2, (y0 + y1) / 2)
    inside = [(x, y) for x in range(x0, x1) for y in range(y0, y1) if 0 <= x < 30 and 0 <= y < 20]
    assert box.visible_share(30, 20) == pytest.approx(len(inside) / ((x1 - x0) * (y1 - y0)))
    if not inside:
        with pytest.raises(InputError, match='lies outside the image of 30x20 pixels'):
            box.clipped(30, 20)
        return
    columns, rows = zip(*inside)
    assert box.clipped(30, 20).corners == (
        min(columns), min(rows), max(columns) + 1, max(rows) + 1)


def test_the_context_of_a_template_window():
    """Half of the mean side is added to each side."""
    assert context_side(60, 20) == pytest.approx(((60 + 40) * (20 + 40)) ** 0.5)
    assert context_side(60, 20, context=0.25) == pytest.approx(((60 + 20) * (20 + 20)) ** 0.5)


@pytest.mark.parametrize('values', [
    (float('nan'), 0, 10, 255), (0, float('inf'), 10, 255), (0, 0, 0, 255), (0, 0, -1, 255),
    (0, 0, float('inf'), 255), (0, 0, 10, 0), (0, 0, 10, 255, 0), (0, 0, 10, 255, float('nan'))])
def test_a_window_of_no_place_or_extent_is_refused(values):
    with pytest.raises(InputError, match='a window needs a'):
        CropWindow(*values)


def test_a_window_in_an_image_of_blocks_shows_the_same():
    window = CropWindow(100.0, 60.0, 80.0, 127, 1.25)
    box = BoundingBox(80, 50, 24, 12)
    small = BoundingBox(*(value / 4 for value in box.xywh))
    assert window.reduced(4).to_patch(small).xywh == pytest.approx(window.to_patch(box).xywh)
