"""A frozen backbone is run by OpenVINO, and training learns the same."""

from pathlib import Path
import threading

import pytest
import torch
from tqdm import tqdm

from siamx_ros.config import NetworkConfig
from siamx_ros.model import openvino_graph
from siamx_ros.model.network import make_network
from siamx_ros.training import frozen, schedule
from siamx_ros.training.prefetch import prefetch
from siamx_ros.training.distributed import Process
from siamx_ros.training.step import LossModule
from siamx_ros.training.run import Run

pytestmark = pytest.mark.skipif(
    not openvino_graph.is_installed(), reason='openvino is not installed')
CPU = torch.device('cpu')


@pytest.fixture
def config(tiny_config):
    return tiny_config.replace({'frozen': 0.5, 'steps': 4})


@pytest.fixture(scope='module')
def patches():
    torch.manual_seed(1)
    boxes = torch.tensor([[90.0, 80, 170, 150], [60, 100, 120, 190], [100, 100, 150, 160]])
    scenes = torch.arange(3)[:, None].expand(3, 2)
    return torch.rand(3, 3, 127, 127) * 255, torch.rand(3, 3, 255, 255) * 255, boxes, scenes


def network_of(config):
    torch.manual_seed(0)
    return make_network(config.network)


def gradients(network, config, patches, stand_in, step=0):
    """Total loss and all gradients of one step."""
    schedule.apply_freeze(network, config, schedule.is_frozen(step, config))
    network.zero_grad(set_to_none=True)
    template, search, *rest = patches
    if stand_in:
        template, search = stand_in(template), stand_in(search)
    loss = LossModule(network, config)(template, search, *rest).total
    loss.backward()
    return loss.item(), {n: p.grad for n, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize('kind', ['light', 'mobile'])
def test_losses_and_gradients_are_those_of_torch(config, patches, kind):
    if kind == 'mobile':
        config = config.replace({'network': NetworkConfig.mobile().to_dict()})
    network = network_of(config)
    expected, wanted = gradients(network, config, patches, None)
    loss, got = gradients(
        network, config, patches, frozen.frozen_backbone(network.backbone, config, CPU, 1))
    assert loss == pytest.approx(expected, rel=1e-4)
    assert wanted.keys() == got.keys() and not any(n.startswith('backbone') for n in got)
    for name, gradient in wanted.items():
        torch.testing.assert_close(got[name], gradient, rtol=0.02, atol=2e-4)


def test_what_learns_is_left_to_torch(config, patches, monkeypatch):
    """While the backbone is frozen a run hands features to the loss, afterwards patches."""
    run = Run(Path(), config, Process(0, 1, CPU))
    monkeypatch.setattr('siamx_ros.training.run.to_inputs',
                        lambda batch, device: (*patches, patches[2]))
    for step in range(4):
        template, search, *rest = run.prepare(step, None)
        assert isinstance(template, list) == isinstance(search, list) == (step < 2)
        assert all(a is b for a, b in zip(rest, patches[2:]))


def test_cores_are_shared(config):
    """Torch leaves the frozen backbone its cores, and has all of them back afterwards."""
    before = torch.get_num_threads()
    try:
        for threads, own in ((1, 1), (2, 1), (8, 3)):
            torch.set_num_threads(threads)
            run = Run(Path(), config, Process(0, 1, CPU))
            assert run.frozen.threads == own
            with run.threads(0):
                assert torch.get_num_threads() == max(1, threads - own)
            with run.threads(3):
                assert torch.get_num_threads() == threads, 'nothing is frozen any more'
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_cores_are_given_back_within_an_epoch(config, monkeypatch):
    """From the step on from which the backbone learns, not from the epoch after it."""
    before, seen = torch.get_num_threads(), []
    monkeypatch.setattr(Run, 'optimise', lambda run: (
        seen.append(torch.get_num_threads()), torch.zeros(3))[1])
    try:
        torch.set_num_threads(2)
        run = Run(Path(), config, Process(0, 1, CPU))
        run._epoch(iter([()] * 3), tqdm(disable=True))
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 1, 2]


def test_the_next_one_is_made_meanwhile():
    """In another thread, one ahead, in order; what goes wrong there is raised here."""
    made, begun = [], [threading.Event() for _ in range(4)]

    def make(item):
        begun[item].set()
        made.append((item, threading.current_thread()))
        if item == 3:
            raise ValueError('damaged')
        return item * 10

    results = prefetch(range(4), make)
    for item in range(3):
        assert next(results) == item * 10
        assert begun[item + 1].wait(5) and (item == 2 or not begun[item + 2].is_set())
    with pytest.raises(ValueError, match='damaged'):
        next(results)
    assert [item for item, _ in made] == [0, 1, 2, 3]
    assert threading.current_thread() not in [thread for _, thread in made]
    assert list(prefetch([], make)) == []


def test_answers_stay_as_they_are(config, patches):
    """The next batch does not write into the features of the one before."""
    stand_in = frozen.FrozenBackbone(network_of(config).eval().backbone, 'fp32')
    first = stand_in(patches[1])
    copies = [feature.clone() for feature in first]
    stand_in(patches[1].flip(0))
    assert all(torch.equal(a, b) for a, b in zip(first, copies))


def test_under_autocast_and_in_bf16(config, patches):
    """As in a run: it is compiled within autocast; bf16 is near fp32."""
    backbone = network_of(config).eval().backbone
    with torch.no_grad():
        exact = backbone(patches[1])
    with torch.autocast('cpu', torch.bfloat16):
        features = frozen.FrozenBackbone(backbone, 'bf16')(patches[1])
    for got, wanted in zip(features, exact):
        assert got.dtype == torch.bfloat16 and got.is_contiguous(memory_format=torch.channels_last)
        assert (got - wanted).abs().mean() < 0.05 * wanted.abs().mean()


def test_only_where_it_helps(config, monkeypatch):
    backbone = network_of(config).backbone
    assert frozen.frozen_backbone(backbone, config, CPU, 1)
    assert frozen.frozen_backbone(backbone, config, torch.device('cuda'), 1) is None
    assert frozen.frozen_backbone(backbone, config.replace({'frozen': 0.0}), CPU, 1) is None
    monkeypatch.setattr(openvino_graph, 'is_installed', lambda: False)
    assert frozen.frozen_backbone(backbone, config, CPU, 1) is None
