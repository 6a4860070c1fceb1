"""What is remembered of a target: its usual size, and where it was heading while it was clear."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Template
from siamx_ros.records import TrackState
from siamx_ros.reduced_image import ReducedImage
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.memory import TargetMemory
from siamx_ros.tracking.relocalise import make_relocaliser


def seen(box: BoundingBox, peak_ratio: float = 0.1) -> Candidate:
    return Candidate(box, 0.9, 1.0, peak_ratio, (12, 12), CropWindow(*box.centre, 200.0, 255))


def remembered(box: BoundingBox, **settings: object) -> TargetMemory:
    return TargetMemory(Template({}, None), box, (0.0, 0.0, 0.0), (640, 480),
                        TrackerConfig().replace(settings), 0.0)


def test_a_box_that_shrinks_under_what_hides_the_target_is_not_its_size():
    """Twenty frames of 40 x 60, three in which a roof leaves ever less: lost, it is whole again."""
    box = BoundingBox(100, 100, 40, 60)
    memory = remembered(box)
    for _ in range(20):
        memory.take(seen(box), 0.95, TrackState.TRACKING)
    for height in (40, 20, 8):
        memory.take(seen(BoundingBox(100, 160 - height, 40, height)), 0.9, TrackState.TRACKING)
    assert memory.box.h == 8
    memory.fall_back()
    assert memory.box.w == 40 and 45 < memory.box.h < 60
    assert memory.box.centre == (120, 156), 'where it was seen last'


@pytest.mark.parametrize('state', [TrackState.TRACKING, TrackState.UNCERTAIN, TrackState.LOST])
@pytest.mark.parametrize('share, reported', [
    (0.0, (48, 45)), (0.5, (58.79, 51.96)), (1.0, (72, 60))])
def test_the_reported_size_is_that_of_this_image_as_far_as_wished(share, reported, state):
    """What is remembered, and searched by, has a size that follows slowly."""
    memory = remembered(BoundingBox(100, 100, 40, 40))
    memory.configure(TrackerConfig().replace({'reported_share': share}))
    predicted = replace(seen(BoundingBox.from_centre(124, 118, 72, 60)), size_rate=0.5)
    found = memory.take(predicted, 0.95, state)
    assert found.centre == (124, 118)
    assert (found.w, found.h) == pytest.approx(reported, rel=1e-3)
    assert (memory.box.w, memory.box.h) == ((40, 40) if state == TrackState.LOST else (48, 45))


def test_a_reported_box_keeps_to_the_measures_of_the_image():
    memory = remembered(BoundingBox(100, 100, 40, 40))
    memory.configure(TrackerConfig().replace({'reported_share': 1.0}))
    for size, expected in ((0.01, (3, 3)), (5000, (640, 480))):
        candidate = replace(seen(BoundingBox.from_centre(-20, 700, size, size)), size_rate=0.0)
        found = memory.take(candidate, 0.95, TrackState.TRACKING)
        assert (found.w, found.h) == pytest.approx(expected)
        assert found.centre == memory.box.centre == (0, 480)


STILL = np.zeros((480, 640, 3), np.uint8)


@pytest.mark.parametrize('confidence, state, peak_ratio, image, spread, known', [
    (0.95, TrackState.TRACKING, 0.1, STILL, 0.25, True),
    (0.95, TrackState.TRACKING, 0.6, STILL, 0.25, False),   # another one is about
    (0.80, TrackState.TRACKING, 0.1, STILL, 0.25, False),
    (0.95, TrackState.UNCERTAIN, 0.1, STILL, 0.25, False),
    (0.95, TrackState.TRACKING, 0.1, None, 0.25, False),    # how the camera moved is not known
    (0.95, TrackState.TRACKING, 0.1, STILL, 0.0, False)])   # switched off
def test_where_it_is_heading_is_learnt_from_images_that_are_clear(
        confidence, state, peak_ratio, image, spread, known):
    memory = remembered(BoundingBox(100, 100, 40, 40))
    memory.configure(TrackerConfig().replace({'course_spread': spread}))
    for step in range(1, 13):
        memory.arrive(None, image=image)
        memory.take(seen(BoundingBox(100 + 4 * step, 100, 40, 40), peak_ratio), confidence, state)
    memory.arrive(None, image=image)
    assert memory.heading() == (pytest.approx((172, 120)) if known else None)
    memory.fall_back()
    assert memory.heading() is None, 'who is lost is not where it was heading'


def test_blocks_of_another_size_end_its_course():
    """How the camera moved meanwhile is not known."""
    memory = remembered(BoundingBox(100, 100, 40, 40))
    for step in range(1, 13):
        memory.arrive(None, image=STILL)
        memory.take(seen(BoundingBox(100 + 4 * step, 100, 40, 40)), 0.95, TrackState.TRACKING)
    memory.arrive(None, image=ReducedImage(STILL[::8, ::8], 8, (640, 480)))
    assert memory.heading() is None


def test_a_camera_that_turns_does_not_change_where_a_target_is_heading():
    """The target walks 4 pixels an image to the right, the image moves 6 to the left; at the end
    the camera nods, too."""
    texture = np.random.default_rng(0).integers(0, 255, (54, 128, 3), np.uint8)
    wide = cv2.resize(texture, None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC)
    memory = remembered(BoundingBox(300, 100, 40, 40))
    for step in range(13):
        memory.arrive(None, image=wide[:480, 6 * step:6 * step + 640])
        memory.take(seen(BoundingBox(300 - 2 * step, 100, 40, 40)), 0.95, TrackState.TRACKING)
    memory.arrive(None, image=wide[40:520, 172:812])  # 100 pixels aside at once, 40 down
    assert memory.heading() == pytest.approx((320 - 24 + 4 - 100, 120 - 40), abs=3)
    assert memory.frames == 14


@pytest.mark.parametrize('scheme, starts_afresh', [('paper', False), ('global', True)])
def test_a_change_of_scheme_starts_its_relocaliser_where_the_target_was(scheme, starts_afresh):
    memory = remembered(BoundingBox(300, 100, 40, 40), adaptive='paper')
    before = memory.relocaliser
    memory.configure(memory.config.replace({'adaptive': scheme}))
    assert (memory.relocaliser is not before) == starts_afresh
    memory.configure(memory.config.replace({'adaptive': 'relocalise'}))
    fresh = make_relocaliser(memory.image_size, memory.config)
    fresh.remember(memory.anchor)
    assert memory.relocaliser.heat_map.values.sum() > 0
    np.testing.assert_array_equal(
        memory.relocaliser.heat_map.values, fresh.heat_map.values)


@pytest.mark.parametrize('confidence, strangeness, led, carried', [
    (0.3, 0.0, True, True), (0.1, 0.0, True, True), (0.09, 0.0, True, False),
    (0.3, 1.0, True, True), (0.3, 2.0, True, False), (0.3, None, True, True),
    (0.3, 0.0, False, False)])
def test_optical_flow_is_asked_where_confidence_and_colours_leave_it_open(
        confidence, strangeness, led, carried, monkeypatch):
    """A logit of 0.3 is 1.35 above that of 0.1; without an online model no colour is strange."""
    asked, memory = [], remembered(BoundingBox(100, 100, 40, 40))
    monkeypatch.setattr('siamx_ros.tracking.memory.is_carried',
                        lambda *sights: (asked.append(sights), led)[1])
    if strangeness is not None:
        memory.online = SimpleNamespace(strangeness=lambda colour: {0.7: strangeness}[colour])
    candidate = replace(seen(memory.box), colour=0.7)
    assert memory.is_carried(candidate, confidence, 'now') == carried
    assert asked == [(None, 'now')] * (carried or not led)
