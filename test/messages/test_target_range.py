"""Ranges: depth that comes late or slowly, heights that are learnt, deviations that hold."""

from __future__ import annotations

from dataclasses import replace
import math
from types import SimpleNamespace

import numpy as np
import pytest

from siamx_ros.control.bearing import height_at_range
from siamx_ros.control.camera_model import CameraModel
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.measuring import Measurer
from siamx_ros.messages.outcome import Outcome
from siamx_ros.messages.target_range import (
    CLOSING_SPEED, RANGE_DEPTH, RANGE_KNOWN_HEIGHT, RANGE_NONE, RangeFinder)
from siamx_ros.node.health import Health
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import BoxSource, TrackResult, TrackState

FOCAL = 200.0
CAMERA = CameraModel(160, 120, np.array([[FOCAL, 0, 79.5], [0, FOCAL, 59.5], [0, 0, 1]]),
                     np.zeros(0))
CONFIG = NodeConfig().replace({'use_depth': True, 'target_height': 1.7})
PERSON = 1.7


def box_at(distance: float, height: float = PERSON, x: float = 80.0) -> BoundingBox:
    """The box of something ``height`` metres tall in the middle row, at a depth in metres."""
    tall = FOCAL * height / distance
    return BoundingBox.from_centre(x, 60.0, tall / 3, tall)


def outcome(stamp: float, box: BoundingBox, *, target_id: str = 'a', valid: bool = True) -> Outcome:
    header = SimpleNamespace(frame_id='c', stamp=None)
    state = TrackState.TRACKING if valid else TrackState.UNCERTAIN
    result = TrackResult(box, 1.0, state, box_source=BoxSource.MEASURED, valid=valid)
    return Outcome(Frame(SimpleNamespace(header=header), stamp, stamp, 0.0),
                   np.zeros((120, 160, 3), np.uint8), result, target_id, '')


def plane(distance: float) -> np.ndarray:
    return np.full((120, 160), distance, np.float32)


def measured(finder: RangeFinder, seen: Outcome, config: NodeConfig = CONFIG,
             truncated: bool = False):
    match = finder.match(seen, config)
    return finder.range(seen, CAMERA, match, truncated=truncated, config=config)


def test_depth_of_another_moment_counts_with_its_age():
    finder = RangeFinder()
    finder.set_depth(10.0, 'c', plane(2.0))
    own, late = (measured(finder, outcome(stamp, box_at(2.0))) for stamp in (10.0, 10.2))
    assert own.source == late.source == RANGE_DEPTH
    assert own.deviation == pytest.approx(1e-3) and late.distance == own.distance
    assert late.deviation == pytest.approx(0.2 * CLOSING_SPEED, rel=1e-3)
    assert measured(finder, outcome(10.3, box_at(2.0))).source == RANGE_KNOWN_HEIGHT
    config = CONFIG.replace({'target_height': 0.0})
    assert measured(finder, outcome(10.31, box_at(2.0)), config).source == RANGE_NONE


@pytest.mark.parametrize('rate, delay', [(15, 0.02), (20, 0.02), (10, 0.06)])
def test_depth_that_is_slower_than_colour_gives_a_range_on_every_image(rate, delay):
    """Colour at 30 Hz, tracked at once; a depth image arrives ``delay`` after its stamp."""
    finder, errors = RangeFinder(), []
    ready = iter(sorted((n / rate + delay, n / rate) for n in range(3 * rate)))
    arrival, stamp = next(ready)
    for number in range(60):
        now = 0.2 + number / 30
        while arrival <= now:
            finder.set_depth(stamp, 'c', plane(5.0 - stamp))  # nears at 1 m/s
            arrival, stamp = next(ready)
        found = measured(finder, outcome(now, box_at(5.0 - now)))
        assert found.source == RANGE_DEPTH
        errors.append(abs(found.distance - (5.0 - now)) / found.deviation)
    assert max(errors) < 2, 'the deviation holds what the age may cost'


def test_an_older_depth_image_is_looked_at_where_the_target_was_then():
    finder = RangeFinder()
    depth = plane(8.0)
    depth[:, 20:60] = 2.0
    finder.set_depth(10.0, 'c', depth)
    assert measured(finder, outcome(10.0, box_at(2.5, x=40))).distance < 2.2
    assert measured(finder, outcome(10.2, box_at(2.5, x=120))).distance < 2.2, 'it has moved on'


