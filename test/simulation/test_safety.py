"""Faults, and what the robot does about them; a follower that is broken must be found out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from siamx_ros.control.follower import Follower
from siamx_ros.simulation import __main__ as command, safety
from siamx_ros.simulation.__main__ import main
from siamx_ros.simulation.faults import FAULTS
from siamx_ros.simulation.safety import SafetyEpisode, run_episodes, table

EPISODES = 2 * len(FAULTS)
LONGEST_S = safety.LONGEST_S


@pytest.fixture(scope='module')
def scores() -> list:
    return run_episodes(EPISODES, first_seed=1000)


def test_no_fault_makes_the_robot_touch_anybody_or_speed_up_blindly(scores: list) -> None:
    assert {score.fault for score in scores} == set(FAULTS)
    assert [s for s in scores if s.collisions] == []
    assert [s for s in scores if s.faster] == []


def test_it_stands_soon_after_the_last_valid_message(scores: list) -> None:
    assert [s for s in scores if s.forward_s > LONGEST_S] == []


def test_it_did_drive(scores: list) -> None:
    """Nobody is praised for standing still."""
    driven = [s.travelled for s in scores if s.fault != 'target very near']
    assert np.median(driven) > 1.0 and sum(way > 0.3 for way in driven) > 0.8 * len(driven)


def test_a_follower_that_goes_on_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that keeps its last command in silence drives for long after the last message."""
    real = Follower.step

    def careless(self, now, forbidden=''):
        command = real(self, now, forbidden)
        if command.linear:
            self.kept = command
        return getattr(self, 'kept', command)
    monkeypatch.setattr(Follower, 'step', careless)
    scores = [SafetyEpisode(seed, 'tracker killed').run() for seed in range(2, 6)]
    assert max(s.forward_s for s in scores) > 1.0


def test_a_follower_that_speeds_up_in_doubt_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Follower.update

    def hasty(self, seen, now, forbidden=''):
        command = real(self, seen, now, forbidden)
        return command if seen.valid else type(command)(command.linear + 0.1, 0.0)
    monkeypatch.setattr(Follower, 'update', hasty)
    assert SafetyEpisode(3, 'target hidden').run().faster > 0


def test_a_bearing_carries_the_name_of_whom_it_is_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in answers that are under way when the target is swapped."""
    real, told = Follower.update, []

    def noted(self, seen, now, forbidden=''):
        told.append(seen)
        return real(self, seen, now, forbidden)
    monkeypatch.setattr(Follower, 'update', noted)
    for seed in range(4):
        SafetyEpisode(seed, 'target swapped').run()
        begin_s = FAULTS['target swapped'](np.random.default_rng((seed, 11))).begin_s
        assert {seen.target_id for seen in told} == {'1', '2'}
        assert all((seen.target_id == '2') is (seen.stamp_s >= begin_s) for seen in told)
        told.clear()


def test_the_same_seed_gives_the_same_score() -> None:
    assert SafetyEpisode(5, 'images late').run() == SafetyEpisode(5, 'images late').run()


def test_the_table_names_every_fault_and_the_worst(scores: list) -> None:
    rows = table(scores).splitlines()
    assert len(rows) == 2 + len(FAULTS) + 1
    worst = max(s.forward_s for s in scores)
    assert f'{worst:.2f}' in rows[-1] and rows[-1].startswith('| all |')
    assert math.isfinite(worst) and safety.DURATION_S > 5


def test_the_command_prints_the_table_and_fails_where_the_robot_did(
        capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(['--episodes', '2']) == 0
    assert '| tracker killed | 1 | 0 | 0 |' in capsys.readouterr().out
    monkeypatch.setattr(command, 'LONGEST_S', 0.05)
    assert main(['--episodes', '2']) == 1
    assert 'not safe' in capsys.readouterr().err
    assert main(['--episodes', '0']) == 2
