"""The benchmark of the node: jobs and table, and one short run for real."""

import json

import pytest

from siamx_ros.tools import benchmark
from siamx_ros.tools.benchmark import Row


def parsed(*arguments: str):
    return benchmark._parser().parse_strictly(arguments)


def test_every_size_at_every_rate():
    jobs = benchmark._jobs(parsed('--sizes', '480p,720p', '--rates', '15,30'))
    assert jobs == [(size, rate) for size in ('480p', '720p') for rate in (15.0, 30.0)]


@pytest.mark.parametrize('arguments, words', [
    (['--sizes', '4k'], "unknown size '4k'"), (['--rates', 'fast'], '--rates needs numbers'),
    (['--rates', '0'], 'must be positive'), (['--seconds', '-1'], 'must be positive'),
    (['--soak', '3'], 'at least 10'), (['--soak', '0'], 'at least 10 images, got 0'),
    (['--soak', '-5'], 'at least 10'), (['--sise', '480p'], 'near names: --sizes')])
def test_bad_options_are_refused(arguments, words, capsys):
    pytest.importorskip('rclpy', reason='rclpy is not installed')
    assert benchmark.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_table_has_a_line_for_each_row():
    row = Row('480p', 30.0, 150, 149, 20.4, 30.6, 21.0, 31.0, 17.25, 1.04, 0.9, 0.25, 375.2)
    lines = benchmark.table([row, row]).splitlines()
    assert len(lines) == 4 and len({line.count('|') for line in lines}) == 1
    assert '| 480p | 30 | 149 / 150 | 20 / 31 | 21 / 31 |' in lines[2]


@pytest.mark.ros
@pytest.mark.serial
def test_a_short_run(tmp_path, capsys):
    out = tmp_path / 'rows.json'
    assert benchmark.main(['--sizes', '480p', '--rates', '10', '--seconds', '1.5', '--json',
                           str(out)]) == 0
    [row] = json.loads(out.read_text())
    assert 0 < row['answered'] <= row['sent'] <= 16
    assert row['inference_p50'] > 0 and 0 < row['latency_p50'] <= row['latency_p95']
    assert row['latency_p50'] <= row['age_p50'] + 1 and row['rss_mb'] > 50
    assert '| 480p | 10 |' in capsys.readouterr().out


@pytest.mark.ros
def test_soak_prints_the_memory(capsys):
    assert benchmark.main(['--soak', '20']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10 and lines[-1].endswith('MB')
