"""Inference in eight bits: measured ranges, rounding as a slow reference does it, refusals."""

import copy

import numpy as np
from patches import as_tensor, patches
import pytest
from slow_rounding import rounded_filter
import torch
from torch import nn

from siamx_ros.config import ModelConfig, NetworkConfig
from siamx_ros.errors import InputError
from siamx_ros.model import openvino_engine, openvino_graph, quantisation
from siamx_ros.model.backbone import fold_batch_norm
from siamx_ros.model.network import SiamXNet, make_network
from siamx_ros.model.processor import Processor
from siamx_ros.model.runtime import make_engine

INT8 = ModelConfig(device='cpu', runtime='openvino', precision='int8')

pytestmark = pytest.mark.skipif(
    not openvino_graph.is_installed(), reason='openvino is not installed')


@pytest.fixture(scope='module')
def ranges(network):
    return quantisation.input_ranges(
        network, [tuple(map(as_tensor, patches(127, 255, seed=seed))) for seed in (1, 2)])


def rounded(network: SiamXNet, ranges: dict) -> SiamXNet:
    """The reference: every convolution of ``ranges`` rounds its input and weights, in float64."""
    network = fold_batch_norm(copy.deepcopy(network)).double()
    for name, module in network.named_modules():
        if name not in ranges:
            continue
        low, high = ranges[name]
        step = max(-low / 128, high / 127) if low < 0 else high / 255
        ends = (-128, 127) if low < 0 else (0, 255)

        def hook(module, inputs, step=step, ends=ends):
            return ((inputs[0] / step).round().clamp(*ends) * step,)
        module.register_forward_pre_hook(hook)
        for each in module.weight.data:
            each.copy_(rounded_filter(each))
    return network


@pytest.mark.parametrize('count', [9, 25, 64, 672])
def test_the_sum_of_a_filter_stays_where_its_weights_are_rounded(count):
    filters = np.random.default_rng(count).normal(0.1, 1, (40, count)).astype(np.float32)
    filters[0], filters[1] = 0, 0.3
    found, units = quantisation.rounded_filters(filters), np.abs(filters).max(1) / 127
    for row, (exact, unit) in enumerate(zip(filters, units)):
        wanted = rounded_filter(torch.from_numpy(exact).double()).numpy() if row else exact
        assert found[row] == pytest.approx(wanted, abs=1e-5)
        assert abs(float(found[row].sum() - exact.sum())) <= 0.51 * unit
    nearest = np.rint(filters[2:] / units[2:, None]) * units[2:, None]
    assert np.abs((nearest - filters[2:]).sum(1) / units[2:]).max() > 1, 'it would not without'


def test_ranges_hold_all_but_outliers_of_a_search(network):
    template, search = map(as_tensor, patches(127, 255, seed=1))
    found = quantisation.input_ranges(
        network, [(template, search), (template, torch.zeros_like(search))])
    searched = {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)
                and '.template.' not in name}
    assert set(found) == {name for name in searched if not name.startswith(quantisation.EXACT)}
    with torch.no_grad():
        taken = torch.cat([network.levels(patch)['L4'].flatten()
                           for patch in (search, torch.zeros_like(search))])
    first = {'SiamXNet': 'pairs.L4xL4.cls.search.0', 'PixelwiseNet': 'project'}
    low, high = found[f'correlation.{first[type(network).__name__]}']
    expected = torch.quantile(taken, torch.tensor([1e-4, 1 - 1e-4]))
    assert (low, high) == pytest.approx(expected.tolist(), rel=0.02)
    inner = [bounds for name, bounds in found.items() if name.endswith('cls_tower.1.0')]
    assert inner and all(low == 0 < high for low, high in inner)  # behind a ReLU


