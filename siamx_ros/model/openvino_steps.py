"""The network's steps as OpenVINO models, before they are compiled."""

from __future__ import annotations

import dataclasses
import functools
import threading
from typing import Any

import numpy as np
import torch
from torch import nn

from siamx_ros.model import openvino_graph
from siamx_ros.model.compiled_engine import Source
from siamx_ros.model.network_step import NetworkStep, ScoresStep

Inputs = tuple[tuple[tuple[int, ...], str], ...]
"""Shape and type of the patch and of each kernel."""


class _OpenVinoStep(NetworkStep):
    """A step in a network that OpenVINO runs."""

    def pixels(self, patch: torch.Tensor) -> torch.Tensor:
        """The way by bf16, which has all values of pixels, spares two more layouts."""
        return patch.permute(0, 3, 1, 2).bfloat16().float()


class Search(_OpenVinoStep):
    """uint8 1 x S x S x 3 and kernels -> sigmoid scores, distances, L3 and L4.

    Pixels come and features go channels last, as OpenVINO computes.
    """

    def forward(self, patch: torch.Tensor,
                *kernels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        levels = self.network.levels(self.pixels(patch))
        logits, distances = self.network.head(
            *self.network.correlation(levels, dict(zip(self.network.kernel_names, kernels))))
        features = [level.permute(0, 2, 3, 1) for level in self.network.grid_features(levels)]
        return logits.sigmoid(), distances, *features


class Scores(_OpenVinoStep, ScoresStep):
    """See :class:`ScoresStep`."""


class Encoding(_OpenVinoStep):
    """uint8 1 x S x S x 3 -> what of a search patch is compared with templates."""

    def forward(self, patch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        encoded = self.network.correlation.encode_search(self.network.levels(self.pixels(patch)))
        return tuple(encoded[name] for name in self.network.kernel_names)


@dataclasses.dataclass(frozen=True)
class Step:
    """A module of a network for inputs of these shapes and types.

    Equal where it computes the same.
    """

    module: type[nn.Module]
    inputs: Inputs
    source: Source


def converted(step: Step) -> Any:
    """An OpenVINO model, kept: torch never frees all that tracing takes, so it is done once."""
    with _CONVERTING:
        return _converted(step)


_CONVERTING = threading.Lock()


@functools.lru_cache(maxsize=8)
def _converted(step: Step) -> Any:
    examples = tuple(torch.from_numpy(np.zeros(shape, kind)) for shape, kind in step.inputs)
    return openvino_graph.convert(
        step.module(step.source.network()), examples, [shape for shape, _ in step.inputs])
