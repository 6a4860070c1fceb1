"""The speed command."""

from collections import Counter
import time

import pytest
import torch

from siamx_ros.cli import main
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.evaluation import speed
from siamx_ros.records import TrackState
from siamx_ros.tracking.online import OnlineModel
from siamx_ros.tracking.from_weights import load_tracker
from siamx_ros.tracking.tracker import Tracker

CPU = ModelConfig(device='cpu', threads=1)


@pytest.mark.serial
def test_the_table_has_every_stage(capfd):
    assert main(['speed', '--weights', 'random', '--device', 'cpu', '--threads', '1',
                 '--repeats', '2', '--size', '160x120']) == 0
    head, *rows = capfd.readouterr().out.splitlines()
    assert head.split() == ['stage', 'median', 'ms', 'p95', 'ms', 'per', 'second']
    assert [row.split('  ')[0] for row in rows] == list(speed.STAGES)
    times = {row.split('  ')[0]: float(row.split()[-3]) for row in rows}
    assert all(value > 0 for value in times.values())
    assert times['frame while lost'] > times['crop']


def test_medians_are_milliseconds(monkeypatch):
    clock = iter([step * 0.5 for step in range(1000)])
    monkeypatch.setattr(time, 'perf_counter', lambda: next(clock))
    timing = speed._timing('x', lambda: None, torch.device('cpu'), 3, lambda: None)
    assert timing == speed.Timing('x', 500.0, 500.0) and timing.per_second == 2.0


@pytest.mark.parametrize('size', [207, 255])
def test_the_search_is_that_of_a_steady_target(size):
    tracker = load_tracker(ModelConfig(weights='random', device='cpu', runtime='torch'))
    sizes, search = [], tracker.engine.search

    def noted(patch, template):
        sizes.append(patch.shape)
        return search(patch, template)

    tracker.engine.search = noted
    config = TrackerConfig().replace({'steady_size': size})
    speed._stages(tracker, config, speed._clip(320, 240))['search']()
    assert set(sizes) == {(size, size, 3)}


@pytest.mark.parametrize('arguments, sentence', [
    (['--size', '640'], '--size must be WIDTHxHEIGHT'), (['--repeats', '0'], '--repeats'),
    (['--threads', '-1'], 'threads must be at least 0'),
    (['--weights', 'none.pt'], 'none.pt does not exist')])
def test_bad_input(capfd, arguments, sentence):
    assert main(['speed', *arguments]) == 2
    assert sentence in capfd.readouterr().err


@pytest.fixture
def seen(monkeypatch):
    """Counts the states of all updates, and how often the target was learnt from."""
    counts, update, learn = Counter(), Tracker.update, OnlineModel.learn

    def counted_update(*args):
        result = update(*args)
        counts[result.state.name] += 1
        return result

    def counted_learn(*args):
        counts['learnt'] += 1
        return learn(*args)
    monkeypatch.setattr(Tracker, 'update', counted_update)
    monkeypatch.setattr(OnlineModel, 'learn', counted_learn)
    return counts


@pytest.mark.parametrize('size', [(320, 240), (64, 200)])
def test_frames_are_tracked_and_lost_ones_are_lost(seen, caplog, size):
    speed.measure(CPU, TrackerConfig(), *size, 10)
    each = speed.WARM_UP + 10
    assert seen == {'TRACKING': each, 'LOST': each, 'learnt': each}
    assert not caplog.records


def test_measured_updates_in_another_state_are_told(caplog):
    tracking, uncertain = TrackState.TRACKING, TrackState.UNCERTAIN
    speed._warn_of_other_states({'frame': [*[tracking] * speed.WARM_UP, tracking, uncertain],
                                 'frame while lost': [TrackState.LOST] * (speed.WARM_UP + 2)})
    (record,) = caplog.records
    assert record.getMessage() == ("'frame' is not a whole update in TRACKING: "
                                   '1 of 2 measured ones ended in UNCERTAIN')


def test_a_search_that_times_out_is_measured_all_the_same(seen):
    config = TrackerConfig().replace({'search_timeout': 0.01})
    assert len(speed.measure(CPU, config, 160, 120, 3)) == len(speed.STAGES)
    assert seen['LOST'] == speed.WARM_UP + 3
