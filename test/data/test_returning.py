"""Returns at another size, by another side and out of an occlusion: where the target is then."""

import cv2
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.data.interruption import interrupted
from siamx_ros.data.returning import (
    COVER, ENTRY, PAN, Chance, Return, ReturnCamera, returned)
from siamx_ros.data.sequence import read_folder
from siamx_ros.errors import InputError

SIZE = (160, 120)
STILL = np.tile([58.0, 40, 20, 24], (30, 1))
"""Left of the middle."""


def chance(pan=(0.0, 0.0), zoom=0.0, leftwards=False):
    return Chance(np.array(pan), zoom, leftwards)


def picture(boxes=STILL[:1], size=SIZE):
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    for x, y, w, h in boxes.astype(int):
        image[y:y + h, x:x + w] = (0, 0, 255)
    return image


def red(image):
    """Where the target is seen: x, y, w, h of all that is red; None if nothing is."""
    rows, columns = np.nonzero((image[..., 2] > 150) & (image[..., 0] < 70))
    if not len(rows):
        return None
    return np.array([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1], float)


def write(folder, name, colour):
    (folder / name / 'img').mkdir(parents=True)
    for index in range(len(STILL)):
        image = picture()
        image[(image == (0, 0, 255)).all(-1) if name == 'red' else slice(None)] = colour
        cv2.imwrite(str(folder / name / 'img' / f'{index:04d}.png'), image)
    np.savetxt(folder / name / 'groundtruth.txt', STILL, delimiter=',')
    return read_folder(folder / name)


@pytest.fixture
def pair(tmp_path):
    """The other sequence is blue throughout, so that a band of it is seen as such."""
    return (write(tmp_path / 'data', 'red', (0, 0, 255)),
            write(tmp_path / 'data', 'blue', (255, 0, 0)))


def after(pair, manner, seed=3):
    """Images and boxes after the absence, and the last box before."""
    frames = list(interrupted(*pair, np.random.default_rng(seed), manner))
    absent = [red(image) is None and np.isnan(box).any() for image, box in frames]
    start = absent.index(True)
    gap = len(frames) - len(STILL)
    return frames[start + gap:], frames[start - 1][1]


@pytest.mark.parametrize('part, factor', [(1.0, 2.0), (-1.0, 0.5), (0.5, 2 ** 0.5), (0.0, 1.0)])
def test_the_target_is_larger_or_smaller_by_the_zoom(part, factor):
    camera = ReturnCamera(Return(zoom=2.0), chance((0.1, -0.1), part), STILL, STILL[0], SIZE)
    image, box = camera.show(picture(), STILL[0], 0)
    assert image.shape == (120, 160, 3)
    np.testing.assert_allclose(box[2:], STILL[0, 2:] * factor, rtol=0.02)
    np.testing.assert_allclose(red(image), box, atol=1.5)


def test_a_zoom_leaves_the_target_in_the_image_and_to_be_seen():
    """Not larger than the image, not outside it while it moves, not below eight pixels."""
    large = np.tile([10.0, 10, 100, 60], (5, 1))
    assert ReturnCamera(Return(zoom=4.0), chance(zoom=1.0), large, large[0], SIZE).show(
        picture(large[:1]), large[0], 0)[1][2] == pytest.approx(160, abs=2)
    moving = np.array([[5.0 + 28 * i, 40, 10, 10] for i in range(5)])
    camera = ReturnCamera(Return(zoom=4.0), chance((PAN, 0), zoom=1.0), moving, moving[0], SIZE)
    for index, box in enumerate(moving):
        x, y, w, h = camera.show(picture(), box, index)[1]
        assert -1 <= x + w / 2 <= 161 and -1 <= y + h / 2 <= 121
    small = np.tile([50.0, 50, 12, 10], (5, 1))
    assert ReturnCamera(Return(zoom=4.0), chance(zoom=-1.0), small, small[0], SIZE).show(
        picture(small[:1]), small[0], 0)[1][3] == pytest.approx(8, abs=0.2)


@pytest.mark.parametrize('part', [-1.0, 1.0])
@pytest.mark.parametrize('pan', [(PAN, PAN), (-PAN, -PAN), (0.0, 0.0)])
@pytest.mark.parametrize('left, top', [(2.0, 4.0), (118.0, 4.0), (2.0, 86.0), (118.0, 86.0)])
def test_a_target_that_moves_at_one_side_is_in_the_image_after_a_zoom(left, top, pan, part):
    moving = np.array([[left + 7 * i, top + 4 * i, 10, 10] for i in range(5)])
    camera = ReturnCamera(Return(zoom=4.0), chance(pan, part), moving, moving[0], SIZE)
    for index, box in enumerate(moving):
        x, y, w, h = camera.show(picture(), box, index)[1]
        assert -1 <= x + w / 2 <= 161 and -1 <= y + h / 2 <= 121


