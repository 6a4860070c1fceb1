"""Replays through a player that answers by script; the real one is tested in test/client."""

import inspect
import time

import pytest

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag.frame_table import frames
from siamx_ros.evaluation.bag.live_replay import Player, replay_live
from siamx_ros.evaluation.bag.preparation import Wanted, prepare
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.records import Reason, TrackResult, TrackState


class ScriptedPlayer:
    """Answers each image shown with the next state; None is no answer."""

    def __init__(self, states):
        self.states, self.said = iter(states), {}

    def begin(self, image, box, stamp_ns, frame_id):
        self.shown, self.box = [stamp_ns], box
        return TrackResult(box, 1.0, TrackState.TRACKING, Reason.INIT)

    def send(self, image, stamp_ns, frame_id):
        assert image.shape == (48, 64, 3)
        self.shown.append(stamp_ns)
        state = next(self.states)
        if state is not None:
            self.said[stamp_ns] = TrackResult(self.box, 0.5, state), time.monotonic()

    def answer(self, stamp_ns, patience=0.0):
        return self.said.get(stamp_ns, (None,))[0]

    def newest(self, stamps):
        return next((self.said[stamp][0] for stamp in reversed(self.said) if stamp in stamps), None)

    def answers(self):
        return self.said

    def reasons(self, changes):
        return dict.fromkeys(changes, Reason.LOW_SCORE)

    def usage(self):
        return {}


def play(bag, states, lockstep):
    player = ScriptedPlayer(states)
    with Bag(bag) as opened:
        found = prepare(opened, Wanted())
        steps = replay_live(
            frames(opened, found.topic, found.table), found.table, player, found.start, found.box,
            lockstep)
    return player, steps, found.table


TRACKING, LOST, GONE = TrackState.TRACKING, TrackState.LOST, TrackState.UNINITIALISED


def test_lock_step_stops_when_the_target_is_dropped(bag):
    player, steps, table = play(bag, [TRACKING, LOST, LOST, GONE], True)
    assert player.shown == table.stamps[:5].tolist()
    assert [step.note for step in steps] == [''] * 5 + ['dropped'] * 5
    assert [step.result.reason.name for step in steps[:5]] == [
        'INIT', 'NONE', 'LOW_SCORE', 'NONE', 'LOW_SCORE']
    assert [step.done for step in steps[:5]] == table.stamps[:5].tolist()


def test_lock_step_does_not_go_on_without_an_answer(bag):
    with pytest.raises(InputError, match='did not answer image 2'):
        play(bag, [TRACKING, None], True)


def test_real_time_keeps_the_pace_and_what_was_answered(bag):
    begin = time.monotonic()
    player, steps, table = play(bag, [TRACKING, None, None, LOST, GONE] + [TRACKING] * 4, False)
    assert time.monotonic() - begin >= (table.arrivals[-1] - table.arrivals[0]) / 1e9
    assert player.shown == table.stamps.tolist()
    assert [step.note for step in steps] == [
        '', '', 'overwritten', 'overwritten', '', ''] + ['dropped'] * 4
    assert all(step.done >= arrival for step, arrival in zip(steps, table.arrivals) if step.result)


@pytest.mark.ros
@pytest.mark.parametrize('name', [name for name in vars(Player) if not name.startswith('_')])
def test_the_player_of_the_node_is_one(name):
    from siamx_ros.client.player import LivePlayer
    asked, given = (inspect.signature(getattr(kind, name)) for kind in (Player, LivePlayer))
    assert list(given.parameters) == list(asked.parameters)
    assert given.return_annotation == asked.return_annotation
