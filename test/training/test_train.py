"""The loop: it learns, resumes exactly, runs in two processes, and refuses what does not fit."""

import csv
import os
import shutil
import subprocess
import sys

import pytest
import torch
from tqdm import tqdm

from siamx_ros.config import NetworkConfig
from siamx_ros.errors import InputError
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import load_checkpoint
from siamx_ros.settings import SettingsError
from siamx_ros.settings_files import read_yaml
from siamx_ros.training import schedule
from siamx_ros.training.loading import read_data, training_loader
from siamx_ros.training.pairs import PairDataset
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.distributed import Process
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.step import BatchLoss, LossModule
from siamx_ros.training.run import COLUMNS, Run
from siamx_ros.training.train import train
from siamx_ros.training.validation import as_input


@pytest.fixture(autouse=True, scope='module')
def small_validation():
    from siamx_ros.training import loading as module
    patch = pytest.MonkeyPatch()
    patch.setattr(module, 'VALIDATION_PAIRS', 8)
    yield
    patch.undo()


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


@pytest.mark.parametrize('name, network', [
    ('default', NetworkConfig.mobile()), ('light', NetworkConfig.light()),
    ('paper', NetworkConfig())])
def test_the_recipes_train_what_they_say(repository, name, network):
    given = read_yaml(repository / 'config' / 'train' / f'{name}.yaml')
    assert TrainConfig().replace(given).network == network


def test_the_papers_recipe_jitters_place_and_size_alone(repository):
    config = TrainConfig().replace(read_yaml(repository / 'config' / 'train' / 'paper.yaml'))
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
    with pytest.raises(InputError, match='other settings'):
        train(data, finished, tiny_config.replace({'batch': 2, 'negatives': 1}), resume=True)
    with pytest.raises(InputError, match='nothing to resume'):
        train(data, finished / 'absent', tiny_config, resume=True)


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


def test_one_batch_can_be_learnt(data, tiny_config):
    """Thirty steps on the same eight pairs more than halve the loss."""
    config = tiny_config.replace({'network.channels': 16, 'learning_rate': 0.005})
    torch.manual_seed(0)
    network = SiamXNet(config.network)
    loss_module, optimiser = LossModule(network, config), schedule.make_optimiser(network, config)
    for group in optimiser.param_groups:
        group['lr'] = config.learning_rate
    dataset = PairDataset(read_pictures(data, config), config, length=8, seed=1)
    template, search, *rest = torch.utils.data.default_collate([dataset[i] for i in range(8)])
    device, losses = torch.device('cpu'), []
    for _ in range(40):
        loss = loss_module(as_input(template, device), as_input(search, device), *rest[:2]).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_a_search_patch_of_the_same_scene_is_no_negative(tiny_config):
    """Where all scenes are one, the loss is that without further negatives."""
    torch.manual_seed(0)
    network = SiamXNet(tiny_config.network).eval()
    patches = torch.rand(4, 3, 127, 127) * 255, torch.rand(4, 3, 255, 255) * 255
    boxes = torch.tensor([[90.0, 80, 170, 150]]).expand(4, 4)

    def loss(negatives, scenes):
        config = tiny_config.replace({'batch': 4, 'negatives': negatives})
        with torch.no_grad():
            return LossModule(network, config)(*patches, boxes, scenes).classification.item()

    same = torch.full((4, 2), 7)
    others = torch.arange(4)[:, None].expand(4, 2)
    # each search shows the template before
    crossed = torch.tensor([[0, 9], [1, 0], [2, 1], [3, 2]])
    assert loss(3, same) == loss(3, crossed) == loss(0, others) != loss(3, others)


def test_negative_pairs_are_no_pairs_of_the_regression(tiny_config):
    """Its branch sees the pairs with a target alone, also in the statistics of its norms."""
    torch.manual_seed(0)
    network = SiamXNet(tiny_config.network)
    patches = torch.rand(4, 3, 127, 127) * 255, torch.rand(4, 3, 255, 255) * 255
    boxes = torch.tensor([[90.0, 80, 170, 150]]).expand(4, 4)
    scenes, seen = torch.arange(4)[:, None].expand(4, 2), []
    for name in ('cls', 'reg'):
        tower = getattr(network.head, f'{name}_tower')
        tower.register_forward_pre_hook(
            lambda _, given, name=name: seen.append((name, len(given[0]))))
    losses = [LossModule(network, tiny_config.replace({'batch': 4, 'negatives': count}))(
        *patches, boxes, scenes) for count in (3, 0)]
    assert seen == [('cls', 7), ('reg', 4), ('cls', 4), ('reg', 4)]
    assert losses[0].regression.item() == losses[1].regression.item()
    assert losses[0].classification.item() != losses[1].classification.item()


