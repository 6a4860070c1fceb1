"""A box that takes in a neighbour is looked at again in the target's usual shape."""

import pytest
from track_playing import play, start

from siamx_ros.geometry import BoundingBox
from siamx_ros.model.inference import Maps
from siamx_ros.records import TrackState
from siamx_ros.tracking.growth import LEAST, NEWEST, UsualSize, has_grown, stays_usual


def box(w, h):
    return BoundingBox.from_centre(100, 100, w, h)


def test_the_usual_size_is_the_median_of_the_newest():
    usual = UsualSize(box(40, 60))
    for _ in range(LEAST - 2):
        usual.note(box(40, 60))
    assert usual.size is None, 'too few'
    usual.note(box(80, 60))
    assert usual.size == (40, 60), 'one that is wild does not count'
    for _ in range(NEWEST):
        usual.note(box(44, 66))
    assert usual.size == (44, 66)
    usual.clear()
    assert usual.size is None


@pytest.mark.parametrize('w, h, grown', [
    (49, 60, False), (50, 60, True), (40, 75, True), (40, 74, False), (20, 30, False)])
def test_either_side_may_have_grown(w, h, grown):
    assert has_grown(box(w, h), (40, 60), 1.25) == grown


@pytest.mark.parametrize('seen, grown, alone', [
    pytest.param((40, 60), (80, 60), True, id='alone, it is as usual'),
    pytest.param((46, 60), (80, 60), True, id='it grew by a fifth of that'),
    pytest.param((52, 60), (80, 60), False, id='it grew by more than a third of that'),
    pytest.param((80, 60), (80, 60), False, id='it grew'),
    pytest.param((60, 60), (44, 90), True, id='what grew most decides: its height'),
    pytest.param((40, 88), (44, 90), False, id='its height grew')])
def test_a_target_that_grows_does_so_in_its_usual_shape_too(seen, grown, alone):
    assert stays_usual(box(*seen), box(*grown), (40, 60)) == alone


@pytest.fixture
def greedy(engine):
    """The stub network, whose boxes reach 60 pixels too far in patches of ``greedy.sides``."""
    alone, engine.sides = engine.search, ()

    def search(patch, template, meanwhile=lambda: None):
        maps = alone(patch, template, meanwhile)
        wider = 60.0 if len(patch) in engine.sides else 0.0
        return Maps(maps.scores, maps.distances + [[[0]], [[0]], [[wider]], [[0]]], maps.features)
    engine.search = search
    return engine


RESPONSE = 0.47
"""Of the stub's classifier to the target."""


@pytest.mark.parametrize('sides, sure, changes, wide', [
    pytest.param([207], 0.4, {}, False, id='not in the usual shape'),
    pytest.param([207, 255], 0.4, {}, True, id='there, too'),
    pytest.param([207], 0.5, {}, True, id='the classifier is not sure of what is there'),
    pytest.param([207], 0.4, {'growth_check': 0.0}, True, id='off'),
    pytest.param([207], 0.4, {'growth_check': 3.0}, True, id='it grew by less'),
    pytest.param([207], 0.4, {'online_weight': 0.0}, True, id='no classifier')])
def test_what_grows_in_its_last_shape_alone_is_a_neighbour(
        greedy, scene, monkeypatch, sides, sure, changes, wide):
    monkeypatch.setattr('siamx_ros.tracking.tracker.SURE_RESPONSE', sure)
    tracker = start(greedy, scene, box_correction=0.0, scale_weight=0.0, **changes)
    play(tracker, scene, [(200, 200)] * 6)
    greedy.sides = sides
    result = play(tracker, scene, [(200, 200)])[-1]
    assert result.state == TrackState.TRACKING
    assert result.online_response == pytest.approx(0 if 'online_weight' in changes else RESPONSE,
                                                   abs=0.02)
    assert (result.box.w > 50) == wide
    assert len(result.windows) == (1 if changes else 2), 'all that were searched'


def test_a_lost_target_has_no_usual_size_until_it_was_seen_for_a_while(greedy, scene):
    tracker = start(greedy, scene, box_correction=0.0, scale_weight=0.0)
    play(tracker, scene, [(200, 200)] * 6)
    assert tracker.memory.sizes.size == pytest.approx((40, 40), abs=2)
    tracker.lose()
    found = play(tracker, scene, [(200, 200)] * 2)
    assert found[-1].state == TrackState.TRACKING and tracker.memory.sizes.size is None
    play(tracker, scene, [(200, 200)] * LEAST)
    assert tracker.memory.sizes.size is not None


def test_all_pixels_of_the_usual_shape_are_asked_for(engine, scene):
    tracker = start(engine, scene, size_lr=1.0)
    play(tracker, scene, [(200, 200)] * 6)
    memory = tracker.memory
    memory.box = BoundingBox.from_centre(*memory.box.centre, 400, 30)
    w, h = memory.finest_box.w, memory.finest_box.h
    assert (w, h) == pytest.approx((40, 30), abs=2) and tracker.reduction == 1
    assert memory.finest_box.centre == pytest.approx(memory.box.centre)
