"""A network that rounds as inference in eight bits does, in torch: the reference of an int8 graph.

Zero is rounded to zero on both sides, and both are signed, as TensorRT asks for: one step a
convolution for what it takes in, one step an output channel for its weights.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from siamx_ros.model.network import SiameseNet
from siamx_ros.model.quantisation import SMALLEST, Ranges, rounded_filters

LOWEST, HIGHEST = -128, 127


class RoundedConv(nn.Module):
    """A convolution that rounds its input and weights to eight bits.

    In an ONNX graph, both are QuantizeLinear and DequantizeLinear, in front of a Conv.

    Args:
        convolution: it; its weights are rounded in place.
        low, high: least and greatest value that it takes in.
    """

    def __init__(self, convolution: nn.Conv2d, low: float, high: float) -> None:
        super().__init__()
        self.convolution = convolution
        weight = convolution.weight.detach()
        weight.copy_(torch.from_numpy(rounded_filters(weight.flatten(1).numpy())).view_as(weight))
        self.step = max(low / LOWEST, high / HIGHEST, SMALLEST)
        reach = weight.abs().flatten(1).amax(1)
        self.register_buffer('unit', reach.clamp(min=SMALLEST) / HIGHEST)
        self.register_buffer('zero', torch.zeros(len(reach), dtype=torch.int32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        convolution = self.convolution
        x = torch.fake_quantize_per_tensor_affine(x, self.step, 0, LOWEST, HIGHEST)
        weight = torch.fake_quantize_per_channel_affine(
            convolution.weight, self.unit, self.zero, 0, LOWEST, HIGHEST)
        return nn.functional.conv2d(
            x, weight, convolution.bias, convolution.stride, convolution.padding,
            convolution.dilation, convolution.groups)


def rounded(network: SiameseNet, ranges: Ranges) -> SiameseNet:
    """A copy of a network, batch norm folded, that rounds where ``ranges`` names a convolution."""
    network = copy.deepcopy(network)
    for name, (low, high) in ranges.items():
        parent, _, leaf = name.rpartition('.')
        convolution = network.get_submodule(name)
        setattr(network.get_submodule(parent), leaf, RoundedConv(convolution, low, high))
    return network
