"""The tracker follows a target that rolls, and asks for it only in doubt."""

from dataclasses import replace
from itertools import count

import pytest

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.records import TrackState
from siamx_ros.synthetic import sequence
from siamx_ros.tracking import choice
from siamx_ros.tracking.backward import backward_scores
from siamx_ros.tracking.from_weights import load_tracker
from siamx_ros.tracking.multi_tracker import MultiTracker
from siamx_ros.tracking.tracker import Tracker

CONFIG = TrackerConfig()


@pytest.fixture(scope='module')
def tracker() -> Tracker:
    return load_tracker(ModelConfig(device='cpu', threads=1))


class Told:
    """A calibration that is sure of one roll of what its tracker follows, and doubts others."""

    backward = 1.0

    def __init__(self, tracker: Tracker, turn: int) -> None:
        self.tracker, self.turn, self.sure, self.doubt = tracker, turn, 0.95, 0.5

    def __call__(self, *_indicators):
        memory = self.tracker.memory
        shown = memory is not None and memory.template is memory.rolls[self.turn].template
        return self.sure if shown else self.doubt


@pytest.fixture
def likely(tracker, monkeypatch):
    """What is looked at later looks more like its template."""
    likeness = count()
    monkeypatch.setattr(tracker.engine, 'similarity', lambda *_: next(likeness))


@pytest.mark.usefixtures('likely')
@pytest.mark.parametrize('others', [0, 1])
def test_a_tracker_turns_with_its_target_and_forgets_it_when_it_is_lost(tracker, others):
    """Also beside another target."""
    clip, group = sequence(frames=40, seed=1), MultiTracker(tracker.engine, CONFIG)
    for x in (20, clip.first_box.x)[1 - others:]:
        follower = tracker.another()
        follower.calibration = told = Told(follower, 1)
        follower.init(clip.image(0), replace(clip.first_box, x=x))
        number = group.join(follower)

    def answer(index):
        return group.update(clip.image(index))[number]
    assert answer(1).confidence == 0.95 and follower.memory.rolls.turn == 1
    told.turn = 2
    assert answer(2).confidence == 0.95 and follower.memory.rolls.turn == 2
    told.sure = told.doubt = 0.01
    results = [answer(index) for index in range(3, 40)]
    assert results[-1].state == TrackState.LOST and follower.memory.rolls.turn == 0
    assert follower.memory.template is follower.memory.rolls[0].template


@pytest.mark.usefixtures('likely')
def test_each_roll_is_asked_of_the_first_image(tracker, monkeypatch):
    asked, follower = [], tracker.another()
    monkeypatch.setattr(choice, 'backward_scores', lambda *given: (
        asked.extend(given[2]), backward_scores(*given))[1])
    clip, follower.calibration = sequence(frames=2, seed=1), Told(follower, 1)
    follower.init(clip.image(0), clip.first_box)
    follower.update(clip.image(1))
    assert {id(check) for check, _ in asked} == {
        id(follower.memory.rolls[turn].backward) for turn in (0, 1, 7)}


def test_sure_images_are_searched_once(tracker, monkeypatch):
    searched, search = [], tracker.engine.search
    monkeypatch.setattr(tracker.engine, 'search', lambda *given: (
        searched.append(given[0].shape), search(*given))[1])
    clip, follower = sequence(frames=12, seed=1), tracker.another()
    follower.init(clip.image(0), clip.first_box)
    searched.clear()
    sure = [follower.update(clip.image(number)).confidence > 0.9 for number in range(1, 12)]
    assert all(sure) and len(searched) == 11


@pytest.mark.parametrize('settings', [{'follow_roll': False}, {'backward_every': 0}])
def test_it_can_be_left_out(tracker, settings):
    clip, follower = sequence(frames=1, seed=1), tracker.another()
    follower.config = replace(CONFIG, **settings)
    follower.init(clip.image(0), clip.first_box)
    assert follower.memory.rolls is None