def test_a_few_outliers_do_not_widen_a_range():
    torch.manual_seed(2)
    spread, values = quantisation._Spread(), torch.randn(100_000)
    values[:3] = torch.tensor([-500.0, 700.0, 90.0])
    for part in values.split(30_000):
        spread.add(part)
    expected = torch.quantile(values, torch.tensor([1e-4, 1 - 1e-4])).tolist()
    assert (-spread.end(-1), spread.end(1)) == pytest.approx(expected, rel=0.02)
    spread = quantisation._Spread()
    spread.add(values.abs())
    assert spread.end(-1) == 0.0 and spread.end(1) > 3


def test_answers_as_the_reference(network, ranges, monkeypatch):
    """What is not rounded is computed in fp32 here: bf16 would blur the comparison."""
    monkeypatch.setattr(openvino_graph, 'fastest_float', lambda: 'fp32')
    template, search = patches(127, 255, seed=3)
    engine = make_engine(network, INT8, ranges)
    maps = engine.search(search, engine.embed(template))
    patch, exact = as_tensor(search).double(), copy.deepcopy(network).double()
    with torch.no_grad():
        slow, plain = (torch.cat(each.grid_features(each.levels(patch)), 1)[0].numpy()
                       for each in (rounded(network, ranges), exact))
    error = np.abs(engine.describe(maps) - slow).mean()
    assert error < 0.5 * np.abs(plain - slow).mean()  # another rounding would be off by more than 1


def test_every_measured_convolution_is_rounded(network, ranges):
    engine = make_engine(network, INT8, ranges)
    template, search = patches(127, 255, seed=3)
    engine.search(search, engine.embed(template))
    request, _ = engine._searches.held[(1, 255, 255, 3)]
    graph = request.get_compiled_model().get_runtime_model()
    kinds = [op.get_rt_info()['runtimePrecision'].astype(str) for op in graph.get_ops()
             if op.get_rt_info()['layerType'].astype(str) == 'Convolution']
    assert len([kind for kind in kinds if kind in ('u8', 'i8')]) >= len(ranges)


def test_what_is_encoded_once_is_not_rounded(network, ranges):
    """The first image: by the compiled engine, as near to fp32 as bf16 is."""
    plain = make_engine(network, ModelConfig(device='cpu', runtime='torch'))
    engine, [search] = make_engine(network, INT8, ranges), patches(207, seed=3)
    wanted = plain.encode_search(search)
    found = engine.encode_search(search)
    assert engine._encodings and found.keys() == wanted.keys()
    for name, features in wanted.items():
        assert (found[name] - features).abs().mean() < 0.01 * features.std()


def test_auto_takes_int8_where_the_cpu_is_fast_at_it(network, ranges, monkeypatch):
    auto = ModelConfig(device='cpu')
    for fast, table, expected in ((True, ranges, True), (False, ranges, False), (True, {}, False)):
        monkeypatch.setattr(openvino_engine, 'is_worth_it', lambda *_: fast)
        assert (make_engine(network, auto, table).precision == 'int8') == expected


@pytest.mark.parametrize('vendor, flags, dense, channels', [
    ('GenuineIntel', 'fpu avx512_vnni avx512_bf16 amx_bf16 amx_int8', True, False),
    ('GenuineIntel', 'fpu avx512_vnni avx512_bf16', True, True),
    ('GenuineIntel', 'fpu avx_vnni', True, True),
    ('AuthenticAMD', 'fpu avx512_vnni avx512_bf16', True, False),
    ('AuthenticAMD', 'fpu avx2 avx512f', False, False), ('', '', False, False)])
def test_where_eight_bits_are_worth_it(vendor, flags, dense, channels):
    """Nearly twice as fast as bf16 in dense products; little faster where bf16 is good."""
    processor = Processor(vendor, frozenset(flags.split()))
    for config, expected in ((NetworkConfig(), dense), (NetworkConfig.mobile(), channels)):
        assert quantisation.is_worth_it(make_network(config), processor) == expected


def test_int8_needs_ranges_and_openvino(network, ranges):
    with pytest.raises(InputError, match='needs weights with measured ranges'):
        make_engine(network, INT8)
    with pytest.raises(InputError, match='needs openvino'):
        make_engine(network, INT8.replace({'runtime': 'torch'}), ranges)
