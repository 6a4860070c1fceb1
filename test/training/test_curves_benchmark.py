"""The table of speeds, and the curves of a run."""

from dataclasses import replace
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from siamx_ros import cli
from siamx_ros.errors import InputError
from siamx_ros.training import curves, loading, throughput
from siamx_ros.training.distributed import Process
from siamx_ros.training.run import Run

TINY = ['--network.backbone=light', '--network.widths=8,8,8,8', '--network.blocks=1,1,1',
        '--network.channels=8', '--network.tower_depth=1', '--batch=2', '--negatives=1',
        '--workers=0', '--held_out=kept']
HEADER = 'step,rate,loss,cls,reg,iou,hit,score,score_absent,pairs_per_s\n'


def test_benchmark_measures_every_part(data, tiny_config, monkeypatch):
    monkeypatch.setattr(throughput, 'SECONDS', 0.05)
    rows = throughput.benchmark(
        loading.read_data(data, tiny_config), tiny_config,
        Process(0, 1, loading.torch.device('cpu')))
    speed = {name.split(' (')[0]: value for name, value in rows}
    assert list(speed) == ['loader alone', 'batch to the device', 'training step alone', 'training']
    assert all(value > 0 for value in speed.values())


@pytest.mark.parametrize('frozen', [0.5, 1.0])
def test_benchmark_trains_what_the_settings_end_with(data, tiny_config, monkeypatch, frozen):
    monkeypatch.setattr(throughput, 'SECONDS', 0.01)
    runs = []
    monkeypatch.setattr(throughput, 'Run', lambda *args: runs.append(Run(*args)) or runs[0])
    config = tiny_config.replace({'frozen': frozen, 'steps': 10})
    throughput.benchmark(loading.read_data(data, config), config,
                         Process(0, 1, loading.torch.device('cpu')))
    learns = any(p.requires_grad for p in runs[0].network.backbone.parameters())
    assert learns == (frozen < 1)


def test_speeds_are_of_all_processes(data, tiny_config, monkeypatch):
    one = Process(0, 1, loading.torch.device('cpu'))
    monkeypatch.setattr(throughput, 'Run', lambda out, config, process: Run(out, config, one))
    monkeypatch.setattr(throughput, '_seconds', lambda work, process: 0.5)
    rows = throughput.benchmark(
        loading.read_data(data, tiny_config), tiny_config, replace(one, count=3))
    assert [speed for _, speed in rows] == [4 * 3 / 0.5] * 4


@pytest.mark.filterwarnings('ignore:.*pin_memory')
@pytest.mark.parametrize('kind, nicer', [('cpu', 10), ('cuda', 0)])
def test_pairs_give_way_to_a_step_on_the_same_cores(data, tiny_config, monkeypatch, kind, nicer):
    monkeypatch.setattr(loading, 'render', lambda plan: os.nice(0))
    config = tiny_config.replace({'workers': 1})
    content = loading.read_data(data, config)
    process = Process(0, 1, loading.torch.device(kind))
    loader = loading.training_loader(content, config, process, 0)
    assert next(iter(loader)).tolist() == [min(19, os.nice(0) + nicer)] * 4


def test_processes_stop_measuring_together(monkeypatch):
    """When the group says so, whatever the own clock shows."""
    monkeypatch.setattr(throughput, 'SECONDS', 0.0)
    done, said = [], iter([False, False, True])
    group = SimpleNamespace(device=loading.torch.device('cpu'), any=lambda here: next(said))
    throughput._seconds(lambda: done.append(1), group)
    assert len(done) == throughput.WARM_UP + 3


UNLIKE_CLOCKS = """
import os
import sys
from torch import distributed
from siamx_ros.cli import main
from siamx_ros.training import throughput

throughput.SECONDS = 0.2 + 0.6 * int(os.environ['RANK'])
sys.exit(main(sys.argv[1:]) or distributed.is_initialized())
"""


def test_benchmark_of_two_processes_ends(data, tmp_path):
    """Though their clocks differ; none is left in the group."""
    (tmp_path / 'clocks.py').write_text(UNLIKE_CLOCKS)
    done = subprocess.run(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2',
         str(tmp_path / 'clocks.py'), 'train', str(data), '--benchmark', '--device=cpu', *TINY],
        capture_output=True, text=True, timeout=120, env={**os.environ, 'OMP_NUM_THREADS': '1'})
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[0] == 'light, batch 4, cpu'


def test_benchmark_on_the_command_line(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(throughput, 'SECONDS', 0.01)
    monkeypatch.chdir(tmp_path)
    assert cli.main(['train', str(data), '--benchmark', '--device=cpu', *TINY]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0] == 'light, batch 2, cpu' and len(table) == 5
    assert all(line.endswith('pairs/s') for line in table[1:])
    assert list(tmp_path.iterdir()) == [], 'a benchmark writes nothing'


def test_a_run_needs_a_folder_or_benchmark(data, capsys):
    assert cli.main(['train', str(data), '--device=cpu']) == 2
    assert '--out FOLDER' in capsys.readouterr().err
    assert cli.main(['train', '--out', 'nowhere', '--device=cpu']) == 2
    assert 'name a training folder or sources' in capsys.readouterr().err


def test_report_draws_the_curves_of_a_run(tmp_path, capsys):
    lines = [f'{step},0.001,{5 - step / 100},1,2,{0.1 * step / 100},0.2,0.5,0.1,40\n'
             for step in (100, 200, 300)]
    (tmp_path / 'log.csv').write_text(HEADER + ''.join(lines))
    assert cli.main(['report', str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == 'best epoch: step 300, held-out overlap 0.300, hits 0.200\n'
    first = (tmp_path / 'curves.png').read_bytes()
    assert first.startswith(b'\x89PNG') and 'curves.png' in captured.err
    curves.draw_curves(tmp_path)
    assert (tmp_path / 'curves.png').read_bytes() == first


@pytest.mark.parametrize('text', ['', HEADER, 'a,b\n1,2\n', HEADER + '1,2\n', HEADER + 'x' * 9])
def test_a_log_that_is_none(tmp_path, text):
    (tmp_path / 'log.csv').write_text(text)
    with pytest.raises(InputError, match='log'):
        curves.draw_curves(tmp_path)


@pytest.mark.parametrize('arguments, sentence', [
    (('--benchmark', '--backbone', 'file.pth'), 'leave --backbone out'),
    (('--benchmark', '--out', 'run'), 'leave --out out'),
    (('--benchmark', '--resume'), 'leave --resume out'),
    (('--out', 'run', '--resume', '--initial', 'a.pt'), 'leave --initial out'),
    (('--out', 'run', '--minutes=-1'), '--minutes must be at least 0, got -1'),
    (('--out', 'run', '--minutes', 'nan'), '--minutes must be at least 0, got nan'),
    ((), 'name the run folder with --out')])
def test_options_without_effect_are_refused(data, capsys, arguments, sentence):
    assert cli.main(['train', str(data), *arguments]) == 2
    assert sentence in capsys.readouterr().err
