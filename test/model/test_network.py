"""Correlation, cost, caching and the folded network."""

import numpy as np
from patches import as_tensor, patches
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from siamx_ros.config import NetworkConfig
from siamx_ros.model.correlation import (
    depthwise_correlation, gradient_laid_out, weighted_sum)
from siamx_ros.model.inference import Engine, Maps, Template
from siamx_ros.model.network import SiamXNet, make_network
from siamx_ros.settings import SettingsError

TABLE_III = [
    ('L4xL4',), ('L4xL3',), ('L3xL4',), ('L3xL3',), ('L4xL3', 'L3xL4'), ('L4xL3', 'L4xL4'),
    ('L3xL4', 'L4xL4'), ('L4xL4', 'L3xL3'), ('L4xL3', 'L3xL4', 'L4xL4', 'L3xL3'),
    ('L4xL3', 'L3xL4', 'L4xL4')]


def slow_correlation(search, kernel):
    """The definition, one number at a time."""
    batch, channels, height, width = search.shape
    k = kernel.shape[-1]
    out = torch.zeros(batch, channels, height - k + 1, width - k + 1, dtype=search.dtype)
    for b, c, y, x in np.ndindex(*out.shape):
        out[b, c, y, x] = (search[b, c, y:y + k, x:x + k] * kernel[b, c]).sum()
    return out