@pytest.mark.parametrize('boxed, distance', [(0.75, 1.26), (1.02, 1.26), (1.3, 3.0), (1.95, 4.0)])
def test_the_deviation_holds_that_of_a_box_about_a_part_of_the_target(boxed, distance):
    """Boxes about a torso up to a whole person with arms raised, whose height is said to be 1.7."""
    found = measured(RangeFinder(), outcome(1.0, box_at(distance, boxed)),
                     CONFIG.replace({'use_depth': False}))
    assert found.source == RANGE_KNOWN_HEIGHT
    assert abs(found.distance - distance) < 2 * found.deviation
    sure = measured(RangeFinder(), outcome(1.0, box_at(distance, PERSON)),
                    CONFIG.replace({'use_depth': False, 'target_height_error': 0.02}))
    assert abs(sure.distance - distance) < 1e-6 and sure.deviation < 0.05 * distance


def test_the_height_is_learnt_where_there_is_depth_and_used_where_there_is_none():
    """A torso box, said to be a whole person: depth at the start, then too far for it."""
    finder, torso = RangeFinder(), 0.7
    for number in range(5):
        now = number / 30
        finder.set_depth(now, 'c', plane(3.0))
        assert measured(finder, outcome(now, box_at(3.0, torso))).source == RANGE_DEPTH
    far = measured(finder, outcome(2.0, box_at(7.0, torso)))
    assert far.source == RANGE_KNOWN_HEIGHT
    assert far.distance == pytest.approx(7.0, rel=1e-3) and 0.6 < far.deviation < 1.2
    cut = measured(finder, outcome(2.1, box_at(7.0, torso)), truncated=True)
    assert cut.source == RANGE_NONE and math.isnan(cut.distance)
    other = measured(finder, outcome(2.2, box_at(7.0, torso), target_id='b'))
    assert other.distance == pytest.approx(7.0 * PERSON / torso, rel=1e-3), "another's is not known"


@pytest.mark.parametrize('how', ['not valid', 'truncated', 'another moment'])
def test_no_height_is_learnt_from_what_is_not_sure(how):
    finder = RangeFinder()
    for number in range(20):
        finder.set_depth(number - 0.1 * (how == 'another moment'), 'c', plane(3.0))
        measured(finder, outcome(number, box_at(3.0, 0.7), valid=how != 'not valid'),
                 truncated=how == 'truncated')
    config = CONFIG.replace({'target_height': 0.0})
    assert measured(finder, outcome(90.0, box_at(3.0, 0.7)), config).source == RANGE_NONE


def test_the_height_of_a_box_at_a_range_is_the_way_back():
    ray = np.array(CAMERA.ray(80.0, 60.0))
    distance = 4.0 * math.sqrt(1 + (ray ** 2).sum())
    assert height_at_range(CAMERA, box_at(4.0, 0.9), distance) == pytest.approx(0.9, rel=1e-6)


def test_the_share_of_misses_is_reported():
    def play(every: int) -> dict[str, str]:
        measurer, health = Measurer(False, print, lambda: 0.0), Health()
        for number in range(60):
            now = float(number)
            if number % every:
                measurer.set_depth(now, 'c', plane(2.0))
            found = measurer.measure(outcome(now, box_at(2.0)),
                                     CONFIG.replace({'fallback_hfov': 60.0}))
            assert found.depth_missed == (number % every == 0)
            health.tracked(latency=0.0, inference=0.0, overhead=0.0, dropped=0,
                           mismatches=measurer.mismatches, depth_missed=found.depth_missed)
        return health.figures()

    assert play(50)['depth_missed_share'] == '0.03' and play(50)['depth'] == ''
    figures = play(5)
    assert figures['depth_missed_share'] == '0.20'
    assert figures['depth'] == (
        'depth gave no range on 20% of the images: the nearest depth image is 1.000 s away from '
        'the image, more than 0.25 s (depth_max_age)')


