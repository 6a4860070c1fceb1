"""The network for robots without a GPU: every template cell is compared with every search cell.

An FBNet-C trunk at stride 16, pixel-wise correlation and separable towers, in the shape of FEAR-XS
(Borsuk et al., ECCV 2022), from whose published weights it can start. Its answers and features are
brought to the grid of the paper's network (stride 8), so that a tracker takes either.
"""

from __future__ import annotations

from typing import Iterable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from siamx_ros.config import NetworkConfig
from siamx_ros.model.network import SiameseNet, check_template

TEMPLATE_CELLS = 8
"""Cells of stride 16 along a template patch."""
EDGE = 2
"""Outer cells of stride 16, on each side, that answer for nothing on the paper's grid."""
TOWER = 2
"""Convolutions in each tower between the joined maps and the predictor."""
MIDDLE = slice(2, 7)
"""Cells along a template patch that show the target."""
KERNELS = ('pixels.cls', 'pixels.reg')
LOGIT_LIMIT = 8.0
"""Largest logarithm of a side distance: 2981 pixels."""


class SeparableConv(nn.Sequential):
    """A 3 x 3 filter for every channel, then a mix of the channels, then ReLU if wished."""

    def __init__(self, c_in: int, c_out: int, relu: bool = True) -> None:
        layers = [nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in), nn.Conv2d(c_in, c_out, 1)]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if relu else []))


class PixelwiseCorrelation(nn.Module):
    """Both branches' comparison of a template with a search patch.

    Args:
        channels_in: of the trunk's last features.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels_in, channels, 1)
        self.cls = SeparableConv(channels, channels)
        self.reg = SeparableConv(channels, channels)

    def encode_template(self, levels: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What a search is compared with, B x 64 x C for each branch."""
        cells = self.project(levels['L4']).flatten(2).transpose(1, 2).contiguous()
        return dict.fromkeys(KERNELS, cells)

    def encode_search(self, levels: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Features of a search patch, B x C x k x k for each branch."""
        projected = self.project(levels['L4'])
        return dict(zip(KERNELS, (self.cls(projected), self.reg(projected))))

    def correlate(self, maps: dict[str, torch.Tensor],
                  kernels: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Features and similarities to the template's cells, B x (C + 64) x k x k a branch."""
        cls, reg = (torch.cat([maps[name], _similarities(maps[name], kernels[name])], 1)
                    for name in KERNELS)
        return cls, reg

    def forward(self, levels: dict[str, torch.Tensor],
                kernels: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Both steps for search patches."""
        return self.correlate(self.encode_search(levels), kernels)


class SeparableHead(nn.Module):
    """A tower and a predictor for each branch; answers on the paper's grid.

    Args:
        channels_in: of the joined maps.
        channels: of the towers.
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        for branch, outputs in (('cls', 1), ('reg', 4)):
            setattr(self, f'{branch}_tower', nn.Sequential(
                SeparableConv(channels_in, channels),
                *(SeparableConv(channels, channels) for _ in range(TOWER))))
            setattr(self, f'{branch}_predictor', SeparableConv(channels, outputs, relu=False))

    def forward(self, cls: torch.Tensor, reg: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Centre logits B x 1 x n x n and side distances B x 4 x n x n, pixels, n = 2 k - 7."""
        logits = self.cls_predictor(self.cls_tower(cls))
        distances = self.reg_predictor(self.reg_tower(reg)).clamp(max=LOGIT_LIMIT).exp()
        return _on_grid(logits), _on_grid(distances)


class PixelwiseNet(SiameseNet):
    """Trunk, pixel-wise correlation and separable head; patches are of a stretched geometry.

    Levels are L3 at stride 8 and L4 at stride 16.
    """

    kernel_names = KERNELS

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.correlation = PixelwiseCorrelation(self.backbone.out_channels[1], config.channels)
        self.head = SeparableHead(config.channels + TEMPLATE_CELLS ** 2, config.channels)

    def neck_levels(self, features: Iterable[torch.Tensor]) -> dict[str, torch.Tensor]:
        """The backbone's (conv3, conv4) by name; there is no neck."""
        return dict(zip(('L3', 'L4'), features))

    def template_levels(self, template: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features of template patches B x 3 x 127 x 127."""
        check_template(template)
        return self.levels(template)

    @staticmethod
    def template_part(levels: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What of a template's features is encoded: all."""
        return levels

    @staticmethod
    def grid_features(levels: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """L3 and L4 on the paper's feature grid, B x C x n x n (31 cells for 255 pixels)."""
        conv3, conv4 = levels.values()
        side = conv3.shape[-1]
        fine = functional.interpolate(
            conv4, (side - 1, side - 1), mode='bilinear', align_corners=True)
        fine = functional.pad(fine, (0, 1, 0, 1), mode='replicate')
        return [conv3[:, :, 1:, 1:], fine[:, :, 1:, 1:]]

    @staticmethod
    def template_signature(levels: dict[str, torch.Tensor]) -> torch.Tensor:
        """Mean features of the target in a template, C numbers."""
        return levels['L4'][0, :, MIDDLE, MIDDLE].mean((1, 2))

    def signature(self, features: np.ndarray) -> np.ndarray:
        """The same of 7 x 7 grid cells around a place, of features C x 7 x 7 as in a search."""
        return features[-self.backbone.out_channels[1]:].mean((1, 2))


def _similarities(features: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Dot products of features B x C x k x k with template cells B x 64 x C: B x 64 x k x k."""
    return (cells @ features.flatten(2)).unflatten(2, features.shape[2:])


def _on_grid(maps: torch.Tensor) -> torch.Tensor:
    """Maps of k x k cells of stride 16 as 2 k - 7 cells of stride 8: every second one is new."""
    inner = maps[:, :, EDGE:-1, EDGE:-1]
    side = 2 * inner.shape[-1] - 1
    return functional.interpolate(inner, (side, side), mode='bilinear', align_corners=True)
