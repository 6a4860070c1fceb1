"""The check for machines with a GPU, tried without one: its parts run and end in time."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path
import sys
from types import ModuleType

import pytest

from siamx_ros import cli
from siamx_ros.cli import ArgumentParser
from siamx_ros.commands import speed
from siamx_ros.evaluation.speed.beside import OURS
from siamx_ros.evaluation.speed.ceilings import Ceilings
from siamx_ros.evaluation.speed.measurement import SpeedReport, TrackerSpeed
from siamx_ros.evaluation.speed.report import as_values
from siamx_ros.evaluation.speed.spread import Spread
from siamx_ros.model.cuda_graph_engine import CudaGraphEngine


@pytest.fixture
def gpu_check(repository: Path) -> ModuleType:
    """tools/gpu_check.py as a fresh module."""
    spec = importlib.util.spec_from_file_location('gpu_check', repository / 'tools/gpu_check.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start(gpu_check, monkeypatch, out: Path, *options: str) -> int:
    """Run the script within this process, on the CPU and untrained weights."""
    monkeypatch.setitem(gpu_check.RUNTIMES, 'cpu', [('torch', 'fp32'), ('torch', 'int8')])
    monkeypatch.setattr(sys, 'argv', [
        'gpu_check', '--device', 'cpu', '--out', str(out), '--weights', 'random', *options])
    return gpu_check.main()


def test_answers_and_profile_on_a_cpu(gpu_check, tmp_path, monkeypatch, capsys) -> None:
    assert start(gpu_check, monkeypatch, tmp_path, '--only', 'answers') == 0
    said = capsys.readouterr().out
    assert 'random, torch, fp32: scores 0, distances 0, features 0' in said  # against itself
    assert "random, torch, int8: model.precision 'int8' needs openvino" in said
    assert start(gpu_check, monkeypatch, tmp_path, '--only', 'profile') == 0
    said = capsys.readouterr().out
    assert 'of 12 updates' in said and 'aten::convolution' in said
    assert (tmp_path / 'trace_random.json.gz').stat().st_size > 10_000


@pytest.mark.parametrize('code, status', [('print("four", 2 + 2)', 0), ('1 / 0', 1)])
def test_the_report(gpu_check, tmp_path, monkeypatch, capsys, code, status) -> None:
    refused = [sys.executable, '-m', 'siamx_ros', 'no-command']
    monkeypatch.setattr(gpu_check, 'commands', lambda args: [
        ('one', [sys.executable, '-c', code], 60.0), ('two', refused, 60.0)])
    assert start(gpu_check, monkeypatch, tmp_path) == status
    assert json.loads((tmp_path / 'parts.json').read_text()) == {
        'one': 'failed' if status else 'done', 'two': 'not on this machine'}
    report, printed = (tmp_path / 'report.txt').read_text(), capsys.readouterr().out
    assert all(row in printed for row in report.splitlines())
    assert ('ZeroDivisionError' if status else 'four 4') in report and 'unknown command' in report


def test_what_runs_on_a_gpu(gpu_check, tmp_path) -> None:
    """Every test for a GPU that needs no ROS, each runtime with each network, within 8 minutes."""
    args = gpu_check.parse(['--out', str(tmp_path)])
    rows = list(gpu_check.commands(args))
    names = [name for name, _, _ in rows]
    assert names[:3] == ['tests', 'answers', 'profile']
    assert len(set(names)) == 3 + 2 * len(gpu_check.MEASURED['cuda'])
    assert names[3:6] == [
        'speed of default, cuda_graphs, fp16', 'speed of resnet50, cuda_graphs, fp16',
        'speed of default, cuda_graphs, fp16, cut-by-cpu']
    for _, command, _ in rows[3:]:
        parser = ArgumentParser()
        speed.add_arguments(parser)
        options = parser.parse_strictly(command[command.index('speed') + 1:])
        assert options.targets == [8]
    root = Path(gpu_check.ROOT)
    texts = {str(path.relative_to(root)): path.read_text()
             for path in root.glob('test/*/test_*.py')}
    marked = [name for name, text in texts.items()
              if '@pytest.mark.gpu' in text and 'mark.ros' not in text]
    assert marked and all(name.startswith(gpu_check.TESTED) for name in marked)
    assert args.minutes <= 8


def test_the_table_of_all_speeds(gpu_check, tmp_path) -> None:
    args = gpu_check.parse(['--out', str(tmp_path)])
    (name, file, *_), (unfinished, *_), *_ = gpu_check.speeds(args)
    spread = [Spread.of([milliseconds]) for milliseconds in (0.5, 1.25, 0.3)]
    report = SpeedReport(
        Ceilings('fp16', 1.0, 1.0), {OURS: TrackerSpeed(spread[0], spread[0], 1.0, ())},
        {'search': spread[2]}, None, {8: spread[1]}, None, None)
    file.write_text(json.dumps(as_values(report, {})))
    rows = gpu_check.all_speeds(args, {name: 'done', unfinished: 'failed'}).splitlines()
    assert [row.split() for row in rows] == [
        ['ms', 'update', '8', 'targets', 'search', 'crop'],
        [*name.split(), '0.500', '1.250', '0.300', '-']]


def test_patches_are_cut_by_the_cpu(gpu_check, monkeypatch) -> None:
    monkeypatch.setattr(CudaGraphEngine, 'takes_regions', True)
    monkeypatch.setattr(cli, 'main', lambda arguments: int(CudaGraphEngine.takes_regions))
    monkeypatch.setattr(sys, 'argv', ['gpu_check', gpu_check.CUT_BY_CPU, 'speed'])
    assert gpu_check.main() == 0


def test_what_hangs_is_ended_and_said(gpu_check) -> None:
    report = io.StringIO()
    hanging = [sys.executable, '-c', 'import time; time.sleep(600)']
    assert gpu_check.run('one', hanging, 1.0, report) == 'ended after 1 s'
    assert '== one: ended after 1 s' in report.getvalue()
