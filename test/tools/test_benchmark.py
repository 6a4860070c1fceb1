"""The benchmark of the node: jobs and table, and one short run for real."""

from __future__ import annotations

import json

import pytest

from siamx_ros.tools import benchmark
from siamx_ros.tools.benchmark import CHOICES, Row


def parsed(*arguments: str):
    return benchmark._parser().parse_strictly(arguments)


def test_every_size_at_every_rate_and_every_choice_once():
    jobs = benchmark._jobs(parsed('--sizes', '480p,720p', '--rates', '15,30'))
    assert jobs[:4] == [(size, rate, 'worker', 1) for size in ('480p', '720p')
                        for rate in (15.0, 30.0)]
    assert {job[2:] for job in jobs[4:]} | {('worker', 1)} == set(CHOICES)
    assert {job[:2] for job in jobs[4:]} == {('480p', 30.0)}


@pytest.mark.parametrize('arguments, words', [
    (['--sizes', '4k'], "unknown size '4k'"), (['--rates', 'fast'], '--rates needs numbers'),
    (['--rates', '0'], 'must be positive'), (['--seconds', '-1'], 'must be positive'),
    (['--soak', '3'], 'at least 10'), (['--sise', '480p'], 'near names: --sizes')])
def test_bad_options_are_refused(arguments, words, capsys):
    pytest.importorskip('rclpy', reason='rclpy is not installed')
    assert benchmark.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_table_has_a_line_for_each_row():
    row = Row('480p', 30.0, 'worker', 1, 150, 149, 20.4, 30.6, 21.0, 31.0, 17.25, 1.04, 0.9, 375.2)
    lines = benchmark.table([row, row]).splitlines()
    assert len(lines) == 4 and len({line.count('|') for line in lines}) == 1
    assert '| 480p | 30 | worker | 1 | 149 / 150 | 20 / 31 | 21 / 31 |' in lines[2]


@pytest.mark.ros
@pytest.mark.parametrize('choice', [('worker', 1), ('callback', 5)], ids=str)
@pytest.mark.serial
def test_a_short_run(monkeypatch, tmp_path, capsys, choice):
    monkeypatch.setattr(benchmark, 'CHOICES', (choice,))
    monkeypatch.delenv(benchmark.benchmark_node.VARIABLE, raising=False)
    out = tmp_path / 'rows.json'
    assert benchmark.main(['--sizes', '480p', '--rates', '10', '--seconds', '1.5', '--json',
                           str(out)]) == 0
    [row] = json.loads(out.read_text())
    assert 0 < row['answered'] <= row['sent'] <= 16
    assert row['inference_p50'] > 0 and 0 < row['latency_p50'] <= row['latency_p95']
    assert row['latency_p50'] <= row['age_p50'] + 1 and row['rss_mb'] > 50
    assert (row['thread'], row['queue']) == choice
    assert '| 480p | 10 |' in capsys.readouterr().out


@pytest.mark.ros
def test_soak_prints_the_memory(capsys):
    assert benchmark.main(['--soak', '20']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10 and lines[-1].endswith('MB')
