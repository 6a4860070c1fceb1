"""What is remembered of a target: its usual size, and where it was heading while it was clear."""

import pytest

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Template
from siamx_ros.records import TrackState
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.memory import TargetMemory


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


@pytest.mark.parametrize('confidence, state, peak_ratio, known', [
    (0.95, TrackState.TRACKING, 0.1, True),
    (0.95, TrackState.TRACKING, 0.6, False),   # another one is about
    (0.80, TrackState.TRACKING, 0.1, False),
    (0.95, TrackState.UNCERTAIN, 0.1, False)])
def test_where_it_is_heading_is_learnt_from_images_that_are_clear(
        confidence, state, peak_ratio, known):
    memory = remembered(BoundingBox(100, 100, 40, 40))
    for step in range(1, 13):
        memory.arrive(None)
        memory.take(seen(BoundingBox(100 + 4 * step, 100, 40, 40), peak_ratio), confidence, state)
    memory.arrive(None)
    expected = memory.course.expected(memory.stamp)
    assert expected == (pytest.approx((172, 120)) if known else None)
    memory.fall_back()
    assert memory.course.expected(memory.stamp) is None, 'who is lost is not where it was heading'