@pytest.mark.parametrize('manner', [Return(), Return(zoom=1.5), Return(occlusion=1)])
def test_it_is_present_while_half_of_it_is_in_the_image(manner):
    """It leaves by a corner, with its centre inside."""
    leaving = np.array([[138.0 + i, 98 + i, 20, 20] for i in range(12)])
    frames = returned(map(picture, leaving[:, None]), leaving, leaving[0], picture(STILL[:0]),
                      manner, chance((PAN, PAN), 1.0))
    present = []
    for index, (image, box) in list(enumerate(frames))[1:]:
        seen, whole = red(image)[2:], 20 * manner.zoom
        share = float(np.prod(np.minimum(seen, whole))) / whole ** 2
        present.append(bool(np.isfinite(box).all()))
        assert present[-1] == (share >= 0.5), f'{share:.2f} at {index}'
    assert present == sorted(present, reverse=True) and 2 < sum(present) < 10


@pytest.mark.parametrize('last_x, from_right', [(40.0, True), (110.0, False)])
def test_it_enters_by_the_farther_side_and_comes_to_its_place(last_x, from_right):
    last = np.array([last_x, 40, 20, 24])
    camera = ReturnCamera(Return(other_side=True), chance(), STILL, last, SIZE)
    shown = [camera.show(picture(), STILL[0], index) for index in range(ENTRY + 3)]
    assert red(shown[0][0]) is None, 'outside at first'
    places = [box[0] for _, box in shown]
    steps = np.diff(places)
    assert (steps[:ENTRY] < 0).all() if from_right else (steps[:ENTRY] > 0).all()
    assert (steps[ENTRY:] == 0).all()
    assert places[-1] + 10 == pytest.approx(160 - (last_x + 10), abs=1), 'mirrored'
    np.testing.assert_allclose(red(shown[-1][0]), shown[-1][1], atol=1)


def test_while_it_enters_it_is_present_from_half_of_it_on(pair):
    frames, _ = after(pair, Return(other_side=True))
    assert len(frames) > ENTRY
    for image, box in frames:
        seen = red(image)
        share = 0 if seen is None else seen[2] * seen[3] / (20 * 24)
        assert np.isnan(box).any() == (share < 0.5)
    assert np.isnan(frames[0][1]).any() and np.isfinite(frames[-1][1]).all()


@pytest.mark.parametrize('seed', range(4))
def test_it_comes_out_of_an_occlusion_slowly(pair, seed):
    frames, _ = after(pair, Return(occlusion=8), seed)
    widths = [0 if red(image) is None else red(image)[2] for image, _ in frames]
    assert widths[0] == 0 and widths[8] == 20
    np.testing.assert_allclose(np.diff(widths[:9]), 20 / 8, atol=1)
    absent = [bool(np.isnan(box).any()) for _, box in frames]
    assert absent == [index < 4 for index in range(len(frames))]
    bands = [((image[..., 0] > 200) & (image[..., 2] < 60)).any(0) for image, _ in frames]
    assert bands[0].sum() == round(20 * COVER), 'of the other sequence'
    places = [np.flatnonzero(band)[0] for band in bands[:4]]
    assert (np.diff(places) < 0).all() or (np.diff(places) > 0).all()


def test_both_ways_are_drawn():
    drawn = [Chance.drawn(np.random.default_rng(seed)) for seed in range(20)]
    assert {each.leftwards for each in drawn} == {True, False}
    assert min(each.zoom for each in drawn) < -0.5 and max(each.zoom for each in drawn) > 0.5
    assert np.abs([each.pan for each in drawn]).max() <= PAN


def test_one_seed_cuts_and_pans_alike_whatever_is_asked(pair):
    plain, other = (list(interrupted(*pair, np.random.default_rng(5), manner))
                    for manner in (Return(), Return(occlusion=4)))
    assert len(plain) == len(other)
    for (_, box), (_, again) in list(zip(plain, other))[-5:]:
        np.testing.assert_array_equal(box, again)


def test_command(pair, tmp_path):
    data = pair[0].frame_paths[0].parents[2]
    assert main(['interrupt', str(data), '--out', str(tmp_path / 'copy'), '--seed', '1', '--zoom',
                 '2', '--other-side', '--occlusion', '3']) == 0
    assert main(['interrupt', str(data), '--out', str(tmp_path / 'plain'), '--seed', '1']) == 0
    copy, plain = (read_folder(tmp_path / name / 'red') for name in ('copy', 'plain'))
    assert len(copy.frame_paths) == len(plain.frame_paths)
    assert copy.visible.sum() < plain.visible.sum() == 30
    assert copy.boxes_xywh[-1, 2] != pytest.approx(plain.boxes_xywh[-1, 2], rel=0.02)


@pytest.mark.parametrize('values, sentence', [
    ({'zoom': 0.5}, '--zoom must be 1 to 4, got 0.5'), ({'zoom': 5}, '--zoom must be 1 to 4'),
    ({'zoom': float('nan')}, '--zoom must be 1 to 4, got nan'),
    ({'occlusion': -1}, '--occlusion must be at least 0, got -1')])
def test_values_out_of_range_are_refused(values, sentence):
    with pytest.raises(InputError, match=sentence):
        Return(**values)


def test_a_target_that_is_not_seen_again_does_not_matter():
    gone = np.full((5, 4), np.nan)
    camera = ReturnCamera(Return(2.0, True, 5), chance((0.2, 0.1), 0.5), gone, STILL[0], SIZE)
    assert np.isnan(camera.show(picture(), gone[0], 0)[1]).all()
