"""FBNet-C to its fifth stage: inverted residual blocks at strides 8 and 16.

With padding: index k of the outputs looks at patch pixel ``8 k - 1`` and ``16 k - 1``, so that
every second cell of conv3 lies at one of conv4.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from siamx_ros.config import NetworkConfig
from siamx_ros.model.backbone import ConvBN, initialise


class Stage(NamedTuple):
    """One stage: its first block carries the stride.

    Attributes:
        channels: of its output.
        blocks: (expansion, kernel) of each block.
    """

    channels: int
    blocks: tuple[tuple[int, int], ...]
    stride: int = 1


STEM = 16
"""Channels of the 3 x 3 convolution at the start."""
STAGES = (
    Stage(16, ((1, 3),)),
    Stage(24, ((6, 3), (1, 3), (1, 3)), stride=2),
    Stage(32, ((6, 5), (3, 5), (6, 5), (6, 3)), stride=2),
    Stage(64, ((6, 5), (3, 5), (6, 5), (6, 5)), stride=2),
    Stage(112, ((6, 5), (6, 5), (6, 5), (3, 5))))
"""Of FBNet-C."""
CONV3_STAGES = 3
"""Stages whose output is conv3; conv4 is the output of the last."""


class DepthwiseConv(nn.Conv2d):
    """A filter for every channel, with a gradient that is fast on a CPU.

    While its weights are fixed, the gradient towards the input of a centred filter is the filter
    turned round, over a gradient with zeros where the stride left cells out. That costs a forward
    pass: 5 ms where torch 2.13's own takes 76 (672 channels of 31 x 31, 5 x 5, bf16).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centred = self.padding[0] == self.kernel_size[0] // 2
        if centred and x.requires_grad and not x.is_cuda and not self.weight.requires_grad:
            return _FixedFilter.apply(x, self.weight, self.padding[0], self.stride[0])
        return super().forward(x)


class _FixedFilter(torch.autograd.Function):

    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor, padding: int, stride: int):
        ctx.weight, ctx.padding, ctx.stride, ctx.shape = weight, padding, stride, x.shape
        return functional.conv2d(x, weight, None, stride, padding, 1, x.shape[1])

    @staticmethod
    def backward(ctx, gradient: torch.Tensor):
        turned = ctx.weight.flip(2, 3).to(gradient.dtype)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        if ctx.stride > 1:
            spread = torch.empty(ctx.shape, dtype=gradient.dtype,
                                 memory_format=torch.channels_last).zero_()
            spread[..., ::ctx.stride, ::ctx.stride] = gradient
            gradient = spread
        return functional.conv2d(
            gradient, turned, None, 1, ctx.padding, 1, gradient.shape[1]), None, None, None


class InvertedBlock(nn.Module):
    """Widen (1x1), filter every channel (k x k), narrow (1x1); a shortcut where shapes agree."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        width = c_in * expansion
        self.expand = (
            ConvBN(c_in, width, 1, activation=nn.ReLU) if expansion > 1 else nn.Identity())
        self.depthwise = ConvBN(
            width, width, kernel, stride=stride, padding=kernel // 2, groups=width,
            activation=nn.ReLU, convolution=DepthwiseConv)
        self.project = ConvBN(width, c_out, 1)
        self.has_shortcut = stride == 1 and c_in == c_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.has_shortcut else y


class MobileBackbone(nn.Module):
    """Stem and five stages of inverted blocks; returns what stands for conv3 and conv4.

    Beyond the patch's border lies the colour ``mean``, BGR.

    Attributes:
        out_channels: channels of (conv3, conv4).
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('mean', torch.zeros(3, 1, 1))
        self.stem = ConvBN(3, STEM, 3, stride=2, activation=nn.ReLU)
        channels = [STEM, *(stage.channels for stage in STAGES)]
        self.stages = nn.ModuleList(
            _stage(c_in, stage) for c_in, stage in zip(channels, STAGES))
        self.out_channels = (channels[CONV3_STAGES], channels[-1])
        initialise(self)

    @property
    def parts(self) -> list[nn.Module]:
        """Stem and stages, from the input on."""
        return [self.stem, *self.stages]

    def forward(self, patch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of patches B x 3 x S x S (BGR, 0..255): (S + 1) / 8 and (S + 1) / 16 cells."""
        # channels last, as patches come: OpenVINO then turns them neither there nor back
        centred = (patch.permute(0, 2, 3, 1) - self.mean.flatten()).permute(0, 3, 1, 2)
        x = self.stem(functional.pad(centred, (2, 0, 2, 0)))
        for stage in self.stages[:CONV3_STAGES]:
            x = stage(x)
        conv3 = x
        for stage in self.stages[CONV3_STAGES:]:
            x = stage(x)
        return conv3, x


def fbnet(_config: NetworkConfig) -> MobileBackbone:
    """FBNet-C to its fifth stage."""
    return MobileBackbone()


def _stage(c_in: int, stage: Stage) -> nn.Sequential:
    return nn.Sequential(*(
        InvertedBlock(stage.channels if index else c_in, stage.channels, kernel,
                      expansion=expansion, stride=1 if index else stage.stride)
        for index, (expansion, kernel) in enumerate(stage.blocks)))