def test_what_decays(tiny_config):
    network = SiamXNet(tiny_config.network)
    decayed = {id(p) for group in schedule.make_optimiser(network, tiny_config).param_groups
               if group['weight_decay'] for p in group['params']}
    names = {name for name, p in network.named_parameters() if id(p) in decayed}
    assert 'head.cls_predictor.weight' in names and 'head.bias' not in names
    assert all(name.endswith('weight') for name in names)


def test_a_loss_that_is_not_finite_is_skipped(data, tiny_config, tmp_path, monkeypatch, caplog):
    """The step changes nothing, and the epoch's mean is that of the others."""
    run = Run(tmp_path, tiny_config, Process(0, 1, torch.device('cpu')))
    good, before = run.loss_module, [p.clone() for p in run.network.parameters()]
    run.loss_module = lambda *inputs: BatchLoss(
        *next(run.network.parameters()).mean() * torch.tensor([float('inf'), 1.0, 1.0]))
    assert run.optimise().isnan().all() and 'step 0 skipped' in caplog.text
    assert all(torch.equal(a, b) for a, b in zip(before, run.network.parameters()))
    run.loss_module = good
    losses = iter([torch.full((3,), float('nan')), torch.tensor([4.0, 3.0, 1.0]),
                   torch.tensor([2.0, 1.0, 1.0])])
    monkeypatch.setattr(run, 'optimise', lambda: next(losses))
    row = run._epoch(iter([()] * 3), tqdm(disable=True))
    assert (row['loss'], row['cls'], row['reg']) == (3.0, 2.0, 1.0)


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
    run.step = 1_234_567
    run.forget_rows()
    steps = [line.split(',')[0] for line in log.read_text().splitlines()]
    assert steps == ['step', '1e+06', '1234567']


def test_an_unknown_device_is_refused(data, tiny_config, tmp_path):
    with pytest.raises(InputError, match="unknown device 'gpu'"):
        train(data, tmp_path / 'out', tiny_config, device='gpu')


def test_paper_schedule():
    """Warm-up from 0.001 to 0.005 over a tenth, then exponentially to 1e-5; frozen for a fifth."""
    config = TrainConfig().replace({
        'schedule': 'paper', 'steps': 500, 'warmup': 0.1, 'warmup_start': 0.001,
        'learning_rate': 0.005, 'final_rate': 1e-5, 'frozen': 0.2})
    rates = [schedule.learning_rate(step, config) for step in range(500)]
    assert rates[0] == pytest.approx(0.001) and rates[50] == pytest.approx(0.005)
    assert rates[-1] == pytest.approx(1e-5)
    ratios = [b / a for a, b in zip(rates[50:], rates[51:])]
    assert max(ratios) == pytest.approx(min(ratios)) and ratios[0] < 1
    assert schedule.is_frozen(99, config) and not schedule.is_frozen(100, config)


def test_freezing_holds_weights_and_norms(tiny_config):
    config = tiny_config.replace({'frozen': 0.5, 'optimiser': 'sgd'})
    network = SiamXNet(config.network)
    schedule.apply_freeze(network, config, frozen=True)
    assert not any(p.requires_grad for p in network.backbone.parameters())
    assert not network.backbone.stem[1].training and network.neck[0][1].training
    schedule.apply_freeze(network, config, frozen=False)
    assert all(p.requires_grad for p in network.parameters()) and network.backbone.training


@pytest.mark.parametrize('step, decay', [(0, 0.1), (90, 0.91), (10 ** 6, 0.99)])
def test_averaged_weights_follow_slowly(tiny_config, tmp_path, step, decay):
    """Parameters and the statistics of the norms alike."""
    run = Run(tmp_path, tiny_config.replace({'ema': 0.99}), Process(0, 1, torch.device('cpu')))
    run.step, before = step, [value.clone() for value in run.average.state_dict().values()]
    with torch.no_grad():
        for value in run.network.state_dict().values():
            value += 1
    run._average_in()
    for old, mean in zip(before, run.average.state_dict().values()):
        if mean.is_floating_point():
            torch.testing.assert_close(mean, old + (1 - decay), atol=1e-5, rtol=1e-4)


def test_every_recipe_can_be_read(repository):
    recipes = sorted((repository / 'config' / 'train').glob('*.yaml'))
    assert len(recipes) == 3
    for recipe in recipes:
        TrainConfig().replace(read_yaml(recipe))


