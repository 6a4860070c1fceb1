"""Tensors by name, as files hold them, into a network: all must fit and be numbers it can use."""

from __future__ import annotations

from typing import Any

import torch

from siamx_ros.errors import InputError
from siamx_ros.model.network import SiameseNet

STORED = torch.float16, torch.bfloat16, torch.float32, torch.float64
"""How a file may hold numbers; the network has them as float32."""


class WeightsError(InputError):
    """A checkpoint is missing, damaged, foreign or does not fit."""


def load_strictly(network: SiameseNet, state: Any, origin: str) -> None:
    """Copy tensors into a network: all names and shapes must fit (counters may be absent).

    Raises:
        WeightsError: names the first missing, extra or misshapen tensors, or one with numbers that
            float32 does not hold or that cannot be variances; nothing was copied.
    """
    state = named_tensors(state, origin)
    wanted = _without_counters(network.state_dict())
    problems = [
        *_listed('missing', sorted(wanted.keys() - state.keys())),
        *_listed('unexpected', sorted(state.keys() - wanted.keys())),
        *_listed('of another shape', [
            f'{n} {tuple(state[n].shape)} instead of {tuple(wanted[n].shape)}'
            for n in wanted.keys() & state.keys() if state[n].shape != wanted[n].shape])]
    if problems:
        raise WeightsError(f'{origin} does not fit the network: ' + '; '.join(problems))
    network.load_state_dict(
        {n: _numbers(n, v, origin) for n, v in state.items()}, strict=False)


def in_half(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of a network, those of convolutions as fp16.

    Raises:
        WeightsError: one holds numbers that fp16 cannot; it is named.
    """
    halved = {n: v.half() if v.is_floating_point() and v.ndim > 1 else v for n, v in state.items()}
    for name, value in halved.items():
        if value.dtype == torch.half and not value.isfinite().all():
            raise WeightsError(f'{name} holds {state[name].abs().max().item():g}, fp16 at most '
                               f'{torch.finfo(torch.half).max:g}: store it without --half')
    return halved


def named_tensors(state: Any, origin: str) -> dict[str, torch.Tensor]:
    """A table of tensors, without counters of batches.

    Raises:
        WeightsError: it is none, or holds a tensor that is not dense, has no numbers or others than
            :data:`STORED`.
    """
    if not isinstance(state, dict) or not all(
            isinstance(n, str) and torch.is_tensor(v) for n, v in state.items()):
        raise WeightsError(f'{origin} holds no table of tensors by their names')
    state = _without_counters(state)
    for name, value in state.items():
        layout = 'nested' if value.is_nested else str(value.layout).removeprefix('torch.')
        if value.dtype not in STORED or layout != 'strided' or value.is_meta:
            raise WeightsError(
                f'{origin} must hold {name} as dense floats of 16, 32 or 64 bits, '
                f'got {str(value.dtype).removeprefix("torch.")} ({layout}, {value.device.type})')
    return state


def _without_counters(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n: v for n, v in state.items() if not n.endswith('num_batches_tracked')}


def _numbers(name: str, value: torch.Tensor, origin: str) -> torch.Tensor:
    value = value.float()
    if not value.isfinite().all():
        raise WeightsError(f'{origin} holds numbers in {name} that are not finite in float32')
    if name.endswith('running_var') and (value < 0).any():
        raise WeightsError(f'{origin} holds variances below 0 in {name}: {value.min().item():g}')
    return value


def _listed(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return [f'{len(names)} {what}: {", ".join(names[:3])}{more}']
