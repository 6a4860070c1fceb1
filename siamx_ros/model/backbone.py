"""ResNet to conv4 at stride 8, as the authors changed it (no padding that would shift the grid).

Index k of the stride-8 feature looks at patch pixel ``8 k + 7``, so every size is odd and centred:
127 -> 15 cells, 255 -> 31 cells (paper, Sec. III-A).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from siamx_ros.config import NetworkConfig


class ConvBN(nn.Sequential):
    """A convolution without bias, then batch norm, then the activation if one is given."""

    def __init__(self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, padding: int = 0,
                 dilation: int = 1, groups: int = 1, bias: bool = False,
                 activation: type[nn.Module] | None = None,
                 convolution: type[nn.Conv2d] = nn.Conv2d) -> None:
        layers = [
            convolution(c_in, c_out, kernel, stride, padding, dilation, groups, bias=bias),
            nn.BatchNorm2d(c_out)]
        super().__init__(*layers, *([activation(inplace=True)] if activation else []))


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Fold every batch norm into the convolution before it, in place; same outputs, less work."""
    for module in network.modules():
        if isinstance(module, ConvBN) and isinstance(module[1], nn.BatchNorm2d):
            module[0] = fuse_conv_bn_eval(module[0], module[1])
            module[1] = nn.Identity()
    return network


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with a shortcut; the 3x3 carries stride and dilation."""

    expansion = 4

    def __init__(self, c_in: int, width: int, *, stride: int, padding: int, dilation: int,
                 shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = ConvBN(c_in, width, 1, activation=nn.ReLU)
        self.conv2 = ConvBN(
            width, width, 3, stride=stride, padding=padding, dilation=dilation, activation=nn.ReLU)
        self.conv3 = ConvBN(width, width * self.expansion, 1)
        self.shortcut = shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual = x if self.shortcut is None else self.shortcut(x)
        return self.relu(self.conv3(self.conv2(self.conv1(x))) + residual)


class BasicBlock(nn.Module):
    """Two 3x3 with a shortcut: the light variant's block, same stride, padding and dilation."""

    expansion = 1

    def __init__(self, c_in: int, width: int, *, stride: int, padding: int, dilation: int,
                 shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = ConvBN(
            c_in, width, 3, stride=stride, padding=padding, dilation=dilation, activation=nn.ReLU)
        self.conv2 = ConvBN(width, width, 3, padding=dilation, dilation=dilation)
        self.shortcut = shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        residual = x if self.shortcut is None else self.shortcut(x)
        return self.relu(self.conv2(self.conv1(x)) + residual)


class Backbone(nn.Module):
    """Stem and three residual stages; returns the paper's conv3 and conv4 features.

    Args:
        block: of which the stages are made.
        config: widths and depths.

    Attributes:
        out_channels: channels of (conv3, conv4).
    """

    def __init__(self, block: type[Bottleneck] | type[BasicBlock], config: NetworkConfig) -> None:
        super().__init__()
        stem, width1, width2, width3 = config.widths
        self.stem = ConvBN(3, stem, 7, stride=2, activation=nn.ReLU)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = (width1 * block.expansion, width2 * block.expansion, width3 * block.expansion)
        self.layer1 = _stage(block, stem, width1, config.blocks[0])
        self.layer2 = _stage(block, channels[0], width2, config.blocks[1], stride=2)
        self.layer3 = _stage(block, channels[1], width3, config.blocks[2], dilation=2)
        self.out_channels = channels[1:]
        initialise(self)

    @property
    def parts(self) -> list[nn.Module]:
        """Stem and stages, from the input on."""
        return [self.stem, self.layer1, self.layer2, self.layer3]

    def forward(self, patch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Features of patches B x 3 x S x S (BGR, 0..255): conv3, conv4, both (S - 7) / 8 cells."""
        conv3 = self.layer2(self.layer1(self.pool(self.stem(patch))))
        return conv3, self.layer3(conv3)


def resnet50(config: NetworkConfig) -> Backbone:
    """The paper's backbone."""
    return Backbone(Bottleneck, config)


def light(config: NetworkConfig) -> Backbone:
    """The paper's backbone made narrow, of simpler blocks."""
    return Backbone(BasicBlock, config)


def _stage(block: type, c_in: int, width: int, depth: int, *, stride: int = 1,
           dilation: int = 1) -> nn.Sequential:
    """A residual stage; its first block has half the dilation and carries the shortcut."""
    c_out = width * block.expansion
    first_dilation = max(1, dilation // 2)
    padding = 0 if stride == 2 else first_dilation
    shortcut = None
    if stride == 2 or dilation == 2:
        shortcut = ConvBN(c_in, c_out, 3, stride=stride, padding=padding, dilation=first_dilation)
    elif c_in != c_out:
        shortcut = ConvBN(c_in, c_out, 1)
    blocks = [block(c_in, width, stride=stride, padding=padding, dilation=first_dilation,
                    shortcut=shortcut)]
    blocks += [block(c_out, width, stride=1, padding=dilation, dilation=dilation, shortcut=None)
               for _ in range(depth - 1)]
    return nn.Sequential(*blocks)


def initialise(module: nn.Module) -> None:
    """Normal weights with deviation sqrt(2 / (k k C_out)); batch norm starts at identity."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = layer.kernel_size[0] * layer.kernel_size[1] * layer.out_channels
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / fan_out))