@pytest.mark.parametrize('with_gradient', [False, True])
def test_correlation_equals_its_definition(with_gradient):
    torch.manual_seed(3)
    search = torch.randn(2, 3, 9, 8, dtype=torch.float64, requires_grad=with_gradient)
    kernel = torch.randn(2, 3, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(
        depthwise_correlation(search, kernel), slow_correlation(search, kernel))


@pytest.mark.parametrize('own, other', [
    (torch.channels_last, torch.contiguous_format), (torch.contiguous_format, torch.channels_last)])
def test_a_gradient_comes_in_the_layout_of_its_tensor(own, other):
    start = torch.rand(2, 3, 5, 5, requires_grad=True)
    x, seen = start.contiguous(memory_format=own) * 1, []
    x.register_hook(lambda gradient: seen.append(gradient.is_contiguous(memory_format=own)))
    weights = torch.rand(2, 3, 5, 5).contiguous(memory_format=other)
    (gradient_laid_out(x) * weights).sum().backward()
    assert seen == [True] and start.grad.equal(weights)
    assert gradient_laid_out(weights) is weights


def test_a_weighted_sum_is_laid_out_for_the_towers_and_its_gradient_for_the_correlation():
    seen = []
    maps = [torch.rand(2, 3, 5, 5, requires_grad=True) * 1 for _ in range(2)]
    for level in maps:
        level.register_hook(lambda gradient: seen.append(gradient.is_contiguous()))
    fused = weighted_sum(maps, torch.zeros(2))
    assert fused.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(fused, (maps[0] + maps[1]) / 2, check_stride=False)
    fused.backward(torch.rand(2, 3, 5, 5).contiguous(memory_format=torch.channels_last))
    assert seen == [True, True]


def test_correlation_gradients():
    torch.manual_seed(4)
    search = torch.randn(1, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(depthwise_correlation, (search, kernel))


@pytest.mark.parametrize('config, parameters, least, most', [
    (NetworkConfig.light(), 3_500_000, 0.5e9, 2e9),
    (NetworkConfig.mobile(), 1_500_000, 0.3e9, 0.6e9)], ids=['light', 'mobile'])
def test_budget_of_the_light_class(config, parameters, least, most):
    network = make_network(config).eval()
    assert sum(p.numel() for p in network.parameters()) <= parameters
    with torch.no_grad():
        kernels = network.embed_template(torch.zeros(1, 3, 127, 127))
        with FlopCounterMode(display=False) as counter:
            network.search(torch.zeros(1, 3, 255, 255), kernels)
    assert least < counter.get_total_flops() / 2 <= most


@pytest.mark.parametrize('pairs', TABLE_III, ids='+'.join)
def test_every_row_of_table_three_runs(pairs):
    config = NetworkConfig.light().replace({'level_pairs': pairs})
    network = SiamXNet(config).eval()
    with torch.no_grad():
        prediction = network(torch.zeros(1, 3, 127, 127), torch.zeros(1, 3, 255, 255))
    assert prediction.centre_logits.shape == (1, 1, 25, 25)
    assert prediction.distances.shape == (1, 4, 25, 25)
    assert len(network.correlation.cls_weight) == len(pairs)


@pytest.mark.parametrize('pairs', [(), ('L4xL4', 'L4xL4'), ('L5xL4',)])
def test_impossible_level_pairs_are_refused(pairs):
    with pytest.raises(SettingsError, match='level_pairs'):
        NetworkConfig(level_pairs=pairs)


def test_centre_cell_looks_at_the_patch_centre():
    """Index 15 of 31 sees pixel 127: with nothing switched off, its field is centred there."""
    backbone = SiamXNet(NetworkConfig.light()).eval().double().backbone
    backbone.pool = torch.nn.AvgPool2d(3, stride=2, padding=1)
    for parameter in backbone.parameters():
        parameter.data.abs_()
    patch = torch.ones(1, 3, 255, 255, dtype=torch.float64, requires_grad=True)
    conv3, _ = backbone(patch)
    conv3[0, :, 15, 15].sum().backward()
    seen = patch.grad[0].abs().sum(0)
    rows, columns = torch.nonzero(seen.sum(1)).flatten(), torch.nonzero(seen.sum(0)).flatten()
    assert 0 < rows.min() and rows.max() < 254
    assert rows.min() + rows.max() == 2 * 127 and columns.min() + columns.max() == 2 * 127


def test_template_of_another_size_is_refused():
    with pytest.raises(ValueError, match='127x127'):
        SiamXNet(NetworkConfig.light()).embed_template(torch.zeros(1, 3, 135, 135))


def test_engine_equals_the_plain_network():
    """Folding batch norm and caching the template change nothing."""
    torch.manual_seed(5)
    network = SiamXNet(NetworkConfig.light())
    with torch.no_grad():
        for _ in range(2):  # gives the norms statistics to fold
            network.train()(torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 255, 255) * 255)
    network.eval()
    template, search = patches(127, 255)
    engine = Engine(network, 'cpu')
    maps = engine.search(search, engine.embed(template))
    with torch.no_grad():
        plain = network(as_tensor(template), as_tensor(search))
    np.testing.assert_allclose(maps.scores, plain.centre_logits[0, 0].sigmoid(), atol=1e-5)
    np.testing.assert_allclose(maps.distances, plain.distances[0], rtol=1e-3)
    with torch.no_grad():
        levels = network.levels(as_tensor(search))
    described = engine.describe(maps)
    assert described.shape == (2 * 64, 31, 31)
    for part, name in zip(np.split(described, 2), ('L3', 'L4')):
        np.testing.assert_allclose(part, levels[name][0], atol=1e-3)


def test_similarity_compares_the_place_that_was_chosen():
    """Features put where the cell looks are found there, and only there."""
    engine = Engine(SiamXNet(NetworkConfig.light()).eval(), 'cpu')
    generator = torch.Generator().manual_seed(7)
    target = torch.randn(64, 7, 7, generator=generator)
    template = Template({}, (target / target.norm()).flatten().numpy())
    features = torch.randn(1, 64, 31, 31, generator=generator)
    row, column = 9, 20
    features[:, :, row:row + 7, column:column + 7] = target
    both = torch.cat([torch.zeros_like(features), features], 1)
    maps = Maps(np.zeros((25, 25)), np.zeros((4, 25, 25)), both)
    assert engine.similarity(maps, (row, column), template) == pytest.approx(1, abs=1e-6)
    assert abs(engine.similarity(maps, (row, 2), template)) < 0.2
