"""The loop: it learns, resumes exactly, runs in two processes, and refuses what does not fit."""

import csv
import shutil

import pytest
import torch
from tqdm import tqdm

from siamx_ros import cli
from siamx_ros.config import NetworkConfig
from siamx_ros.errors import InputError
from siamx_ros.model.weights import load_checkpoint
from siamx_ros.settings_files import read_settings_file
from siamx_ros.training.curves import COLUMNS, keep_rows
from siamx_ros.training.distributed import Process
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.run import Run
from siamx_ros.training.train import train

pytestmark = pytest.mark.usefixtures('small_validation')


@pytest.fixture(scope='module')
def finished(data, tiny_config, tmp_path_factory):
    out = tmp_path_factory.mktemp('run') / 'whole'
    train(data, out, tiny_config, device='cpu')
    return out


def test_a_run_leaves_its_files(finished, tiny_config):
    rows = list(csv.DictReader((finished / 'log.csv').open()))
    assert [row['step'] for row in rows] == ['3', '6']
    checkpoint = load_checkpoint(finished / 'best.pt')
    assert checkpoint.network.config == tiny_config.network
    assert checkpoint.card['training']['seed'] == tiny_config.seed
    final, last = load_checkpoint(finished / 'final.pt'), torch.load(
        finished / 'last.pt', weights_only=True)
    assert final.card['trained_steps'] == 6
    for name, value in final.network.state_dict().items():
        assert torch.equal(value, last['average'][name]), name


def test_the_recipes_train_what_they_say(repository):
    recipes = (repository / 'config' / 'train').glob('*.yaml')
    networks = {path.stem: TrainConfig().replace(read_settings_file(path)[0]).network
                for path in recipes}
    assert networks == {'default': NetworkConfig.mobile(), 'light': NetworkConfig.light(),
                        'paper': NetworkConfig()}


def test_the_papers_recipe_jitters_place_and_size_alone(repository):
    values, _ = read_settings_file(repository / 'config' / 'train' / 'paper.yaml')
    config = TrainConfig().replace(values)
    on = {name for name, value in vars(config.augment).items() if value}
    assert on == {'template_shift', 'template_scale', 'search_shift', 'search_scale'}
    assert config.parts == config.negatives == config.negative_focus == 0


def test_the_end_is_a_mean_of_start_and_run(data, tiny_config, finished, tmp_path, interrupted):
    """A quarter of the start, also after a resumption, which has the start from its file."""
    config, out = tiny_config.replace({'start_share': 0.25}), tmp_path / 'mean'
    with pytest.raises(InputError, match='name them'):
        train(data, out, config, device='cpu')
    start = load_checkpoint(finished / 'final.pt').network.state_dict()
    interrupted(data, out, config, initial=finished / 'final.pt')
    train(data, out, config, device='cpu', resume=True)
    last = torch.load(out / 'last.pt', weights_only=True)['average']
    for name, value in load_checkpoint(out / 'final.pt').network.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.25 * start[name] + 0.75 * last[name])
    assert not last['neck.0.0.weight'].equal(start['neck.0.0.weight'])


@pytest.mark.parametrize('frozen', [0.0, 0.7])
def test_resume_is_exact(data, tiny_config, finished, tmp_path, interrupted, frozen):
    """Stopped after the first epoch and resumed, a run ends with the very same numbers."""
    config, out = tiny_config.replace({'frozen': frozen}), tmp_path / 'broken'
    if frozen:
        finished = tmp_path / 'whole'
        train(data, finished, config, device='cpu')
    interrupted(data, out, config)
    train(data, out, config, device='cpu', resume=True)
    whole, resumed = (torch.load(p / 'last.pt', weights_only=True) for p in (finished, out))
    for part in ('network', 'average'):
        for name, value in whole[part].items():
            if not name.endswith('num_batches_tracked'):
                assert torch.equal(value, resumed[part][name]), name
    assert whole['step'] == resumed['step'] == 6


def test_resume_refuses_other_settings(data, tiny_config, finished):
    with pytest.raises(InputError, match='other settings: batch 4, not 2$'):
        train(data, finished, tiny_config.replace({'batch': 2, 'negatives': 1}), resume=True)
    with pytest.raises(InputError, match='nothing to resume'):
        train(data, finished / 'absent', tiny_config, resume=True)


