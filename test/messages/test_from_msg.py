"""What is published, read back."""

import pytest
from sensor_msgs.msg import Image

from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.from_msg import result_of
from siamx_ros.messages.measuring import Measurement
from siamx_ros.messages.outcome import IDLE, Outcome
from siamx_ros.node.message_builder import build
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState

pytestmark = pytest.mark.ros
SEEN = TrackResult(
    BoundingBox(3.0, 5.0, 20.0, 40.0), 0.75, TrackState.UNCERTAIN, box_source=BoxSource.PREDICTED,
    raw_score=0.5, peak_ratio=0.25, template_similarity=0.625, frames_since_init=7, frames_lost=2)
FOLLOWED = TrackResult(
    BoundingBox(1.0, 2.0, 3.0, 4.0), 1.0, TrackState.TRACKING, box_source=BoxSource.MEASURED,
    valid=True)


def published(result):
    outcome = Outcome(Frame(Image(), 0.0, 0.0, 0.0), None, result, 'it', 'thing')
    return build.target(outcome, Measurement(), latency=0.0, dropped=0, seq=1)


@pytest.mark.parametrize('result', [SEEN, FOLLOWED, IDLE], ids=['doubtful', 'valid', 'no target'])
def test_an_answer_read_back_says_the_same(result):
    assert repr(result_of(published(result))) == repr(result)  # NaN equals nothing


def test_what_the_message_does_not_hold_is_left_out():
    full = TrackResult(**{**vars(FOLLOWED), 'reason': Reason.CONFIRMED, 'velocity': (3.0, 4.0)})
    assert repr(result_of(published(full))) == repr(FOLLOWED)
