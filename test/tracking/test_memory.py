"""What a target that is lost is searched for with: its usual size."""

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Template
from siamx_ros.records import TrackState
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.memory import TargetMemory


def seen(box: BoundingBox) -> Candidate:
    return Candidate(box, 0.9, 1.0, 0.1, (12, 12), CropWindow(*box.centre, 200.0, 255))


def test_a_box_that_shrinks_under_what_hides_the_target_is_not_its_size():
    """Twenty frames of 40 x 60, three in which a roof leaves ever less: lost, it is whole again."""
    box = BoundingBox(100, 100, 40, 60)
    memory = TargetMemory(
        Template({}, None), box, (0.0, 0.0, 0.0), (640, 480), TrackerConfig(), 0.0)
    for _ in range(20):
        memory.take(seen(box), 0.95, TrackState.TRACKING)
    for height in (40, 20, 8):
        memory.take(seen(BoundingBox(100, 160 - height, 40, height)), 0.9, TrackState.TRACKING)
    assert memory.box.h == 8
    memory.fall_back()
    assert memory.box.w == 40 and 45 < memory.box.h < 60
    assert memory.box.centre == (120, 156), 'where it was seen last'