@pytest.mark.parametrize('own', [False, True])
def test_a_run_goes_on_with_its_own_settings(data, finished, tmp_path, capsys, own):
    """They need not be said again, and others are refused."""
    out = tmp_path / 'run'
    shutil.copytree(finished, out)
    content = torch.load(out / 'last.pt', weights_only=True)
    torch.save({**content, 'step': 3}, out / 'last.pt')
    before = (out / 'config.yaml').read_text()
    command = ['train', str(data), '--out', str(out), '--device', 'cpu', '--resume']
    command += ['--config', str(out / 'config.yaml')] if own else []
    assert cli.main([*command, '--batch', '2', '--negatives', '1']) == 2
    assert 'other settings: batch 4, not 2' in capsys.readouterr().err
    assert cli.main(command) == 0
    assert torch.load(out / 'last.pt', weights_only=True)['step'] == 6
    assert (out / 'config.yaml').read_text() == before


def test_a_run_is_not_written_over(data, finished, tmp_path, capsys):
    """Its results alone are enough; and only a last.pt can be gone on with."""
    out = tmp_path / 'run'
    shutil.copytree(finished, out)
    (out / 'last.pt').unlink()
    before = (out / 'log.csv').read_text()
    shutil.copy(out / 'config.yaml', tmp_path / 'small.yaml')
    assert cli.main(['train', str(data), '--out', str(out), '--device', 'cpu',
                     '--config', str(tmp_path / 'small.yaml')]) == 2
    assert 'already holds a run' in capsys.readouterr().err
    shutil.copy(out / 'best.pt', out / 'last.pt')
    assert cli.main(['train', str(data), '--out', str(out), '--device', 'cpu', '--resume']) == 2
    assert 'is not the last.pt of a training run' in capsys.readouterr().err
    assert (out / 'log.csv').read_text() == before


def test_resume_refuses_another_number_of_processes(data, tiny_config, finished, tmp_path):
    """Their pairs and rates would be others; a file of before the number was kept is taken."""
    content = torch.load(finished / 'last.pt', weights_only=True)
    assert content['processes'] == 1
    run = Run(tmp_path, tiny_config, Process(0, 1, torch.device('cpu')))
    torch.save({**content, 'processes': 2}, tmp_path / 'last.pt')
    with pytest.raises(InputError, match='processes that trained it, 2, got 1'):
        run.restore(tmp_path / 'last.pt')
    assert run.step == 0
    del content['processes']
    torch.save(content, tmp_path / 'last.pt')
    run.restore(tmp_path / 'last.pt')
    assert run.step == 6


def test_rows_of_what_is_done_again_are_dropped(data, tiny_config, finished, tmp_path):
    """Killed after its log row and before last.pt, an epoch is repeated and logged once."""
    out = tmp_path / 'killed'
    shutil.copytree(finished, out)
    content = torch.load(out / 'last.pt', weights_only=True)
    torch.save({**content, 'step': 3}, out / 'last.pt')
    train(data, out, tiny_config, device='cpu', resume=True)
    rows = list(csv.DictReader((out / 'log.csv').open()))
    assert [row['step'] for row in rows] == ['3', '6']


def test_steps_beyond_a_million_are_logged_in_full(tiny_config, tmp_path):
    """A log of before, which has them rounded, can be gone on with."""
    run = Run(tmp_path, tiny_config, Process(0, 1, torch.device('cpu')))
    row = dict.fromkeys(COLUMNS, 0.5)
    log = tmp_path / 'log.csv'
    log.write_text(','.join(COLUMNS) + '\n1e+06,0.1,1,1,1,0.5,0.5,0.5,0.5,40\n')
    for run.step in (1_234_567, 1_234_570):
        run._report({**row, 'step': run.step}, tqdm(disable=True))
    keep_rows(tmp_path, 1_234_567)
    steps = [line.split(',')[0] for line in log.read_text().splitlines()]
    assert steps == ['step', '1e+06', '1234567']


def test_an_unknown_device_is_refused(data, tiny_config, tmp_path):
    with pytest.raises(InputError, match="unknown device 'gpu'"):
        train(data, tmp_path / 'out', tiny_config, device='gpu')


def test_compiled_training_is_the_same(data, tiny_config, tmp_path, monkeypatch):
    """With the same names in the checkpoint.

    Graphs are made as for a GPU, but run by torch itself.
    """
    compile_with = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, 'compile', lambda part, **options: compile_with(
        part, backend='aot_eager', **options))
    config = tiny_config.replace({'steps': 2, 'steps_per_epoch': 2})
    for name, compiled in (('plain', False), ('compiled', True)):
        train(data, tmp_path / name, config.replace({'compile': compiled}), device='cpu')
    plain, compiled = (load_checkpoint(tmp_path / name / 'final.pt').network.state_dict()
                       for name in ('plain', 'compiled'))
    assert list(plain) == list(compiled)
    for name, value in plain.items():
        torch.testing.assert_close(compiled[name], value, atol=1e-4, rtol=1e-3)
