"""Torch devices by their names."""

from __future__ import annotations

import torch

from siamx_ros.errors import InputError


def pick_device(device: str) -> torch.device:
    """The torch device of a setting; 'auto' is cuda where there is one.

    Raises:
        InputError: unknown, or not on this machine.
    """
    if device == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    chosen = parse_device(device)
    if chosen.type == 'cuda' and (chosen.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f'device {device} was asked for, but torch sees {torch.cuda.device_count()} GPUs')
    return chosen


def parse_device(device: str) -> torch.device:
    """The device that a setting names, on this machine or not.

    Raises:
        InputError: it is no CPU or CUDA device.
    """
    try:
        chosen = torch.device(device)
    except RuntimeError:
        chosen = None
    if chosen is None or chosen.type not in ('cpu', 'cuda'):
        raise InputError(f'unknown device {device!r}: use auto, cpu, cuda or cuda:N')
    return chosen
