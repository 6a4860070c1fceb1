"""What is measured of one outcome, and what is said where an input does not fit; no ROS."""

from __future__ import annotations

from dataclasses import replace
import math
from types import SimpleNamespace

import numpy as np
import pytest

from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.measuring import WARN_AFTER, WARN_PERIOD, Measurer
from siamx_ros.messages.target_range import DEPTHS
from siamx_ros.messages.outcome import IDLE, Outcome
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import BoxSource, TrackResult, TrackState

BOX = BoundingBox(90, 20, 20, 40)
DEPTH = NodeConfig().replace({'use_depth': True})
INFO = SimpleNamespace(
    width=160, height=120, k=[200.0, 0.0, 79.5, 0.0, 200.0, 59.5, 0.0, 0.0, 1.0],
    d=[-0.35, 0.0, 0.0, 0.0, 0.0], p=[0.0] * 12, distortion_model='plumb_bob',
    header=SimpleNamespace(frame_id='b'), binning_x=0, binning_y=0,
    roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0))


class Clock:
    """Seconds that the test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def measurer(warnings, clock):
    return Measurer(False, warnings.append, clock)


def outcome(stamp: float = 10.0, *, seen: bool = True) -> Outcome:
    header = SimpleNamespace(
        frame_id='b', stamp=SimpleNamespace(sec=int(stamp), nanosec=round(stamp % 1 * 1e9)))
    result = TrackResult(BOX, 1.0, TrackState.TRACKING, box_source=BoxSource.MEASURED, valid=True,
                         velocity=(3.0, -1.5))
    return Outcome(Frame(SimpleNamespace(header=header), stamp, stamp, 0.0),
                   np.zeros((120, 160, 3), np.uint8), result if seen else IDLE, 'dog', '')


def put_depth(measurer: Measurer, *, stamp: float = 10.0, frame_id: str = 'b',
              shape: tuple[int, int] = (120, 160)) -> None:
    measurer.set_depth(stamp, frame_id, np.full(shape, 2.0, np.float32))


def test_nothing_is_said_where_all_is_well(measurer):
    measurer.set_camera(INFO)
    put_depth(measurer)
    assert math.isfinite(measurer.measure(outcome(), DEPTH).range)
    assert measurer.mismatches == {'calibration': '', 'depth': ''}


def test_nothing_is_said_of_what_nobody_asked_for(measurer):
    put_depth(measurer, frame_id='a')
    measurer.measure(outcome(), NodeConfig())
    assert measurer.mismatches == {'calibration': '', 'depth': ''}


@pytest.mark.parametrize('asks', [{'use_depth': True}, {'target_height': 1.8}])
def test_a_calibration_that_a_range_needs_and_that_does_not_come_is_reported(
        measurer, warnings, clock, asks):
    measurer.info_topic = '/front/camera_info'
    put_depth(measurer)
    config = NodeConfig().replace(asks)
    measurer.measure(outcome(), config)
    clock.now += WARN_AFTER
    measurer.measure(outcome(), config)
    assert warnings == ['no camera_info on /front/camera_info']
    assert measurer.mismatches['calibration'] == warnings[0]
    measurer.measure(outcome(), config.replace({'fallback_hfov': 60.0}))
    assert measurer.mismatches['calibration'] == '', 'it is not needed'


@pytest.mark.parametrize('hfov', [0.0, 60.0])
def test_a_calibration_for_another_size_is_reported(measurer, hfov):
    measurer.set_camera(SimpleNamespace(**{**vars(INFO), 'width': 320, 'height': 240}))
    bearing = measurer.measure(outcome(), NodeConfig().replace({'fallback_hfov': hfov})).bearing
    assert math.isfinite(bearing) == (hfov > 0)
    assert measurer.mismatches['calibration'] == \
        'camera_info is for 320x240, the images are 160x120'


@pytest.mark.parametrize('fields, sentence', [
    ({'header': SimpleNamespace(frame_id='depth')},
     "camera_info is in frame 'depth', the images in 'b'"),
    ({'k': [0.0] * 9}, 'camera_info is not calibrated: focal length in K or size is not positive'),
    ({'d': [math.nan] * 5}, 'camera_info holds numbers that are not finite')],
    ids=['frame', 'zeros', 'NaN'])
def test_a_camera_info_that_cannot_be_used_ends_the_one_before(measurer, fields, sentence):
    measurer.set_camera(INFO)
    bearing = measurer.measure(outcome(), NodeConfig()).bearing
    assert math.isfinite(bearing)
    measurer.set_camera(SimpleNamespace(**{**vars(INFO), **fields}))
    assert math.isnan(measurer.measure(outcome(), NodeConfig()).bearing)
    assert measurer.mismatches['calibration'] == sentence
    measurer.set_camera(INFO)
    assert measurer.measure(outcome(), NodeConfig()).bearing == bearing
    assert measurer.mismatches['calibration'] == ''


@pytest.mark.parametrize('how, sentence', [
    (None, 'no depth image has arrived'),
    ({'shape': (60, 80)}, 'depth is 80x60, the images are 160x120'),
    ({'frame_id': 'a'}, "depth is in frame 'a', the images in 'b'"),
    ({'stamp': 10.32}, 'the nearest depth image is 0.320 s away from the image, more than 0.25 s '
                       '(depth_max_age)')], ids=['none', 'size', 'frame', 'stamp'])
@pytest.mark.parametrize('calibrated', [True, False])
def test_depth_that_does_not_fit_is_reported(measurer, how, sentence, calibrated):
    if calibrated:
        measurer.set_camera(INFO)
    if how is not None:
        put_depth(measurer, **how)
    assert math.isnan(measurer.measure(outcome(), DEPTH).range)
    assert measurer.mismatches['depth'] == sentence
    measurer.measure(outcome(seen=False), DEPTH)
    assert measurer.mismatches['depth'] == '', 'nothing is measured'


def test_a_sentence_is_warned_of_once_and_new_ones_not_too_often(measurer, warnings, clock):
    measurer.set_camera(INFO)

    def measure(stamp: float, later: float) -> None:
        clock.now += later
        put_depth(measurer, stamp=stamp)
        measurer.measure(outcome(), DEPTH)

    for _ in range(3):
        measure(stamp=9.0, later=0.5 * WARN_AFTER)
    measure(stamp=9.0, later=2 * WARN_PERIOD)
    assert [text[:32] for text in warnings] == ['the nearest depth image is 1.000']
    measure(stamp=9.1, later=0.1)
    measure(stamp=9.2, later=0.1)
    measure(stamp=9.3, later=WARN_PERIOD)
    assert [text[27:32] for text in warnings] == ['1.000', '0.900', '0.700']


def test_what_passes_at_once_is_not_warned_of(measurer, warnings, clock):
    """As while a target is caught up on images whose depth is no more kept."""
    measurer.set_camera(INFO)
    for stamp in (7.0, 10.0, 7.0):
        clock.now += 0.9 * WARN_AFTER
        for _ in range(DEPTHS):
            put_depth(measurer, stamp=stamp)
        measurer.measure(outcome(), DEPTH)
    assert not warnings and '3.000 s' in measurer.mismatches['depth']


@pytest.mark.parametrize('gap, name, known', [
    (0.1, 'dog', True), (0.0, 'dog', False), (-0.1, 'dog', False), (5.0, 'dog', False),
    (0.1, 'cat', False)])
def test_the_bearing_changes_between_two_images_of_one_target(measurer, gap, name, known):
    measurer.set_camera(SimpleNamespace(**{**vars(INFO), 'd': []}))
    assert math.isnan(measurer.measure(outcome(10.0), NodeConfig()).bearing_rate)
    moved = outcome(10.0 + gap)
    moved = replace(moved, target_id=name, result=replace(
        moved.result, box=BoundingBox(110, 20, 20, 40)))
    rate = measurer.measure(moved, NodeConfig()).bearing_rate
    if known:
        before, after = (math.atan((79.5 - x) / 200) for x in (99.5, 119.5))
        assert rate == pytest.approx((after - before) / gap, rel=0.02)
    else:
        assert math.isnan(rate)


def test_velocity_is_nan_where_it_is_not_known(measurer):
    def velocity(stamp: float, **how) -> tuple[float, float]:
        return measurer.measure(outcome(stamp, **how), NodeConfig()).velocity

    assert np.isnan(velocity(10.0)).all(), 'nothing before it'
    assert velocity(10.1) == pytest.approx((30.0, -15.0))
    assert np.isnan(velocity(10.2, seen=False)).all(), 'no box'
    assert velocity(10.3) == pytest.approx((15.0, -7.5))
    assert np.isnan(velocity(11.0)).all(), 'a gap'
    assert np.isnan(velocity(10.9)).all(), 'back in time'


def test_a_rectified_image_needs_p(warnings, clock):
    measurer = Measurer(True, warnings.append, clock)
    measurer.set_camera(INFO)
    assert math.isnan(measurer.measure(outcome(), NodeConfig()).bearing)
    assert 'not calibrated: focal length in P' in measurer.mismatches['calibration']
    p = [160.0, 0.0, 79.5, 0.0, 0.0, 160.0, 59.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    measurer.set_camera(SimpleNamespace(**{**vars(INFO), 'p': p}))
    found = measurer.measure(outcome(), NodeConfig())
    assert found.bearing == pytest.approx(-math.atan(20 / 160), abs=1e-9)
