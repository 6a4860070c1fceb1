"""What is remembered of a target: its usual size, and where it was heading while it was clear."""

import cv2
import numpy as np
import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Template
from siamx_ros.records import TrackState
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.memory import TargetMemory
from siamx_ros.tracking.motion import velocity


def seen(box: BoundingBox, peak_ratio: float = 0.1) -> Candidate:
    return Candidate(box, 0.9, 1.0, peak_ratio, (12, 12), CropWindow(*box.centre, 200.0, 255))


def remembered(box: BoundingBox) -> TargetMemory:
    return TargetMemory(
        Template({}, None), box, (0.0, 0.0, 0.0), (640, 480), TrackerConfig(), 0.0)


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


def test_a_camera_that_turns_does_not_change_where_a_target_is_heading():
    """The target walks 4 pixels an image to the right, the image moves 6 to the left."""
    texture = np.random.default_rng(0).integers(0, 255, (48, 128, 3), np.uint8)
    wide = cv2.resize(texture, None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC)
    memory = remembered(BoundingBox(300, 100, 40, 40))
    for step in range(13):
        memory.arrive(None, image=wide[:, 6 * step:6 * step + 640])
        memory.take(seen(BoundingBox(300 - 2 * step, 100, 40, 40)), 0.95, TrackState.TRACKING)
    memory.arrive(None, image=wide[:, 172:812])  # the robot turns: 100 pixels at once
    assert memory.heading() == pytest.approx((320 - 24 + 4 - 100, 120), abs=3)


WALKS = [(300 - 6 * step, 200) for step in range(8)]
RETURNS = [(258 + 6 * step, 200) for step in range(1, 5)]


def walked(places, image=STILL, spread=0.25):
    """A target of 20 x 40 pixels, whose box was seen at these places, 30 images a second."""
    memory = remembered(BoundingBox.from_centre(306, 200, 20, 40))
    memory.configure(TrackerConfig().replace({'course_spread': spread}))
    for place in places:
        memory.arrive(None, image=image)
        taken = memory.take(
            seen(BoundingBox.from_centre(*place, 20, 40)), 0.95, TrackState.TRACKING)
    return memory, taken


def test_where_a_box_turns_round_at_once_the_search_goes_on_where_the_target_was_heading():
    memory, taken = walked(WALKS + RETURNS)
    assert memory.turned_round
    assert taken.centre == pytest.approx(RETURNS[-1]), 'what is reported is what was seen'
    assert memory.box.centre == pytest.approx((258 - 4 * 6, 200))
    assert np.isnan(velocity(memory.history)).all(), 'the way back may be that of somebody else'
    memory.arrive(None, image=STILL)
    assert not memory.turned_round, 'that was in the last image'
    assert memory.heading() == pytest.approx((258 - 5 * 6, 200))
    for _ in range(len(WALKS + RETURNS)):
        memory.arrive(None, image=STILL)
    assert memory.heading() is None, 'for as long as it was seen before'


def test_a_box_that_nothing_speaks_for_shows_no_turn():
    """It wandered while the target was hidden, which is back now."""
    memory = remembered(BoundingBox.from_centre(306, 200, 20, 40))
    for place in WALKS + RETURNS:
        memory.arrive(None, image=STILL)
        memory.take(seen(BoundingBox.from_centre(*place, 20, 40)),
                    0.95 if place == RETURNS[-1] else 0.005, TrackState.UNCERTAIN)
        assert not memory.turned_round


def test_who_goes_on_or_is_lost_or_not_alone_has_not_turned():
    assert not walked(WALKS)[0].turned_round
    assert not walked(WALKS + RETURNS, image=None)[0].turned_round
    assert not walked(WALKS + RETURNS, spread=0.0)[0].turned_round
    memory, _ = walked(WALKS + RETURNS)
    memory.fall_back()
    assert memory.heading() is None and not memory.turned_round


def test_a_camera_that_swings_back_makes_no_turn_and_moves_what_is_expected():
    """The image moves 8 pixels to the right for twelve images, then as much to the left."""
    texture = np.random.default_rng(0).integers(0, 255, (48, 128, 3), np.uint8)
    wide = cv2.resize(texture, None, fx=10, fy=10, interpolation=cv2.INTER_CUBIC)
    memory = remembered(BoundingBox.from_centre(300, 100, 20, 40))
    for step in range(24):
        moved = 8 * min(step, 22 - step)
        memory.arrive(None, image=wide[:, 200 - moved:840 - moved])
        memory.take(seen(BoundingBox.from_centre(300 + moved, 100, 20, 40)), 0.95,
                    TrackState.TRACKING)
        assert not memory.turned_round
