"""Anchor-free localisation: two towers, centre logits and side distances (paper, Sec. III-C)."""

from __future__ import annotations

import torch
from torch import nn

from siamx_ros.model.backbone import ConvBN

LOGIT_SCALE = 0.1
"""Fixed factor on the classification output; every confidence depends on it."""


class Head(nn.Module):
    """Towers of 3x3 convolutions and one predictor for each branch."""

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
