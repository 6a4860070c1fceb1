"""The network run by OpenVINO: two to three times as fast as torch on most CPUs.

Templates are encoded by torch, once a target. A search is one compiled graph, into which the
target's correlation kernels go as inputs.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import contextmanager
import dataclasses
import functools
import hashlib
from typing import Any, Callable, Iterator
import weakref

import numpy as np
import torch
from torch import nn

from siamx_ros.errors import InputError
from siamx_ros.model import openvino_graph
from siamx_ros.model.inference import Engine, Maps, Template
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.quantisation import Ranges, is_fast, round_graph


KEPT_SIZES = 6
"""Sizes of patches whose compiled search is kept, tens of megabytes each."""


class OpenVinoEngine(Engine):
    """An :class:`Engine` whose search is compiled by OpenVINO for this CPU.

    Args:
        network: in eval mode; it is copied, not changed.
        precision: 'auto' (the fastest that the CPU computes with: int8 where there are ranges,
            bf16, fp32), 'fp32', 'bf16' or 'int8'.
        ranges: of what the convolutions take in, for int8; see :mod:`siamx_ros.model.quantisation`.

    Raises:
        InputError: openvino is not installed, the precision is not one of these, or int8 has no
            ranges.
    """

    runtime = 'openvino'

    def __init__(self, network: SiamXNet, precision: str = 'auto',
                 ranges: Ranges | None = None) -> None:
        if not openvino_graph.is_installed():
            raise InputError("model.runtime 'openvino' needs the package openvino")
        if precision == 'fp16':
            raise InputError(
                "model.precision 'fp16' needs a GPU; openvino takes fp32, bf16 or int8")
        if precision == 'int8' and not ranges:
            raise InputError(
                "model.precision 'int8' needs weights with measured ranges: 'calibrate' adds them")
        super().__init__(network, 'cpu', 'fp32')
        self.precision = _resolved(precision, ranges)
        self._ranges, self._threads = ranges, torch.get_num_threads()
        self._digest = _digest(self.network)
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._held: dict[tuple[int, ...], Template] = {}

    @contextmanager
    def image_context(self) -> Iterator[None]:
        """One thread for torch: idle ones spin, and take the cores away from OpenVINO's."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    @torch.inference_mode()
    def search(self, patch: np.ndarray, template: Template) -> Maps:
        request = self._request(patch[None], template)
        scores, distances, *levels = request.infer(
            {0: patch[None]}, share_inputs=True, share_outputs=True).values()
        features = torch.from_numpy(np.concatenate(levels, -1)).permute(0, 3, 1, 2)
        return Maps(scores[0, 0].copy(), distances[0].copy(), features)

    def _request(self, patch: np.ndarray, template: Template) -> Any:
        """The search for patches of this size that holds this template.

        Its answer is valid until its next one. To hand it all kernels again takes half a
        millisecond, so that it keeps them from one image to the next.
        """
        shape = patch.shape
        if self._held.get(shape) is not template:
            kernels = [kernel.numpy() for kernel in template.kernels.values()]
            if shape not in self._compiled:
                self._make_room()
                self._compiled[shape] = self._compile([patch, *kernels])
            openvino_graph.give(self._compiled[shape], dict(enumerate(kernels, 1)))
            self._held[shape] = template
        self._compiled.move_to_end(shape)
        return self._compiled[shape]

    def _make_room(self) -> None:
        """Forget the size that was not searched for the longest time, if there are many."""
        if len(self._compiled) >= KEPT_SIZES:
            shape, _ = self._compiled.popitem(last=False)
            self._held.pop(shape)

    def _compile(self, inputs: list[np.ndarray]) -> Any:
        """An inference request for inputs of these shapes and types."""
        graph = _convert(_Graph(
            tuple((array.shape, array.dtype.str) for array in inputs), self._digest,
            weakref.ref(self.network)))
        if self.precision == 'int8':
            graph = round_graph(graph, self._ranges)
        exact = self.precision if self.precision != 'int8' else openvino_graph.fastest_float()
        return openvino_graph.compiled(graph, exact, self._threads)


class _Search(nn.Module):
    """uint8 1 x S x S x 3 and kernels -> sigmoid scores, distances, L3 and L4.

    Pixels come and features go channels last, as OpenVINO computes: the way of the pixels by bf16,
    which has them all, spares it another two layouts.
    """

    def __init__(self, network: SiamXNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: torch.Tensor,
                *kernels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        keys = [f'{pair}.{branch}' for pair in self.network.config.level_pairs
                for branch in ('cls', 'reg')]
        pixels = patch.permute(0, 3, 1, 2).bfloat16().float()
        levels = self.network.levels(pixels)
        logits, distances = self.network.head(
            *self.network.correlation(levels, dict(zip(keys, kernels))))
        features = [levels[name].permute(0, 2, 3, 1) for name in ('L3', 'L4')]
        return logits.sigmoid(), distances, *features


@dataclasses.dataclass(frozen=True)
class _Graph:
    """A network's search for inputs of these shapes and types; equal where it computes the same."""

    inputs: tuple[tuple[tuple[int, ...], str], ...]
    digest: str
    network: Callable[[], SiamXNet] = dataclasses.field(compare=False)


def _digest(network: SiamXNet) -> str:
    """Of the architecture and all weights."""
    digest = hashlib.sha256(repr(network.config).encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


@functools.lru_cache(maxsize=8)
def _convert(graph: _Graph) -> Any:
    """An OpenVINO model, kept: torch never frees all that tracing takes, so it is done once."""
    examples = tuple(torch.from_numpy(np.zeros(shape, kind)) for shape, kind in graph.inputs)
    return openvino_graph.convert(
        _Search(graph.network()), examples, [shape for shape, _ in graph.inputs])


def _resolved(precision: str, ranges: Ranges | None) -> str:
    """The number format that a setting means on this CPU."""
    if precision != 'auto':
        return precision
    return 'int8' if ranges and is_fast() else openvino_graph.fastest_float()
