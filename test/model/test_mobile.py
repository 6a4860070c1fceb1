"""FBNet-C: cost, grid, and the cheap gradient of its fixed filters."""

import pytest
import torch

from siamx_ros.config import NetworkConfig
from siamx_ros.model.mobile import DepthwiseConv, MobileBackbone
from siamx_ros.settings import SettingsError


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


@pytest.mark.parametrize('kernel', [3, 5])
def test_fixed_filters_pass_the_true_gradient(kernel):
    torch.manual_seed(1)
    layer = DepthwiseConv(4, 4, kernel, 1, kernel // 2, 1, 4, bias=False).double()
    x = torch.randn(2, 4, 9, 9, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 4, 9, 9, dtype=torch.float64)
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
