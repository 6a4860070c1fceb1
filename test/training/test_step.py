"""Loss and schedule of single steps: negatives, decay, rates, freezing, the mean of weights."""

import pytest
import torch
from tqdm import tqdm

from siamx_ros.model.network import SiamXNet
from siamx_ros.settings import SettingsError
from siamx_ros.training import schedule
from siamx_ros.training.pairs import PairDataset
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.distributed import Process
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.step import BatchLoss, LossModule
from siamx_ros.training.run import Run
from siamx_ros.training.validation import as_input


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


def test_a_backbone_that_openvino_runs_is_not_compiled(tiny_config, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.Module, 'compile', lambda *_, **__: pytest.fail('compiled'))
    run = Run(tmp_path, tiny_config.replace({'compile': True, 'frozen': 1.0}),
              Process(0, 1, torch.device('cpu')))
    assert run.frozen is not None


def test_the_papers_decay_cannot_end_at_zero(tiny_config):
    with pytest.raises(SettingsError, match='final_rate of 0'):
        tiny_config.replace({'schedule': 'paper', 'final_rate': 0.0})
