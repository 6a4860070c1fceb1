"""Inverted-residual backbones to their fifth stage at stride 8, on the grid of the ResNet backbone.

As there, no padding where it would shift the grid: index k of both outputs looks at patch pixel
``8 k + 7``. The stage that halves the resolution a fourth time keeps it and is dilated instead.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from siamx_ros.config import NetworkConfig
from siamx_ros.model.backbone import ConvBN, initialise


class Stage(NamedTuple):
    """One stage: its first block carries the stride and ``first`` dilation, the others ``rest``.

    Attributes:
        channels: of its output.
        blocks: (expansion, kernel) of each block.
    """

    channels: int
    blocks: tuple[tuple[int, int], ...]
    stride: int = 1
    padding: int | None = None
    first: int = 1
    rest: int = 1


class Layout(NamedTuple):
    """A backbone of inverted residual blocks.

    Attributes:
        stem: channels of the 3 x 3 convolution at the start.
        stages: five; the third's output is conv3, the last's conv4.
        activation: of every convolution but those that narrow.
    """

    stem: int
    stages: tuple[Stage, ...]
    activation: type[nn.Module]


EFFICIENTNET_LITE0 = Layout(32, (
    Stage(16, ((1, 3),)),
    Stage(24, ((6, 3),) * 2, stride=2, padding=0),
    Stage(40, ((6, 5),) * 2, stride=2, padding=1),
    Stage(80, ((6, 3),) * 3, first=1, rest=2),
    Stage(112, ((6, 5),) * 3, first=2, rest=2)), nn.ReLU6)
FBNET_C = Layout(16, (
    Stage(16, ((1, 3),)),
    Stage(24, ((6, 3), (1, 3), (1, 3)), stride=2, padding=0),
    Stage(32, ((6, 5), (3, 5), (6, 5), (6, 3)), stride=2, padding=1),
    Stage(64, ((6, 5), (3, 5), (6, 5), (6, 5)), first=1, rest=2),
    Stage(112, ((6, 5), (6, 5), (6, 5), (3, 5)), first=2, rest=2)), nn.ReLU)
CONV3_STAGES = 3
"""Stages whose output is conv3; conv4 is the output of the last."""


class DepthwiseConv(nn.Conv2d):
    """A filter for every channel, computed in the way that is fast where it is computed.

    On a CPU, while its weights are fixed, the gradient towards the input of a centred filter is the
    filter turned round, which costs a forward pass: 5 ms where torch 2.13's own takes 76 (672
    channels, 5 x 5, dilated, bf16). On a GPU a dilated filter is one without dilation on every
    second row and column (see :func:`_by_phases`).
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        centred = self.stride == (1, 1) and self.padding[0] == (
            self.dilation[0] * (self.kernel_size[0] // 2))
        if centred and x.is_cuda and self.dilation[0] > 1:
            return _by_phases(x, self.weight, self.dilation[0])
        if centred and x.requires_grad and not x.is_cuda and not self.weight.requires_grad:
            return _FixedFilter.apply(x, self.weight, self.padding, self.dilation)
        return super().forward(x)


def _by_phases(x: torch.Tensor, weight: torch.Tensor, dilation: int) -> torch.Tensor:
    """A centred, dilated filter: each of the grids of every ``dilation``-th pixel by itself.

    cuDNN has fast filters without dilation only: 0.03 ms instead of 1.4 on an H200 (32 x 672
    channels, 31 x 31, 5 x 5, bf16).
    """
    count, channels, height, width = x.shape
    x = functional.pad(x, (0, -width % dilation, 0, -height % dilation))
    grids = x.unflatten(3, (-1, dilation)).unflatten(2, (-1, dilation)).permute(0, 3, 5, 1, 2, 4)
    grids = grids.flatten(0, 2).contiguous(memory_format=torch.channels_last)
    y = functional.conv2d(grids, weight, None, 1, weight.shape[-1] // 2, 1, channels)
    y = y.unflatten(0, (count, dilation, dilation)).permute(0, 3, 4, 1, 5, 2)
    return y.flatten(4, 5).flatten(2, 3)[:, :, :height, :width]


class _FixedFilter(torch.autograd.Function):

    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor, padding, dilation) -> torch.Tensor:
        ctx.weight, ctx.layout = weight, (padding, dilation)
        return functional.conv2d(x, weight, None, 1, padding, dilation, x.shape[1])

    @staticmethod
    def backward(ctx, gradient: torch.Tensor):
        turned = ctx.weight.flip(2, 3).to(gradient.dtype)
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        return functional.conv2d(
            gradient, turned, None, 1, *ctx.layout, gradient.shape[1]), None, None, None


class InvertedBlock(nn.Module):
    """Widen (1x1), filter every channel (k x k), narrow (1x1); a shortcut where shapes agree."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, expansion: int, stride: int,
                 padding: int, dilation: int, activation: type[nn.Module]) -> None:
        super().__init__()
        width = c_in * expansion
        self.expand = (
            ConvBN(c_in, width, 1, activation=activation) if expansion > 1 else nn.Identity())
        self.depthwise = ConvBN(
            width, width, kernel, stride=stride, padding=padding, dilation=dilation, groups=width,
            activation=activation, convolution=DepthwiseConv)
        self.project = ConvBN(width, c_out, 1)
        self.has_shortcut = stride == 1 and c_in == c_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.has_shortcut else y


class MobileBackbone(nn.Module):
    """Stem and five stages of inverted blocks; returns what stands for conv3 and conv4.

    Attributes:
        out_channels: channels of (conv3, conv4).
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.stem = ConvBN(3, layout.stem, 3, stride=2, activation=layout.activation)
        channels = [layout.stem, *(stage.channels for stage in layout.stages)]
        self.stages = nn.ModuleList(
            _stage(c_in, stage, layout.activation)
            for c_in, stage in zip(channels, layout.stages))
        self.out_channels = (channels[CONV3_STAGES], channels[-1])
        initialise(self)

    @property
    def parts(self) -> list[nn.Module]:
        """Stem and stages, from the input on."""
        return [self.stem, *self.stages]

    def forward(self, patch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of patches B x 3 x S x S (BGR, 0..255): conv3, conv4, both (S - 7) / 8 cells."""
        x = self.stem(patch)
        for stage in self.stages[:CONV3_STAGES]:
            x = stage(x)
        conv3 = x
        for stage in self.stages[CONV3_STAGES:]:
            x = stage(x)
        return conv3, x


def efficientnet_lite0(_config: NetworkConfig) -> MobileBackbone:
    """EfficientNet-Lite0 to its fifth stage."""
    return MobileBackbone(EFFICIENTNET_LITE0)


def fbnet(_config: NetworkConfig) -> MobileBackbone:
    """FBNet-C to its fifth stage."""
    return MobileBackbone(FBNET_C)


def _stage(c_in: int, stage: Stage, activation: type[nn.Module]) -> nn.Sequential:
    blocks = []
    for index, (expansion, kernel) in enumerate(stage.blocks):
        is_first = index == 0
        dilation = stage.first if is_first else stage.rest
        padding = dilation * (kernel // 2)
        if is_first and stage.padding is not None:
            padding = stage.padding
        blocks.append(InvertedBlock(
            c_in if is_first else stage.channels, stage.channels, kernel, expansion=expansion,
            stride=stage.stride if is_first else 1, padding=padding, dilation=dilation,
            activation=activation))
    return nn.Sequential(*blocks)
