"""Turns: who has which stretch, and what is counted in it."""

import logging
from unittest import mock

import numpy as np
import pytest

from siamx_ros.evaluation.speed import measurement, participants
from siamx_ros.evaluation.speed.measurement import take_turns
from siamx_ros.evaluation.speed.participants import (
    LostUpdates, SeveralTargets, StagedUpdates, WholeUpdates)
from siamx_ros.evaluation.speed.stretches import Stretch, generated
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import TrackState
from siamx_ros.tracking.multi_tracker import MultiTracker


def test_all_have_each_stretch_and_who_begins_changes():
    log = []

    class Participant:
        def __init__(self, name):
            self.name = name

        def turn(self, stretch):
            log.append(self.name + stretch)

    take_turns([Participant('a'), Participant('b'), Participant('c')], 'xy', 4, lambda: None)
    assert log == ['ax', 'bx', 'cx', 'by', 'cy', 'ay', 'cx', 'ax', 'bx', 'ay', 'by', 'cy']


class TwoThreads:
    """A tracker with two busy threads: 10 ms of processor time in 5 ms, and a first call of 1 s."""

    def __init__(self):
        self.wall = self.processor = 0.0

    def init(self, image, box):
        self.wall += 1.0

    def update(self, image):
        self.wall += 0.005
        self.processor += 0.01


def test_the_cores_of_a_tracker_are_counted_and_more_than_ours_are_said(monkeypatch, caplog):
    fast, ours = TwoThreads(), mock.Mock(cores=1.0)
    monkeypatch.setattr(participants.time, 'perf_counter', lambda: fast.wall)
    monkeypatch.setattr(participants.time, 'process_time', lambda: fast.processor)
    whole = WholeUpdates(fast)
    whole.turn(generated((160, 120), 12)[0])
    assert len(whole.updates) == 11 - participants.WARM_UP and whole.cores == pytest.approx(2.0)
    measurement._warn_of_more_cores({measurement.OURS: ours, 'fast': whole})
    assert 'fast kept 2.0 cores busy, siamx 1.0' in caplog.text
    caplog.clear()
    measurement._warn_of_more_cores({measurement.OURS: mock.Mock(cores=1.9), 'fast': whole})
    assert not caplog.text


def test_a_turn_of_several_targets_has_its_own_stretch_and_those_that_follow(monkeypatch):
    box = BoundingBox(300, 200, 50, 90)
    stretches = [Stretch(str(number), (np.full((480, 640, 3), number, np.uint8),) * 2, box)
                 for number in range(3)]
    group, seen = mock.Mock(), []
    group.add.side_effect = lambda image, place: seen.append(
        int(image[tuple(map(int, place.centre[::-1]))][0]))
    monkeypatch.setattr(MultiTracker, 'around', lambda tracker: group)
    several = SeveralTargets(mock.Mock(), stretches, 2)
    for stretch in stretches:
        several.turn(stretch)
    assert seen == [0, 1, 1, 2, 2, 0]


def test_updates_in_other_states_are_reported(caplog):
    staged, lost = StagedUpdates(None), LostUpdates(None)
    with caplog.at_level(logging.WARNING):
        staged.states.update({TrackState.TRACKING: 3})
        lost.updates = [1.0]
        measurement._warn_of_other_states(staged, lost)
        assert not caplog.records
        staged.states.update({TrackState.UNCERTAIN: 1})
        lost.others = 2
        measurement._warn_of_other_states(staged, lost)
    assert [record.getMessage() for record in caplog.records] == [
        '1 of 4 updates did not end in TRACKING; the stages are those of the others',
        '2 of 3 updates with a lost target did not end in LOST and are left out']
