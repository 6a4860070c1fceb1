"""What a run finds in its folder, and in its data: broken off, damaged, of other settings."""

import csv
import shutil
import time

import pytest
import torch

from siamx_ros import cli
from siamx_ros.errors import InputError
from siamx_ros.training import loading
from siamx_ros.training.curves import COLUMNS
from siamx_ros.training.run import Run
from siamx_ros.training.train import train

pytestmark = pytest.mark.usefixtures('small_validation')


@pytest.fixture(scope='module')
def one_epoch(data, tiny_config, tmp_path_factory):
    """A run that was stopped after its first epoch of three steps."""
    out = tmp_path_factory.mktemp('run') / 'part'
    train(data, out, tiny_config, device='cpu', max_minutes=1e-9)
    return out


@pytest.fixture
def out(one_epoch, tmp_path):
    return shutil.copytree(one_epoch, tmp_path / 'run')


def change(path, **values):
    torch.save({**torch.load(path, weights_only=True), **values}, path)


def steps(out):
    return [row['step'] for row in csv.DictReader((out / 'log.csv').open())]


def command(data, out, *options):
    return cli.main(['train', str(data), '--out', str(out), '--device', 'cpu', *options])


def test_however_short_the_time_an_epoch_is_done(one_epoch):
    assert steps(one_epoch) == ['3'] and (one_epoch / 'last.pt').exists()


def test_a_run_broken_off_in_its_first_epoch_begins_anew(data, out, tiny_config, capsys):
    """With its best.pt and a row of its log, but nothing to go on with."""
    (out / 'last.pt').unlink()
    (out / 'best.pt').write_bytes(b'old')
    shutil.copy(out / 'config.yaml', out.parent / 'small.yaml')
    small = '--config', str(out.parent / 'small.yaml')
    assert command(data, out, '--resume') == 2
    assert 'does not exist; start without --resume' in capsys.readouterr().err
    assert (out / 'best.pt').read_bytes() == b'old'
    assert command(data, out, *small, '--steps', '3') == 0
    assert steps(out) == ['3'] and (out / 'best.pt').read_bytes() != b'old'
    assert command(data, out, *small) == 2
    assert 'already holds a run: add --resume or name another' in capsys.readouterr().err
    (out / 'last.pt').unlink()
    assert command(data, out, *small) == 2
    assert 'already holds a run: name another folder' in capsys.readouterr().err


@pytest.mark.parametrize('log, kept', [
    ('', []), ('step,ra', []), ('step\n1\n', []), ('{head}\n{row}\n3,0.1,1\n', ['3']),
    ('{head}\n{row}\n3,0.1,1,1,1,0.5,0.5,0.5,0.5,4x\n\n', ['3']),
    ('{head}\n{row}\n6,0.1,1,1,1,0.5,0.5,0.5,0.5,40\n', ['3'])])
def test_what_of_a_log_is_incomplete_is_dropped(data, out, tiny_config, log, kept):
    head, row = (out / 'log.csv').read_text().splitlines()
    assert head == ','.join(COLUMNS)
    (out / 'log.csv').write_text(log.format(head=head, row=row))
    assert train(data, out, tiny_config, device='cpu', resume=True) >= 0
    assert steps(out) == [*kept, '6']
    assert not list(out.glob('*.partial'))


def test_a_log_and_settings_are_whole_or_as_before(data, out, tiny_config, capsys):
    """On a full disk too."""
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / 'config.yaml.partial').symlink_to('/dev/full')
    assert command(data, out, '--resume') == 1
    (out / 'log.csv.partial').symlink_to('/dev/full')
    assert command(data, out, '--resume') == 1
    said = capsys.readouterr().err
    for name in ('config.yaml', 'log.csv'):
        assert f'error: cannot write {out / name}: No space left on device' in said
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize('name', ['network', 'average', 'best'])
def test_a_last_pt_without_a_part_is_refused(data, out, tiny_config, name):
    content = torch.load(out / 'last.pt', weights_only=True)
    del content[name]
    torch.save(content, out / 'last.pt')
    with pytest.raises(InputError, match=f'not the last.pt of a training run: it lacks {name}$'):
        train(data, out, tiny_config, device='cpu', resume=True)
    change(one := out / 'last.pt', **{'network': {}, 'average': {}, 'best': 0.1, 'config': 3})
    with pytest.raises(InputError, match='it lacks a table of settings'):
        train(data, one.parent, tiny_config, device='cpu', resume=True)


def test_a_last_pt_of_another_optimiser_is_refused(data, out, tiny_config):
    change(out / 'last.pt', optimiser={'state': {}})
    with pytest.raises(InputError, match='holds no state of this optimiser'):
        train(data, out, tiny_config, device='cpu', resume=True)


def test_only_settings_that_differ_are_named(data, out, tiny_config):
    with pytest.raises(InputError, match=r'other settings: augment\.blur 0\.2, not 0\.5$'):
        train(data, out, tiny_config.replace({'augment.blur': 0.5}), resume=True)


def test_other_data_are_warned_of(data, out, tiny_config, tmp_path, caplog):
    """A file of before the checksum was kept is gone on with, and says nothing."""
    other = shutil.copytree(data, tmp_path / 'other')
    truth = other / 'video' / 'seen' / 'groundtruth.txt'
    truth.write_text(truth.read_text().replace('30,40,30,36', '31,40,30,36'))
    before = shutil.copytree(out, tmp_path / 'before')
    change(before / 'last.pt', data=None)
    for folder, run, warned in ((data, 'same', 0), (other, 'run', 1), (other, 'before', 0)):
        if run == 'same':
            shutil.copytree(out, tmp_path / run)
        caplog.clear()
        train(folder, tmp_path / run, tiny_config, device='cpu', resume=True)
        assert caplog.text.count('goes on with other data') == warned, run


def test_a_run_that_learnt_nothing_fails(data, out, tiny_config, monkeypatch, capsys):
    figures = dict.fromkeys(('iou', 'hit', 'score', 'score_absent'), float('nan'))
    monkeypatch.setattr('siamx_ros.training.run.validate', lambda *_: figures)
    shutil.copy(out / 'config.yaml', out.parent / 'small.yaml')
    assert command(data, out.parent / 'new', '--config', str(out.parent / 'small.yaml')) == 1
    captured = capsys.readouterr()
    assert 'error: nothing was learnt' in captured.err and 'best.pt' not in captured.out
    assert command(data, out, '--resume') == 0, 'its first epoch had a finite overlap'


def test_validation_needs_targets(data, tiny_config):
    config = tiny_config.replace({'augment.negative': 1.0, 'regions': 0.0})
    with pytest.raises(InputError, match='no pair to validate on shows its target.*got 1,'):
        loading.validation_loader(loading.read_data(data, config), config)


def test_a_deadline_ends_a_run_after_an_epoch(data, tiny_config, tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(Run, '_report', lambda run, row, bar: done.append(run.step))
    run = Run(tmp_path, tiny_config, loading.Process(0, 1, torch.device('cpu')))
    run.fit(loading.read_data(data, tiny_config), time.monotonic() - 1)
    assert done == [3]
