"""The weights of FEAR-XS from a network file: each convolution with its bias, the input folded."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from siamx_ros.config import NetworkConfig
from siamx_ros.model.backbone import ConvBN
from siamx_ros.model.fear_weights import import_fear
from siamx_ros.model.importing import start_backbone
from siamx_ros.model.network import make_network
from siamx_ros.model.weights import WeightsError

openvino = pytest.importorskip('openvino')
SHIFT, SCALE = np.array([-123.675, -116.28, -103.53]), np.array([0.01712, 0.01751, 0.01743])
BRANCH = (('correlation.project', ''), ('correlation.{}.0', 'no bias'), ('correlation.{}.1', ''),
          *((f'head.{{}}_tower.{index}.{layer}', '') for index in range(3) for layer in range(2)),
          ('head.{}_predictor.0', ''), ('head.{}_predictor.1', ''))


def network() -> nn.Module:
    return make_network(NetworkConfig(backbone='fbnet', widths=(), blocks=(), channels=16)).eval()


def write_network(path, count=None):
    """A network with the trunk and the two branches; returns weights and biases by layer."""
    from openvino import opset13 as ops
    rng, given, net = np.random.default_rng(3), {}, network()

    def behind(x, name, layer, has_bias=True):
        weight = rng.normal(size=layer.weight.shape).astype(np.float32)
        bias = rng.normal(size=layer.out_channels).astype(np.float32) * has_bias
        same = dict(strides=[1, 1], pads_begin=[layer.kernel_size[0] // 2] * 2,
                    pads_end=[layer.kernel_size[0] // 2] * 2, dilations=[1, 1])
        grouped = layer.groups > 1
        x = (ops.group_convolution if grouped else ops.convolution)(
            x, weight[:, None] if grouped else weight, **same)
        given[name] = torch.from_numpy(weight), torch.from_numpy(bias)
        return ops.add(x, bias.reshape(1, -1, 1, 1)) if has_bias else x

    image = ops.parameter([1, 3, 8, 8], np.float32)
    x = ops.multiply(ops.add(image, SHIFT.reshape(1, 3, 1, 1).astype(np.float32)),
                     SCALE.reshape(1, 3, 1, 1).astype(np.float32))
    trunk = [(name, layer[0]) for name, layer in net.backbone.named_modules()
             if isinstance(layer, ConvBN)]
    for name, layer in trunk[:count]:
        x = behind(x, name, layer)
    outputs = [x] if count else []
    for branch in () if count else ('reg', 'cls'):
        y = x
        for place, note in BRANCH:
            name = place.format(branch)
            y = behind(y, name, net.get_submodule(name), has_bias=not note)
            if place == 'correlation.{}.1':
                y = ops.concat([y, ops.constant(np.zeros((1, 64, 8, 8), np.float32))], 1)
        outputs.append(ops.exp(y) if branch == 'reg' else y)
    openvino.save_model(openvino.Model(outputs, [image]), path, compress_to_fp16=False)
    return given


def test_every_layer_answers_as_the_original(tmp_path):
    given, net = write_network(tmp_path / 'search.xml'), network()
    start_backbone(net, tmp_path / 'search.xml')
    assert len(given) == 46 + 2 * len(BRANCH) - 1
    for name, (weight, bias) in list(given.items())[1:]:
        if name == 'correlation.project':
            continue  # written once a branch, the last one is read
        layer = net.get_submodule(name) if '.' in name and name.startswith(
            ('correlation', 'head')) else net.backbone.get_submodule(name)
        conv = layer[0] if isinstance(layer, ConvBN) else layer
        x = torch.randn(1, weight.shape[1] * conv.groups, 9, 9)
        theirs = functional.conv2d(
            x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
        ours = layer[1](conv(x)) if isinstance(layer, ConvBN) else conv(x)
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4, msg=name)


def test_the_stem_takes_what_our_patches_hold(tmp_path):
    """BGR of 0 to 255, where theirs takes RGB, shifted and scaled; whole numbers go in."""
    weight, bias = write_network(tmp_path / 'search.xml')['stem']
    net = network().double()
    start_backbone(net, tmp_path / 'search.xml')
    assert net.backbone.mean.flatten().tolist() == [104, 116, 124]
    image = torch.rand(1, 3, 31, 31, dtype=torch.float64) * 255
    shift, scale = (torch.from_numpy(value)[:, None, None] for value in (SHIFT, SCALE))
    theirs = functional.conv2d(
        (image.flip(1) + shift) * scale, weight.double(), bias.double(), stride=2)
    stem = net.backbone.stem
    torch.testing.assert_close(
        stem[1](stem[0](image - net.backbone.mean)), theirs, rtol=1e-4, atol=1e-4)


def test_other_networks_are_refused(tmp_path):
    with pytest.raises(WeightsError, match='fits the backbone fbnet, the network has light'):
        import_fear(make_network(NetworkConfig.light()), __file__)
    write_network(tmp_path / 'one.xml', count=9)
    with pytest.raises(WeightsError, match='its outputs are others'):
        start_backbone(network(), tmp_path / 'one.xml')
    (tmp_path / 'search.onnx').write_bytes(b'no network')
    with pytest.raises(WeightsError, match='cannot be read as FEAR-XS: Unable to read') as refusal:
        start_backbone(network(), tmp_path / 'search.onnx')
    assert '\n' not in str(refusal.value) and 'src/' not in str(refusal.value)
    with pytest.raises(WeightsError, match='does not exist'):
        start_backbone(network(), tmp_path / 'missing.onnx')
