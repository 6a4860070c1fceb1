"""One process of a training run among those that torchrun started."""

from __future__ import annotations

from dataclasses import dataclass
import os

import torch
from torch import distributed


@dataclass(frozen=True)
class Process:
    """Its rank among ``count`` processes, and its device."""

    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        return self.rank == 0


def join(device: str) -> Process:
    """This process's rank and device; joins the group that torchrun prepared, if any.

    Args:
        device: 'auto' (a GPU where there is one), 'cpu', 'cuda' or 'cuda:N'.
    """
    count, rank = int(os.environ.get('WORLD_SIZE', 1)), int(os.environ.get('RANK', 0))
    if device == 'auto':
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
    if device == 'cuda' and count > 1:
        device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
    if count > 1:
        distributed.init_process_group('nccl' if device.startswith('cuda') else 'gloo')
    return Process(rank, count, torch.device(device))
