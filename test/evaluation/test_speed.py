"""The speed command."""

import time

import pytest
import torch

from siamx_ros.cli import main
from siamx_ros.evaluation import speed


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


@pytest.mark.parametrize('arguments, sentence', [
    (['--size', '640'], '--size must be WIDTHxHEIGHT'), (['--repeats', '0'], '--repeats'),
    (['--threads', '-1'], 'threads must be at least 0'),
    (['--weights', 'none.pt'], 'none.pt does not exist')])
def test_bad_input(capfd, arguments, sentence):
    assert main(['speed', *arguments]) == 2
    assert sentence in capfd.readouterr().err
