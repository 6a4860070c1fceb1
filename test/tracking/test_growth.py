"""A box that takes in a neighbour is looked at again in the target's usual shape."""

import pytest
from track_playing import play, start

from siamx_ros.geometry import BoundingBox
from siamx_ros.model.inference import Maps
from siamx_ros.records import TrackState
from siamx_ros.tracking.growth import (
    LEAST, LOOKS, NEWEST, UsualSize, has_grown, stays_usual)


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


def test_what_was_seen_to_grow_some_times_has_grown():
    usual = UsualSize(box(40, 60))
    for _ in range(NEWEST):
        usual.note(box(40, 60))
    assert not usual.is_doubtful(box(44, 60), 0.25)
    for _ in range(LOOKS):
        assert usual.is_doubtful(box(52, 60), 0.25)
        usual.looked(grew=True)
    assert not usual.is_doubtful(box(60, 60), 0.25)
    assert not usual.is_doubtful(box(44, 60), 0.25)
    assert usual.is_doubtful(box(52, 60), 0.25), 'it had its usual size in between'
    for _ in range(2 * LOOKS):
        usual.looked(grew=False)
        assert usual.is_doubtful(box(52, 60), 0.25), 'it was the neighbour'


@pytest.mark.parametrize('w, h, grown', [
    (49, 60, False), (50, 60, True), (40, 75, True), (40, 74, False), (20, 30, False)])
def test_either_side_may_have_grown(w, h, grown):
    assert has_grown(box(w, h), (40, 60), 0.25) == grown


@pytest.mark.parametrize('seen, grown, alone', [
    pytest.param((40, 60), (80, 60), True, id='alone, it is as usual'),
    pytest.param((46, 60), (80, 60), True, id='it grew by a fifth of that'),
    pytest.param((49, 60), (60, 60), False, id='it grew by half of that'),
    pytest.param((80, 60), (80, 60), False, id='it grew'),
    pytest.param((44, 60), (44, 90), True, id='what grew most decides: its height'),
    pytest.param((40, 88), (44, 90), False, id='its height grew'),
    pytest.param((60, 60), (44, 90), False, id='it is as tall as usual, but wider'),
    pytest.param((30, 60), (80, 60), False, id='a part of it')])
def test_a_target_that_grows_does_so_in_its_usual_shape_too(seen, grown, alone):
    assert stays_usual(box(*seen), box(*grown), (40, 60), 0.25) == alone


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
    pytest.param([207], 0.4, {'growth_check': 2.0}, True, id='it grew by less'),
    pytest.param([207], 0.4, {'online_weight': 0.0, 'box_correction': 0.1}, True,
                 id='no classifier')])
def test_what_grows_in_its_last_shape_alone_is_a_neighbour(
        greedy, scene, monkeypatch, sides, sure, changes, wide):
    monkeypatch.setattr('siamx_ros.tracking.choice.SURE_RESPONSE', sure)
    tracker = start(greedy, scene, **{
        'box_correction': 0.0, 'scale_weight': 0.0, 'growth_check': 0.25, **changes})
    play(tracker, scene, [(200, 200)] * 6)
    greedy.sides = sides
    result = play(tracker, scene, [(200, 200)])[0]
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
