"""The whole network: a template and a search patch in, centre logits and side distances out."""

from __future__ import annotations

import pkgutil
from typing import Iterable, NamedTuple

import numpy as np
import torch
from torch import nn

from siamx_ros.config import BACKBONES, NetworkConfig
from siamx_ros.geometry import TEMPLATE_SIZE
from siamx_ros.model.backbone import ConvBN
from siamx_ros.model.correlation import CrossLevelCorrelation
from siamx_ros.patch_geometry import PatchGeometry

STRIDE = 8
"""Patch pixels per score-map cell."""
LOGIT_SCALE = 0.1
"""Fixed factor on the classification output; every confidence depends on it."""
TEMPLATE_CELLS = 7
"""Central template cells that are kept after the neck."""


class Prediction(NamedTuple):
    """The network's only output.

    Attributes:
        centre_logits: B x 1 x h x w.
        distances: B x 4 x h x w; left, top, right, bottom in search-patch pixels, > 0.
    """

    centre_logits: torch.Tensor
    distances: torch.Tensor


def map_size(search_size: int) -> int:
    """Side of the score map, in cells, for a search patch of ``search_size`` pixels."""
    return (search_size - TEMPLATE_SIZE) // STRIDE + 1 + 8


def patch_size(cells: int) -> int:
    """Side of the search patch, in pixels, for a score map of ``cells`` cells."""
    return (cells - 9) * STRIDE + TEMPLATE_SIZE


def check_template(template: torch.Tensor) -> None:
    """Refuse patches that are no templates.

    Raises:
        ValueError: they are not 127 x 127 pixels.
    """
    if template.shape[-2:] != (TEMPLATE_SIZE, TEMPLATE_SIZE):
        raise ValueError(
            f'a template patch is {TEMPLATE_SIZE}x{TEMPLATE_SIZE} pixels, got '
            f'{template.shape[-1]}x{template.shape[-2]}')


def make_network(config: NetworkConfig) -> SiameseNet:
    """The network of a configuration: a :class:`SiamXNet` or what stands in for it."""
    return pkgutil.resolve_name(BACKBONES[config.backbone].network)(config)


class SiameseNet(nn.Module):
    """Base of the networks: a template is encoded once, then located in search patches.

    Patches are B x 3 x S x S, BGR, 0..255, not normalised. The network itself keeps no state. A
    network defines ``kernel_names``, ``correlation``, ``head``, and the methods on features that
    differ: ``neck_levels``, ``template_levels``, ``template_part``, ``grid_features``,
    ``template_signature`` and ``signature``.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = pkgutil.resolve_name(BACKBONES[config.backbone].make)(config)

    @property
    def geometry(self) -> PatchGeometry:
        """How its patches are cut."""
        return BACKBONES[self.config.backbone].geometry

    def levels(self, patch: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features of a patch: {'L3', 'L4'}: B x C x H x W."""
        return self.neck_levels(self.backbone(patch))

    def encode_template(self, levels: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What the correlation compares with, by ``kernel_names``, of a template's features."""
        return self.correlation.encode_template(levels)

    def embed_template(self, template: torch.Tensor) -> dict[str, torch.Tensor]:
        """Encode template patches B x 3 x 127 x 127 once (see :meth:`encode_template`)."""
        return self.encode_template(self.template_levels(template))

    def search(self, patch: torch.Tensor, kernels: dict[str, torch.Tensor]) -> Prediction:
        """Locate the template in search patches B x 3 x S x S (S = 255, 271, ...)."""
        return Prediction(*self.head(*self.correlation(self.levels(patch), kernels)))

    def scores_of(self, template: torch.Tensor,
                  encoded: dict[str, torch.Tensor]) -> torch.Tensor:
        """Where encoded search patches show what template patches B x 3 x 127 x 127 do.

        Args:
            encoded: of the search patches, as ``correlation.encode_search`` gives it.

        Returns:
            B x 1 x n x n, sigmoid of the centre logits.
        """
        kernels = self.encode_template(self.template_part(self.levels(template)))
        logits, _ = self.head(*self.correlation.correlate(encoded, kernels))
        return logits.float().sigmoid()

    def forward(self, template: torch.Tensor, patch: torch.Tensor) -> Prediction:
        """Both steps at once, for training."""
        return self.search(patch, self.embed_template(template))


class Head(nn.Module):
    """Anchor-free localisation (paper, Sec. III-C): a tower of 3x3 convolutions for each branch.

    Args:
        channels: channels of the correlation maps.
        depth: convolutions before the predictor.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.cls_tower = _tower(channels, depth)
        self.reg_tower = _tower(channels, depth)
        self.cls_predictor = nn.Conv2d(channels, 1, 3, padding=1)
        self.reg_predictor = nn.Conv2d(channels, 4, 3, padding=1)
        self.adjust = nn.Parameter(torch.tensor([0.1]))
        self.bias = nn.Parameter(torch.ones(1, 4, 1, 1))

    def forward(self, cls_map: torch.Tensor,
                reg_map: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Centre logits B x 1 x h x w and distances l, t, r, b B x 4 x h x w in patch pixels."""
        logits = LOGIT_SCALE * self.cls_predictor(self.cls_tower(cls_map))
        raw = self.adjust * self.reg_predictor(self.reg_tower(reg_map)) + self.bias
        return logits, torch.exp(raw)


def _tower(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(
        *[ConvBN(channels, channels, 3, padding=1, bias=True, activation=nn.ReLU)
          for _ in range(depth)])


class SiamXNet(SiameseNet):
    """SiamX: backbone, neck, cross-level correlation and anchor-free head.

    Levels have 15 cells for 127 pixels, 31 for 255; kernels are B x C x 5 x 5 by pair and branch.
    """

    def __init__(self, config: NetworkConfig = NetworkConfig()) -> None:
        super().__init__(config)
        self.kernel_names = tuple(f'{pair}.{branch}' for pair in config.level_pairs
                                  for branch in ('cls', 'reg'))
        self.neck = nn.ModuleList(
            [ConvBN(width, config.channels, 1) for width in self.backbone.out_channels])
        self.correlation = CrossLevelCorrelation(config.channels, config.level_pairs)
        self.head = Head(config.channels, config.tower_depth)

    def neck_levels(self, features: Iterable[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Neck features of the backbone's (conv3, conv4)."""
        return {name: neck(x) for name, neck, x in zip(('L3', 'L4'), self.neck, features)}

    def template_levels(self, template: torch.Tensor) -> dict[str, torch.Tensor]:
        """Neck features of template patches B x 3 x 127 x 127, cut to the central 7 x 7 cells."""
        check_template(template)
        return self.template_part(self.levels(template))

    @staticmethod
    def template_part(levels: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The central 7 x 7 cells of a template's neck features {'L3', 'L4': B x C x H x W}."""
        start = (levels['L3'].shape[-1] - TEMPLATE_CELLS) // 2
        inner = slice(start, start + TEMPLATE_CELLS)
        return {name: level[:, :, inner, inner] for name, level in levels.items()}

    @staticmethod
    def grid_features(levels: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """L3 and L4 of a patch on the feature grid, B x C x n x n (31 cells for 255 pixels)."""
        return [levels['L3'], levels['L4']]

    @staticmethod
    def template_signature(levels: dict[str, torch.Tensor]) -> torch.Tensor:
        """What a template's target looks like: its central L4 features, flat."""
        return levels['L4'].flatten()

    def signature(self, features: np.ndarray) -> np.ndarray:
        """The same of 7 x 7 grid cells around a place, of features 2 C x 7 x 7 as in a search."""
        return features[-self.config.channels:].ravel()
