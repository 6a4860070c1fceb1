"""The network run by OpenVINO: two to three times as fast as torch on most CPUs."""

from __future__ import annotations

from collections import OrderedDict
import dataclasses
import functools
from typing import Any, Callable, Iterable, Iterator

import numpy as np
import torch
from torch import nn

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.model import openvino_graph
from siamx_ros.model.compiled_engine import KEPT_SIZES, CompiledEngine, Source
from siamx_ros.model.inference import Maps, Template, pick_device
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.quantisation import (
    Ranges, check_ranges, is_fast, round_graph)

SEARCH_SIDE = 255
"""Side of the patch with which the search is traced; for others it is reshaped."""
KEPT_REQUESTS = 32
"""Requests that run side by side and are kept: of as many targets and sizes of patches."""
_Inputs = tuple[tuple[tuple[int, ...], str], ...]
"""Shape and type of the patch and of each kernel."""


class OpenVinoEngine(CompiledEngine):
    """An engine whose search is compiled by OpenVINO for this CPU.

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

    def __init__(self, network: SiameseNet, precision: str = 'auto',
                 ranges: Ranges | None = None) -> None:
        if not openvino_graph.is_installed():
            raise InputError("model.runtime 'openvino' needs the package openvino")
        if precision == 'fp16':
            raise InputError(
                "model.precision 'fp16' needs a GPU; openvino takes fp32, bf16 or int8")
        if precision == 'int8':
            check_ranges(ranges)
        super().__init__(network)
        self.precision = _resolved(precision, ranges)
        self._ranges, self._source = ranges, Source.of(self.network)
        self._requests = _Requests()
        self._backward: dict[tuple, tuple[dict[str, torch.Tensor], Any]] = {}

    @classmethod
    def from_settings(cls, network: SiameseNet, model: ModelConfig,
                      ranges: Ranges | None) -> OpenVinoEngine:
        device = pick_device(model.device)
        if device.type != 'cpu':
            raise InputError(f"model.runtime 'openvino' is for the CPU, model.device is {device}")
        return cls(network, model.precision, ranges)

    def versions(self) -> dict[str, str]:
        import openvino
        return {**super().versions(), 'openvino': openvino.get_version()}

    @torch.inference_mode()
    def search(self, patch: np.ndarray, template: Template) -> Maps:
        request = self._search_for(patch[None], template)
        openvino_graph.show(request, patch)
        request.infer(share_outputs=True)
        return _maps(request)

    def search_many(self, searches: Iterable[tuple[np.ndarray, Template]]) -> Iterator[Maps]:
        """See :class:`Engine`; searches run side by side, on one thread each.

        One batch is slower than its patches one by one: they do not stay in the processor's cache.
        """
        begun = []
        for patch, template in searches:
            request = self._requests.one_for(patch[None], template, self._side_by_side, self._give)
            openvino_graph.show(request, patch)
            request.start_async()
            begun.append(request)
        return map(self._awaited, begun)

    @torch.inference_mode()
    def scores_of(self, patch: np.ndarray, encoded: dict[str, torch.Tensor]) -> np.ndarray:
        shapes = tuple(map(tuple, (features.shape for features in encoded.values())))
        held, request = self._backward.get(shapes, (None, None))
        if held is not encoded:
            request = request or self._kept_or_compiled(
                'scores', patch[None], encoded, self._scores_graph)
            self._give(request, encoded)
            self._backward[shapes] = encoded, request
        openvino_graph.show(request, patch)
        request.infer(share_outputs=True)
        return request.get_output_tensor(0).data[0, 0].copy()

    @staticmethod
    @torch.inference_mode()
    def _awaited(request: Any) -> Maps:
        request.wait()
        return _maps(request)

    def _compile(self, patch: np.ndarray, kernels: dict[str, torch.Tensor],
                 streams: int = 1) -> Any:
        """An inference request; its answer is valid until its next one."""
        return self._kept_or_compiled('search', patch, kernels, self._graph, streams)

    def _kept_or_compiled(self, name: str, patch: np.ndarray, others: dict[str, torch.Tensor],
                          make: Callable[[_Inputs], Any], streams: int = 1) -> Any:
        inputs = tuple((array.shape, array.dtype.str) for array in (
            patch, *(other.numpy() for other in others.values())))
        exact = self.precision if self.precision != 'int8' else openvino_graph.fastest_float()
        return openvino_graph.kept_or_compiled(
            (name, self._source.digest, repr(inputs), self.precision, repr(self._ranges)),
            lambda: self._rounded(make(inputs)), exact, self._threads, streams)

    def _side_by_side(self, patch: np.ndarray, kernels: dict[str, torch.Tensor]) -> Any:
        """An inference request of which further ones run beside it, on one thread each."""
        return self._compile(patch, kernels, streams=self._threads)

    def _graph(self, inputs: _Inputs) -> Any:
        """The search for these inputs as an OpenVINO model."""
        example = ((1, SEARCH_SIDE, SEARCH_SIDE, 3), inputs[0][1]), *inputs[1:]
        return openvino_graph.reshaped(
            _converted(_Graph(_Search, example, self._source)), [shape for shape, _ in inputs])

    def _scores_graph(self, inputs: _Inputs) -> Any:
        return _converted(_Graph(_Scores, inputs, self._source))

    def _rounded(self, graph: Any) -> Any:
        return round_graph(graph, self._ranges) if self.precision == 'int8' else graph

    def _give(self, search: Any, kernels: dict[str, torch.Tensor]) -> None:
        openvino_graph.give(search, {
            index: kernel.numpy() for index, kernel in enumerate(kernels.values(), 1)})


class _Requests:
    """Inference requests that run side by side: one for each template and size of patch."""

    def __init__(self) -> None:
        self._first: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._kept: OrderedDict[tuple, tuple[Template, Any]] = OrderedDict()

    def one_for(self, patch: np.ndarray, template: Template, compiled: Callable[..., Any],
                give: Callable[..., None]) -> Any:
        """The request for patches of this size that holds this template.

        Args:
            compiled: patch and kernels -> a request for a newly compiled search.
            give: puts kernels into a request.
        """
        key = patch.shape, id(template)
        if key not in self._kept:
            if len(self._kept) >= KEPT_REQUESTS:
                self._kept.popitem(last=False)
            if patch.shape not in self._first:
                if len(self._first) >= KEPT_SIZES:
                    self._first.popitem(last=False)
                self._first[patch.shape] = compiled(patch, template.kernels)
            request = openvino_graph.another(self._first[patch.shape])
            give(request, template.kernels)
            self._kept[key] = template, request  # the template: its id is not given anew meanwhile
        self._kept.move_to_end(key)
        return self._kept[key][1]


def _maps(request: Any) -> Maps:
    """The answer of a request that has ended, in memory of its own."""
    scores, distances, *levels = (
        request.get_output_tensor(index).data for index in range(len(request.model_outputs)))
    features = torch.from_numpy(np.concatenate(levels, -1)).permute(0, 3, 1, 2)
    return Maps(scores[0, 0].copy(), distances[0].copy(), features)


class _Search(nn.Module):
    """uint8 1 x S x S x 3 and kernels -> sigmoid scores, distances, L3 and L4.

    Pixels come and features go channels last, as OpenVINO computes.
    """

    def __init__(self, network: SiameseNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: torch.Tensor,
                *kernels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        levels = self.network.levels(_pixels(patch))
        logits, distances = self.network.head(
            *self.network.correlation(levels, dict(zip(self.network.kernel_names, kernels))))
        features = [level.permute(0, 2, 3, 1) for level in self.network.grid_features(levels)]
        return logits.sigmoid(), distances, *features


class _Scores(nn.Module):
    """uint8 1 x 127 x 127 x 3 and an encoded search patch -> sigmoid scores."""

    def __init__(self, network: SiameseNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: torch.Tensor, *encoded: torch.Tensor) -> torch.Tensor:
        levels = self.network.template_part(self.network.levels(_pixels(patch)))
        kernels = self.network.encode_template(levels)
        logits, _ = self.network.head(*self.network.correlation.correlate(
            dict(zip(self.network.kernel_names, encoded)), kernels))
        return logits.sigmoid()


def _pixels(patch: torch.Tensor) -> torch.Tensor:
    """Channels first; the way by bf16, which has all values of pixels, spares two more layouts."""
    return patch.permute(0, 3, 1, 2).bfloat16().float()


@dataclasses.dataclass(frozen=True)
class _Graph:
    """A module of a network for inputs of these shapes and types.

    Equal where it computes the same.
    """

    module: type[nn.Module]
    inputs: _Inputs
    source: Source


@functools.lru_cache(maxsize=8)
def _converted(graph: _Graph) -> Any:
    """An OpenVINO model, kept: torch never frees all that tracing takes, so it is done once."""
    examples = tuple(torch.from_numpy(np.zeros(shape, kind)) for shape, kind in graph.inputs)
    return openvino_graph.convert(
        graph.module(graph.source.network()), examples, [shape for shape, _ in graph.inputs])


def _resolved(precision: str, ranges: Ranges | None) -> str:
    """The number format that a setting means on this CPU."""
    if precision != 'auto':
        return precision
    return 'int8' if ranges and is_fast() else openvino_graph.fastest_float()