def test_the_backbone_is_frozen_and_freed_where_the_settings_say(data, tiny_config, tmp_path):
    run = Run(tmp_path, tiny_config.replace({'frozen': 0.5, 'steps': 6}),
              Process(0, 1, torch.device('cpu')))
    free = []
    for run.step in range(6):
        run.schedule()
        free.append(all(p.requires_grad for p in run.network.backbone.parameters()))
    assert free == [False] * 3 + [True] * 3


def test_a_backbone_that_openvino_runs_is_not_compiled(tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.Module, 'compile', lambda *_, **__: pytest.fail('compiled'))
    run = Run(tmp_path, tiny_config.replace({'compile': True, 'frozen': 1.0}),
              Process(0, 1, torch.device('cpu')))
    assert run.frozen is not None


def test_the_papers_decay_cannot_end_at_zero(tiny_config):
    with pytest.raises(SettingsError, match='final_rate of 0'):
        tiny_config.replace({'schedule': 'paper', 'final_rate': 0.0})


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


@pytest.mark.parametrize('step', [0, 3])
def test_processes_share_the_pairs_of_a_step(data, tiny_config, step):
    """Two with batches of two have each step's pairs of one with batches of four, none twice."""
    config = tiny_config.replace({'batch': 2})
    content = read_data(data, config)

    def batches(config, rank, count):
        process = Process(rank, count, torch.device('cpu'))
        return [batch[1] for batch in training_loader(content, config, process, step)]
    whole = batches(tiny_config, 0, 1)
    shares = [torch.stack(batches(config, rank, 2), 0) for rank in (0, 1)]
    assert len(whole) == len(shares[0]) == len(shares[1]) == 6 - step
    for pairs, *own in zip(whole, *shares):
        assert torch.stack(own, 1).flatten(0, 1).equal(pairs)
        assert len(pairs.flatten(1).unique(dim=0)) == 4


@pytest.mark.parametrize('rank', [0, 1])
def test_a_resumed_process_has_the_rest_of_its_pairs(data, tiny_config, rank):
    process, content = Process(rank, 2, torch.device('cpu')), read_data(data, tiny_config)
    whole, rest = (list(training_loader(content, tiny_config, process, step)) for step in (0, 4))
    for batch, again in zip(whole[4:], rest, strict=True):
        assert all(a.equal(b) for a, b in zip(batch[:2], again[:2]))


NOTED = """
import sys
import torch
from siamx_ros.cli import main
from siamx_ros.training.run import Run

fit, prepare, seen = Run.fit, Run.prepare, []


def noted_fit(run, *rest):
    fit(run, *rest)
    torch.save({'parameters': [p.detach() for p in run.network.parameters()], 'boxes': seen},
               run.out / f'{run.process.rank}.pt')


def noted_prepare(run, *rest):
    inputs = prepare(run, *rest)
    seen.append(inputs[2])
    return inputs


Run.fit, Run.prepare = noted_fit, noted_prepare
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_two_processes(data, tmp_path):
    """torchrun with two CPU processes trains one network on unlike pairs and logs once."""
    out = tmp_path / 'two'
    (tmp_path / 'noted.py').write_text(NOTED)
    settings = ['--network.backbone=light', '--network.widths=8,8,8,8',
                '--network.blocks=1,1,1', '--network.channels=8',
                '--network.tower_depth=1', '--batch=2', '--steps=2', '--steps_per_epoch=2',
                '--negatives=1', '--precision=fp32', '--workers=0', '--held_out=kept']
    done = subprocess.run(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2',
         str(tmp_path / 'noted.py'), 'train', str(data), '--out', str(out), '--device=cpu',
         *settings],
        capture_output=True, text=True, timeout=300, env={**os.environ, 'OMP_NUM_THREADS': '1'})
    assert done.returncode == 0, done.stderr[-2000:]
    assert len((out / 'log.csv').read_text().splitlines()) == 2
    assert load_checkpoint(out / 'best.pt').card['batch'] == 4
    assert torch.load(out / 'last.pt', weights_only=True)['processes'] == 2
    first, second = (torch.load(out / f'{rank}.pt', weights_only=True) for rank in (0, 1))
    assert all(a.equal(b) for a, b in zip(first['parameters'], second['parameters'], strict=True))
    assert len(first['boxes']) == 2
    assert not any(a.equal(b) for a, b in zip(first['boxes'], second['boxes'], strict=True))
