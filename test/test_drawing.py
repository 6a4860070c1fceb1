from __future__ import annotations

import numpy as np
import pytest

from siamx_ros.drawing import STATE_COLOURS, draw_further, draw_heat_map, draw_note, draw_result
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.records import BoxSource, TrackResult, TrackState

GREY = 30
BOX = BoundingBox(200, 150, 120, 90)


def blank(height: int = 480, width: int = 640) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def result(state=TrackState.TRACKING, box=BOX, source=BoxSource.MEASURED, **more) -> TrackResult:
    return TrackResult(box, 0.8, state, box_source=source, **more)


def share_of(image, colour, rows, columns) -> float:
    """Share of the pixels of a stretch that have about this colour."""
    part = image[rows, columns].astype(int)
    return float((np.abs(part - colour).max(-1) < 40).mean())


def test_every_state_has_its_own_colour():
    assert set(STATE_COLOURS) == set(TrackState)
    assert len(set(STATE_COLOURS.values())) == len(TrackState)


@pytest.mark.parametrize('state', list(TrackState))
def test_the_box_has_the_colour_of_its_state(state):
    drawn = draw_result(blank(), result(state))
    share = share_of(drawn, STATE_COLOURS[state], slice(150, 151), slice(205, 315))
    if state == TrackState.UNINITIALISED:
        assert share == 0
    else:
        assert share > 0.35


def test_a_measured_box_is_full_and_a_predicted_one_dashed():
    colour = STATE_COLOURS[TrackState.UNCERTAIN]
    edge = slice(150, 151), slice(205, 315)
    full = share_of(draw_result(blank(), result(TrackState.UNCERTAIN)), colour, *edge)
    dashed = share_of(draw_result(blank(), result(
        TrackState.UNCERTAIN, source=BoxSource.PREDICTED)), colour, *edge)
    assert full > 0.95 and 0.3 < dashed < 0.7


def test_the_image_given_is_left_alone_and_may_be_read_only():
    image = blank()
    image.flags.writeable = False
    draw_result(image, result(), label='x', truth=BOX)
    draw_heat_map(image, np.ones((4, 4), np.float32))
    assert (image == GREY).all()


def test_windows_and_truth_are_drawn():
    window = CropWindow(260, 195, 300, 255)
    colour = STATE_COLOURS[TrackState.TRACKING]
    edge = slice(60, 330), slice(109, 111)
    assert share_of(draw_result(blank(), result()), colour, *edge) == 0
    assert share_of(draw_result(blank(), result(windows=(window,))), colour, *edge) > 0.1
    truth = BoundingBox(400, 300, 50, 50)
    assert share_of(draw_result(blank(), result(), truth=truth), (255, 255, 255),
                    slice(300, 301), slice(401, 409)) > 0.8


def test_the_bar_shows_the_confidence():
    colour = STATE_COLOURS[TrackState.TRACKING]

    def length(confidence):
        drawn = draw_result(blank(), TrackResult(None, confidence, TrackState.TRACKING))
        return share_of(drawn, colour, slice(13, 14), slice(151, 270))
    assert length(0.0) < 0.05 and 0.4 < length(0.5) < 0.6 and length(1.0) > 0.95
    assert length(float('nan')) < 0.05


@pytest.mark.parametrize('box', [
    None, BoundingBox(-500, -500, 100, 100), BoundingBox(-1e9, -1e9, 2e9, 2e9),
    BoundingBox(600, 440, 400, 400), BoundingBox(10, 10, 1e-6, 1e-6)])
def test_boxes_outside_or_absurd_do_not_fail(box):
    for source in (BoxSource.MEASURED, BoxSource.PREDICTED):
        assert draw_result(blank(), result(box=box, source=source)).shape == (480, 640, 3)


@pytest.mark.parametrize('shape', [(1, 1), (8, 8), (30, 2000), (2000, 30), (2160, 3840)])
def test_any_image_size_works(shape):
    drawn = draw_result(blank(*shape), result(), label='a label')
    assert drawn.shape == (*shape, 3)
    assert draw_note(blank(*shape), 'a note').shape == (*shape, 3)


def test_the_heat_map_is_brightest_where_it_is_hottest():
    heat = np.zeros((48, 64), np.float32)
    heat[12, 48] = 3.0
    drawn = draw_heat_map(blank(), heat).astype(int)
    change = np.abs(drawn - GREY).sum(-1)
    y, x = np.unravel_index(change.argmax(), change.shape)
    assert abs(x - 485) < 15 and abs(y - 125) < 15
    assert change[300:, :300].max() == 0


@pytest.mark.parametrize('heat', [None, np.zeros((3, 4), np.float32)])
def test_an_empty_heat_map_changes_nothing(heat):
    assert (draw_heat_map(blank(), heat) == GREY).all()


def test_a_further_target_is_drawn_dashed_around_its_box_unless_it_is_gone():
    canvas = np.zeros((240, 320, 3), np.uint8)
    box = BoundingBox(100, 80, 60, 50)
    draw_further(canvas, TrackResult(None, 0.0, TrackState.UNINITIALISED), 'ben')
    assert not canvas.any()
    draw_further(canvas, TrackResult(box, 0.9, TrackState.TRACKING), 'ben')
    edge = canvas[80:83, 100:160].any(axis=(0, 2))
    assert edge.any() and not edge.all()
    assert not canvas[90:120, 110:150].any()
