"""The messages that rclpy sends are those that a replay writes into a bag, and are read back."""

from dataclasses import replace
import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from siamx_ros.evaluation.bag import messages
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.from_msg import result_of
from siamx_ros.messages.measuring import Measurement
from siamx_ros.messages.outcome import IDLE, Outcome
from siamx_ros.messages.status_board import Status
from siamx_ros.node.message_builder import build
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState

pytestmark = pytest.mark.ros
RESULT = TrackResult(
    BoundingBox(3.0, 5.0, 20.0, 40.0), 0.75, TrackState.UNCERTAIN, box_source=BoxSource.PREDICTED,
    raw_score=0.5, peak_ratio=0.25, template_similarity=0.625, frames_since_init=7, frames_lost=2)
FOLLOWED = TrackResult(
    BoundingBox(1.0, 2.0, 3.0, 4.0), 1.0, TrackState.TRACKING, box_source=BoxSource.MEASURED,
    valid=True)
MEASURED = Measurement(True, 0.1, 0.2, 0.3, 4.0, 0.5, 1, (1.0, 2.0, 3.0), (5.0, 6.0))


def plain(message):
    """A message of either kind as dictionaries, lists and numbers."""
    if hasattr(message, 'get_fields_and_field_types'):
        return {name: plain(getattr(message, name))
                for name in message.get_fields_and_field_types()}
    if hasattr(message, '__dataclass_fields__'):
        return {name: plain(getattr(message, name)) for name in message.__dataclass_fields__
                if name != '__msgtype__'}
    if isinstance(message, (list, tuple, np.ndarray)):
        return [plain(each) for each in message]
    return 'nan' if isinstance(message, float) and math.isnan(message) else message


def outcome(header, result):
    message = SimpleNamespace(header=header, width=64, height=48)
    return Outcome(Frame(message, 0.0, 0.0, 0.0), None, result, 'it', 'thing')


@pytest.mark.parametrize('result', [
    RESULT, replace(RESULT, state=TrackState.LOST, box_source=BoxSource.NONE),
    replace(RESULT, state=TrackState.TRACKING, valid=True)])
@pytest.mark.parametrize('measured', [MEASURED, Measurement()])
def test_both_kinds_of_messages_hold_the_same(result, measured):
    ours, theirs = outcome(messages.header(0, ''), result), outcome(Header(), result)
    for name, options in (('target', dict(latency=0.25, dropped=3, seq=9)),
                          ('detections', dict(uncertain=True)), ('target_pose', {})):
        written = getattr(messages.builder(), name)(ours, measured, **options)
        sent = getattr(build, name)(theirs, measured, **options)
        assert plain(written) == plain(sent), name


@pytest.mark.parametrize('last_valid', [None, 1.25])
def test_both_kinds_of_status_hold_the_same(last_valid):
    board = Status(TrackState.LOST, TrackState.UNCERTAIN, Reason.LOW_SCORE, entered=1.5,
                   last_valid=last_valid)
    written = messages.builder().status(
        board, now=2.0, published=messages.time_from(7), seq=1)
    sent = build.status(board, now=2.0, published=Header().stamp, seq=1)
    sent.published.nanosec = 7
    assert plain(written) == plain(sent)
    assert written.since_last_valid.sec == (0 if last_valid else 2**31 - 1)


@pytest.mark.parametrize('latency, expected', [(60.0, 60.0), (60.1, 'nan'), (-0.1, 'nan')])
def test_a_latency_of_clocks_that_have_nothing_to_do_with_each_other(latency, expected):
    message = build.target(outcome(Header(), RESULT), MEASURED, latency=latency, dropped=0, seq=1)
    assert plain(message.latency) == expected


def published(result):
    return build.target(outcome(Header(), result), Measurement(), latency=0.0, dropped=0, seq=1)


@pytest.mark.parametrize('result', [RESULT, FOLLOWED, IDLE], ids=['doubtful', 'valid', 'no target'])
def test_an_answer_read_back_says_the_same(result):
    assert repr(result_of(published(result))) == repr(result)  # NaN equals nothing


def test_what_the_message_does_not_hold_is_left_out():
    full = replace(FOLLOWED, reason=Reason.CONFIRMED, velocity=(3.0, 4.0))
    assert repr(result_of(published(full))) == repr(FOLLOWED)


@pytest.mark.parametrize('data, size', [
    (cv2.imencode('.jpg', np.zeros((48, 64, 3), np.uint8))[1].tobytes(), (64, 48)),
    (cv2.imencode('.png', np.zeros((48, 64, 3), np.uint8))[1].tobytes(), (64, 48)),
    (b'no image', (0, 0))], ids=('JPEG', 'PNG', 'damaged'))
def test_the_size_of_a_compressed_image_is_known_before_it_is_decoded(data, size):
    """Who gives the tracker its first target looks for the middle of the image."""
    message = CompressedImage(data=data)
    target = build.target(Outcome(Frame(message, 0.0, 0.0, 0.0), None, IDLE, '', ''),
                          Measurement(), latency=0.1, dropped=0, seq=1)
    assert (target.image_width, target.image_height) == size