def test_depth_is_not_missed_where_nobody_asked_for_it():
    measurer = Measurer(False, print, lambda: 0.0)
    seen = outcome(1.0, box_at(2.0))
    assert measurer.measure(seen, NodeConfig()).depth_missed is None
    doubtful = replace(seen, result=replace(seen.result, valid=False))
    assert measurer.measure(doubtful, CONFIG).depth_missed is None


def gated(config: NodeConfig = CONFIG, valid: bool = True, width: float = 50.0) -> RangeFinder:
    """A finder that has seen a target of 0.5 m by 1.7 m at 2 m, up to the stamp 1."""
    finder = RangeFinder()
    for number in range(21):
        finder.set_depth(number / 20, 'c', plane(2.0))
        seen = outcome(number / 20, BoundingBox.from_centre(80, 60, width, 110), valid=valid)
        measured(finder, seen, config)
    return finder


def whether(finder: RangeFinder, depth: np.ndarray, box: BoundingBox, stamp: float = 1.05,
            config: NodeConfig = CONFIG) -> bool | None:
    """What the gate says of a box on a depth image; None where there is no gate."""
    finder.set_depth(stamp, 'c', depth)
    gate = finder.gate(IMAGE, stamp, CAMERA, config)
    return None if gate is None else gate(box)


TARGET = BoundingBox.from_centre(80, 60, 50, 110)
IMAGE = np.zeros((120, 160, 3), np.uint8)


def test_who_passes_before_the_target_is_refused_and_the_target_beside_is_not():
    depth = plane(2.05)
    depth[:, :70] = 1.2
    assert whether(gated(), depth, TARGET), 'it is half hidden'
    assert not whether(gated(), depth, BoundingBox.from_centre(40, 60, 50, 110))
    assert not whether(gated(), plane(4.0), TARGET), 'the wall behind is no target either'
    assert whether(gated(), plane(math.nan), TARGET), 'without depth, nobody knows'
    dark = plane(4.0)
    dark[:, 72:] = math.nan
    assert whether(gated(), dark, TARGET), 'dark clothes have no depth, the wall beside them has'
    edges = plane(1.2)
    edges[:, 84:] = math.nan
    assert not whether(gated(), edges, TARGET), 'nor has the edge of who passes before'


def test_a_box_about_two_people_at_one_range_is_refused():
    assert whether(gated(), plane(2.0), BoundingBox.from_centre(80, 60, 90, 110))
    assert not whether(gated(), plane(2.0), BoundingBox.from_centre(80, 60, 130, 110))


def test_the_range_is_that_of_what_can_be_the_target():
    finder, depth = gated(), plane(2.0)
    depth[:, 68:85] = 6.0  # the wall, between arm and body: most of the inner box
    finder.set_depth(1.05, 'c', depth)
    assert measured(finder, outcome(1.05, TARGET)).distance == pytest.approx(2.0, abs=0.05)
    finder = gated()
    finder.set_depth(1.05, 'c', depth)
    off = CONFIG.replace({'depth_gate': False})
    assert measured(finder, outcome(1.05, TARGET), off).distance > 5.0


@pytest.mark.parametrize('why', ['off', 'no depth wanted', 'old depth', 'another size'])
def test_there_is_no_gate_where_it_cannot_know(why):
    config = CONFIG.replace({'off': {'depth_gate': False}, 'no depth wanted': {'use_depth': False}}
                            .get(why, {}))
    depth = plane(0.5)[:60] if why == 'another size' else plane(0.5)
    finder = gated()
    finder.set_depth(1.05, 'c', depth)
    assert finder.gate(IMAGE, 1.35 if why == 'old depth' else 1.05, CAMERA, config) is None
    assert gated().gate(IMAGE, 1.0, CAMERA, CONFIG) is not None


def test_the_gate_learns_from_valid_boxes_of_one_target_only():
    assert whether(gated(valid=False), plane(0.8), TARGET), 'nothing was sure'
    finder = gated()
    measured(finder, outcome(1.02, TARGET, target_id='b'))
    finder.set_depth(1.02, 'c', plane(0.8))
    assert whether(gated(), plane(0.8), TARGET) is False
    measured(finder, outcome(1.03, TARGET, target_id='c', valid=False))
    assert whether(finder, plane(0.8), TARGET), 'another one may be anywhere'
