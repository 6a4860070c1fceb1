"""What the steps of the network that are traced have in common, whatever runs them."""

from __future__ import annotations

import torch
from torch import nn

from siamx_ros.model.network import SiameseNet


class NetworkStep(nn.Module):
    """A part of the network's work; its first input are pixels as the crop makes them."""

    def __init__(self, network: SiameseNet) -> None:
        super().__init__()
        self.network = network

    def pixels(self, patch: torch.Tensor) -> torch.Tensor:
        """uint8 N x S x S x 3 -> float N x 3 x S x S."""
        return patch.permute(0, 3, 1, 2).float()


class ScoresStep(NetworkStep):
    """uint8 1 x 127 x 127 x 3 and an encoded search patch -> scores (0 to 1)."""

    def forward(self, patch: torch.Tensor, *encoded: torch.Tensor) -> torch.Tensor:
        return self.network.scores_of(
            self.pixels(patch), dict(zip(self.network.kernel_names, encoded)))
