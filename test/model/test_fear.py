"""The trunk of FEAR-XS from a network file: each convolution with its bias, the input folded in."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from siamx_ros.config import NetworkConfig
from siamx_ros.model.backbone import ConvBN
from siamx_ros.model.importing import start_backbone
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import WeightsError

openvino = pytest.importorskip('openvino')
SHIFT, SCALE = np.array([-124.0, -116.0, -104.0]), np.array([0.017, 0.0175, 0.0174])


def network() -> SiamXNet:
    return SiamXNet(NetworkConfig(backbone='fbnet', widths=(), blocks=(), channels=16)).eval()


def write_chain(path, count=None):
    """A network of convolutions in the shapes of the trunk's; returns weights and biases."""
    from openvino import opset13 as ops
    rng = np.random.default_rng(3)
    layers = [layer[0] for layer in network().backbone.modules() if isinstance(layer, ConvBN)]
    given = []
    image = ops.parameter([1, 3, 8, 8], np.float32)
    x = ops.multiply(ops.add(image, SHIFT.reshape(1, 3, 1, 1).astype(np.float32)),
                     SCALE.reshape(1, 3, 1, 1).astype(np.float32))
    for layer in layers[:count]:
        weight = rng.normal(size=layer.weight.shape).astype(np.float32)
        bias = rng.normal(size=layer.out_channels).astype(np.float32)
        same = dict(strides=[1, 1], pads_begin=[layer.kernel_size[0] // 2] * 2,
                    pads_end=[layer.kernel_size[0] // 2] * 2, dilations=[1, 1])
        if layer.groups > 1:
            x = ops.group_convolution(x, weight[:, None], **same)
        else:
            x = ops.convolution(x, weight, **same)
        x = ops.add(x, bias.reshape(1, -1, 1, 1))
        given.append((torch.from_numpy(weight), torch.from_numpy(bias)))
    openvino.save_model(openvino.Model([x], [image]), path, compress_to_fp16=False)
    return given


def test_every_layer_answers_as_the_original(tmp_path):
    given, net = write_chain(tmp_path / 'search.xml'), network()
    start_backbone(net, tmp_path / 'search.xml')
    layers = [layer for layer in net.backbone.modules() if isinstance(layer, ConvBN)]
    assert len(layers) == len(given) == 46
    for layer, (weight, bias) in list(zip(layers, given))[1:]:
        x = torch.randn(1, layer[0].in_channels, 9, 9)
        conv = layer[0]
        theirs = functional.conv2d(
            x, weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups)
        torch.testing.assert_close(layer[1](conv(x)), theirs, rtol=1e-4, atol=1e-4)


def test_the_stem_takes_what_our_patches_hold(tmp_path):
    """BGR of 0 to 255, where theirs takes RGB, shifted and scaled."""
    (weight, bias), *_ = write_chain(tmp_path / 'search.xml')
    net = network().double()
    start_backbone(net, tmp_path / 'search.xml')
    image = torch.rand(1, 3, 31, 31, dtype=torch.float64) * 255
    shift, scale = (torch.from_numpy(value)[:, None, None] for value in (SHIFT, SCALE))
    theirs = functional.conv2d(
        (image.flip(1) + shift) * scale, weight.double(), bias.double(), stride=2)
    stem = net.backbone.stem
    torch.testing.assert_close(stem[1](stem[0](image)), theirs, rtol=1e-4, atol=1e-4)


def test_other_networks_are_refused(tmp_path):
    write_chain(tmp_path / 'short.xml', count=9)
    with pytest.raises(WeightsError, match='9 convolutions, 46 expected'):
        start_backbone(network(), tmp_path / 'short.xml')
    (tmp_path / 'search.onnx').write_bytes(b'no network')
    with pytest.raises(WeightsError, match='cannot be read as a network'):
        start_backbone(network(), tmp_path / 'search.onnx')
    with pytest.raises(WeightsError, match='does not exist'):
        start_backbone(network(), tmp_path / 'missing.onnx')
