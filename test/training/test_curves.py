"""What a run folder needs, and the curves of a run."""

import os
import sys

import pytest

from siamx_ros import cli
from siamx_ros.errors import InputError
from siamx_ros.training import curves, loading
from siamx_ros.training.distributed import Process

HEADER = 'step,rate,loss,cls,reg,iou,hit,score,score_absent,pairs_per_s\n'


@pytest.mark.filterwarnings('ignore:.*pin_memory')
@pytest.mark.parametrize('kind, nicer', [('cpu', 10), ('cuda', 0)])
def test_pairs_give_way_to_a_step_on_the_same_cores(data, tiny_config, monkeypatch, kind, nicer):
    monkeypatch.setattr(loading.PairDataset, '__getitem__', lambda self, index: os.nice(0))
    config = tiny_config.replace({'workers': 1})
    content = loading.read_data(data, config)
    process = Process(0, 1, loading.torch.device(kind))
    loader = loading.training_loader(content, config, process, 0)
    assert next(iter(loader)).tolist() == [min(19, os.nice(0) + nicer)] * 4


def test_a_run_needs_a_folder(data, capsys):
    assert cli.main(['train', str(data), '--device=cpu']) == 2
    assert 'required: --out' in capsys.readouterr().err
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
    (('--out', 'run', '--resume', '--initial', 'a.pt'), 'leave --initial out'),
    (('--out', 'run', '--minutes=-1'), '--minutes must be at least 0, got -1'),
    (('--out', 'run', '--minutes', 'nan'), '--minutes must be at least 0, got nan')])
def test_options_without_effect_are_refused(data, capsys, arguments, sentence):
    assert cli.main(['train', str(data), *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_what_draws_the_curves_is_missed_before_the_first_step(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    assert cli.main(['train', str(data), '--out', str(tmp_path / 'run')]) == 1
    assert "'matplotlib'" in capsys.readouterr().err and not (tmp_path / 'run').exists()
