"""One process of a training run among those that torchrun started."""

from __future__ import annotations

from dataclasses import dataclass
import os

import torch
from torch import distributed

from siamx_ros.model.devices import pick_device


@dataclass(frozen=True)
class Process:
    """Its rank among ``count`` processes, and its device."""

    rank: int
    count: int
    device: torch.device

    @property
    def is_main_process(self) -> bool:
        """Whether it is the one that logs and saves."""
        return self.rank == 0

    def any(self, here: bool) -> bool:
        """Whether something holds in any of the processes, which all must ask this together."""
        if self.count == 1:
            return here
        flag = torch.tensor([float(here)], device=self.device)
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
        return bool(flag.item())

    def leave(self) -> None:
        """Leave the group that :func:`join` joined, if any."""
        if self.count > 1:
            distributed.destroy_process_group()


def join(device: str) -> Process:
    """This process's rank and device; joins the group that torchrun prepared, if any.

    Args:
        device: 'auto' (a GPU where there is one), 'cpu', 'cuda' or 'cuda:N'.

    Raises:
        InputError: the device is unknown, or not on this machine.
    """
    count, rank = int(os.environ.get('WORLD_SIZE', 1)), int(os.environ.get('RANK', 0))
    chosen = pick_device(device)
    if chosen == torch.device('cuda') and count > 1:
        chosen = pick_device(f"cuda:{os.environ.get('LOCAL_RANK', 0)}")
    if count > 1:
        distributed.init_process_group('nccl' if chosen.type == 'cuda' else 'gloo')
    return Process(rank, count, chosen)
