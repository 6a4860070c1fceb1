"""The pixel-wise network: its correlation against loops, on the paper's grid, and its backbone."""

import numpy as np
import pytest
import torch

from siamx_ros.config import NetworkConfig
from siamx_ros.model import pixelwise
from siamx_ros.model.mobile import DepthwiseConv, MobileBackbone
from siamx_ros.model.network import make_network, map_size
from siamx_ros.settings import SettingsError


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(3)
    return make_network(NetworkConfig.mobile().replace({'channels': 16})).eval()


def test_similarities_are_dot_products():
    torch.manual_seed(0)
    features, cells = torch.randn(2, 5, 3, 3), torch.randn(2, 4, 5)
    found = pixelwise._similarities(features, cells)
    for pair, cell, row, column in np.ndindex(2, 4, 3, 3):
        expected = float(features[pair, :, row, column] @ cells[pair, cell])
        assert float(found[pair, cell, row, column]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('side', [127, 191, 207, 255, 271, 415])
def test_maps_and_features_have_the_sizes_of_the_papers(network, side):
    patch = torch.rand(1, 3, side, side) * 255
    with torch.no_grad():
        kernels = network.embed_template(torch.rand(1, 3, 127, 127) * 255)
        prediction = network.search(patch, kernels)
        grid = network.grid_features(network.levels(patch))
    cells = map_size(side)
    assert prediction.centre_logits.shape == (1, 1, cells, cells)
    assert prediction.distances.shape == (1, 4, cells, cells) and prediction.distances.min() > 0
    assert [tuple(level.shape[1:]) for level in grid] == [
        (32, cells + 6, cells + 6), (112, cells + 6, cells + 6)]


def test_every_second_cell_is_one_of_the_network_and_those_between_are_means():
    """Cell i of n lies at the middle + 8 (i - n // 2): even ones are stride-16 cells 2, 3, ..."""
    maps = torch.arange(16.0).expand(1, 1, 16, 16)
    found = pixelwise._on_grid(maps)[0, 0]
    torch.testing.assert_close(found[3], torch.arange(4.0, 29.0) / 2)
    torch.testing.assert_close(pixelwise._on_grid(maps.mT)[0, 0][:, 3], torch.arange(4.0, 29.0) / 2)


def test_grid_features_lie_where_those_of_the_papers_network_do(network):
    """Cell j lies at patch pixel 8 j + 7: conv3 has it at j + 1, conv4 at (j + 1) / 2."""
    conv3 = torch.arange(32.0).expand(1, 1, 32, 32)
    conv4 = torch.arange(16.0).expand(1, 1, 16, 16)
    shallow, deep = network.grid_features({'L3': conv3, 'L4': conv4})
    torch.testing.assert_close(shallow[0, 0, 5], torch.arange(1.0, 32.0))
    torch.testing.assert_close(
        deep[0, 0, 5], torch.cat([torch.arange(1.0, 31.0) / 2, torch.tensor([15.0])]))


def test_a_target_is_most_like_itself(network):
    """The signature of a template equals that of the same features in a search."""
    features = np.random.default_rng(0).normal(size=(144, 7, 7)).astype(np.float32)
    levels = {'L4': torch.zeros(1, 112, 8, 8)}
    levels['L4'][0, :, 2:7, 2:7] = torch.from_numpy(features[32:].mean((1, 2)))[:, None, None]
    np.testing.assert_allclose(
        network.template_signature(levels).numpy(), network.signature(features), rtol=1e-5)


def test_a_distance_stays_finite(network):
    with torch.no_grad():
        maps = torch.full((1, 80, 16, 16), 1e6)
        assert torch.isfinite(network.head(maps, maps)[1]).all()


@pytest.mark.parametrize('side, cells', [(127, 16), (255, 32), (271, 34)])
def test_sizes(side, cells):
    with torch.no_grad():
        conv3, conv4 = MobileBackbone().eval()(torch.zeros(1, 3, side, side))
    assert conv3.shape == (1, 32, cells, cells)
    assert conv4.shape == (1, 112, cells // 2, cells // 2)


@pytest.mark.parametrize('level, index, place', [(0, 16, 127), (1, 8, 127), (0, 14, 111)])
def test_cells_look_at_their_places(level, index, place):
    """Index k sees pixels centred on 8 k - 1, or 16 k - 1; the middle alone sees no border."""
    backbone = MobileBackbone().eval().double()
    for parameter in backbone.parameters():
        parameter.data.abs_()
    side = 255 + 512
    patch = torch.ones(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    shift = 256 // (8, 16)[level]
    backbone(patch)[level][0, :, index + shift, index + shift].sum().backward()
    seen = patch.grad[0].abs().sum(0)
    for axis in (0, 1):
        places = torch.nonzero(seen.sum(axis)).flatten()
        assert 0 < places.min() and places.min() + places.max() == 2 * (place + 256)


def test_the_border_is_of_the_mean_colour():
    """A patch of that colour alone looks the same everywhere to the first layer."""
    backbone = MobileBackbone().eval()
    backbone.mean += torch.tensor([104.0, 116.0, 124.0])[:, None, None]
    seen = []
    backbone.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        backbone(backbone.mean.expand(1, 3, 127, 127))
    assert not seen[0].any() and seen[0].shape[-2:] == (129, 129)


def test_widths_are_fixed():
    with pytest.raises(SettingsError, match='leave both empty'):
        NetworkConfig(backbone='fbnet')


@pytest.mark.parametrize('size', [8, 9])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('kernel', [3, 5])
def test_fixed_filters_pass_the_true_gradient(kernel, stride, size):
    torch.manual_seed(1)
    layer = DepthwiseConv(4, 4, kernel, stride, kernel // 2, 1, 4, bias=False).double()
    x = torch.randn(2, 4, size, size + 1, dtype=torch.float64, requires_grad=True)
    weights = torch.randn_like(layer(x))
    (layer(x) * weights).sum().backward()
    learning, x.grad = x.grad, None
    layer.requires_grad_(False)
    (layer(x) * weights).sum().backward()
    torch.testing.assert_close(x.grad, learning)
    assert torch.autograd.gradcheck(layer, (x,))


@pytest.mark.gpu
def test_the_gpu_sees_what_the_cpu_sees():
    torch.manual_seed(0)
    backbone, patch = MobileBackbone().eval(), torch.rand(2, 3, 127, 127) * 255
    with torch.no_grad():
        expected = backbone(patch)
        found = backbone.cuda()(patch.cuda())
    for a, b in zip(expected, found):
        assert (b.cpu() - a).norm() < 0.01 * a.norm()
