"""The parts of an update, timed by a clock that stands in for the real one."""

import pkgutil
import time

import pytest

from siamx_ros import imaging
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.evaluation.speed import participants
from siamx_ros.evaluation.speed.participants import LostUpdates, StagedUpdates, WholeUpdates
from siamx_ros.evaluation.speed.stages import ENGINE, OWNED, STAGES, StageClock, watched
from siamx_ros.evaluation.speed.stretches import generated
from siamx_ros.records import TrackState
from siamx_ros.tracking.confidence import Calibration
from siamx_ros.tracking.from_weights import load_tracker


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only where a test lets them."""
    class Clock:
        now = 0.0
    monkeypatch.setattr(time, 'perf_counter', lambda: Clock.now)
    return Clock


@pytest.fixture(scope='module')
def tracker():
    config = TrackerConfig().replace({'search_timeout': 0.0})
    return load_tracker(ModelConfig(device='cpu', threads=1), config)


@pytest.fixture(scope='module')
def stretch():
    return generated((320, 240), 25)[0]


def test_what_runs_inside_is_taken_out(clock):
    stages = StageClock()

    def inner():
        clock.now += 2

    def outer():
        clock.now += 1
        timed_inner()
        clock.now += 4
        timed_inner()

    timed_inner = stages.timed('inner', inner)
    stages.timed('outer', outer)()
    assert stages.seconds == {'inner': 4.0, 'outer': 5.0}
    stages.restart()
    timed_inner()
    assert stages.seconds == {'inner': 2.0}


def test_the_time_of_what_fails_counts_and_its_error_comes_through(clock):
    def failing():
        clock.now += 1
        raise ValueError('broken')

    stages = StageClock()
    with pytest.raises(ValueError, match='broken'):
        stages.timed('part', failing)()
    assert stages.seconds == {'part': 1.0}


def test_everything_is_as_before_afterwards(tracker):
    def parts():
        names = [name.replace(':', '.').rpartition('.') for each in OWNED.values() for name in each]
        return [getattr(pkgutil.resolve_name(owner), name) for owner, _, name in names] + [
            getattr(tracker.engine, name) for each in ENGINE.values() for name in each] + [
            *imaging.CROPS.values()]

    before = parts()
    with watched(StageClock(), tracker.engine):
        assert all(a != b for a, b in zip(before, parts()))
    assert parts() == before


def test_each_update_in_tracking_is_split_into_all_stages(tracker, stretch):
    staged = StagedUpdates(tracker)
    staged.turn(stretch)
    each = len(stretch.images) - 1 - participants.WARM_UP
    assert staged.states == {TrackState.TRACKING: each}
    assert {stage: len(times) for stage, times in staged.stages.items()} == dict.fromkeys(
        STAGES, each)
    assert all(max(times) > 0 and min(times) >= 0 for times in staged.stages.values())
    assert set(staged.sides) <= {207, 255} and sum(staged.sides.values()) == each


def test_updates_in_another_state_are_counted_apart(tracker, stretch, monkeypatch):
    monkeypatch.setattr(Calibration, '__call__', lambda *_, **__: 0.05)
    staged = StagedUpdates(tracker)
    staged.turn(stretch)
    assert not staged.stages and not staged.sides
    assert staged.states == {TrackState.UNCERTAIN: len(stretch.images) - 1 - participants.WARM_UP}


def test_a_lost_target_is_searched_for(tracker, stretch):
    lost = LostUpdates(tracker)
    lost.turn(stretch)
    assert len(lost.updates) == participants.LOST_UPDATES - participants.WARM_UP
    assert lost.others == 0


def test_a_target_that_is_found_is_not_counted_as_lost(tracker, stretch, monkeypatch):
    monkeypatch.setattr(Calibration, '__call__', lambda *_, **__: 0.95)
    lost = LostUpdates(tracker)
    lost.turn(stretch)
    assert not lost.updates and lost.others == participants.LOST_UPDATES - participants.WARM_UP


def test_the_first_updates_do_not_count_and_the_device_is_waited_for(clock, stretch):
    class Tracker:
        updates = 0

        def init(self, image, box):
            assert image is stretch.images[0] and box is stretch.box
            clock.now += 3

        def update(self, image):
            self.updates += 1
            assert image is stretch.images[self.updates]
            clock.now += self.updates

    def wait():
        clock.now += 0.5

    whole = WholeUpdates(Tracker(), wait)
    whole.turn(stretch)
    assert whole.inits == [3500.0]
    assert whole.updates == [1000.0 * number + 500 for number in
                             range(participants.WARM_UP + 1, len(stretch.images))]
