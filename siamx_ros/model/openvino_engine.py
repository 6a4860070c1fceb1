"""The network run by OpenVINO: two to three times as fast as torch on most CPUs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Callable, Iterable, Iterator, Sequence

import numpy as np
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import TEMPLATE_SIZE
from siamx_ros.model import openvino_graph
from siamx_ros.model.compiled_engine import CompiledEngine, Source
from siamx_ros.model.devices import pick_device
from siamx_ros.model.inference import Maps, Template
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.openvino_requests import Requests
from siamx_ros.model.openvino_steps import Encoding, Inputs, Scores, Search, Step, converted
from siamx_ros.model.processor import this_processor
from siamx_ros.model.quantisation import (
    Ranges, check_ranges, is_worth_it, round_graph)

TRACED_SIDE = 255
"""Side of the search patch with which a step is traced; for others it is reshaped."""
CHECKED = (1, TEMPLATE_SIZE, TEMPLATE_SIZE, 3)
"""Shape of what a backward check takes in."""


class OpenVinoEngine(CompiledEngine):
    """An engine whose search is compiled by OpenVINO for this CPU.

    Args:
        network: in eval mode; it is copied, not changed.
        precision: 'auto' (the fastest that the CPU computes with: int8 where there are ranges,
            bf16, fp32; bf16 where int8 is little faster), 'fp32', 'bf16' or 'int8'.
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
        self.precision = _resolved(precision, self.network, ranges)
        self._ranges, self._source = ranges, Source.of(self.network)
        self._requests, self._checks = Requests(), Requests()
        self._encodings: dict[int, Any] = {}

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

    def search(self, patch: np.ndarray, template: Template,
               meanwhile: Callable[[], object] = lambda: None) -> Maps:
        meanwhile()  # beside the search, it would take a core away from it
        request = self._search_for((1, *patch.shape), template)
        openvino_graph.show(request, patch)
        request.infer(share_outputs=True)
        return _maps(request)

    def prepare(self, sizes: Iterable[int], template: Template) -> bool:
        thread = ThreadPoolExecutor(1, 'siamx_compiler')
        for shape in ((1, size, size, 3) for size in sorted(sizes)):
            self._searches.prepare(
                shape, partial(self._compile, shape, template.kernels), thread)
        thread.shutdown(wait=False)
        return True

    def search_many(self, searches: Iterable[tuple[np.ndarray, Template]]) -> Iterator[Maps]:
        """See :class:`Engine`; searches run side by side, on one thread each.

        One batch is slower than its patches one by one: they do not stay in the processor's cache.
        """
        if self._requests.are_pending:
            return iter([self.search(*each) for each in searches])
        return map(self._awaited, [self._begun(self._requests.one_for(
            (1, *patch.shape), template, template.kernels, self._side_by_side, self._give), patch)
            for patch, template in searches])

    def prepare_many(self, sizes: Iterable[int], template: Template,
                     encoded: dict[str, torch.Tensor] | None) -> bool:
        thread = ThreadPoolExecutor(1)
        for size in sizes:
            self._requests.prepare((1, size, size, 3), template.kernels, lambda *what: self._warm(
                self._side_by_side(*what)), thread)
        if encoded is not None:
            self._checks.prepare(CHECKED, encoded, lambda *what: self._warm(
                self._checks_side_by_side(*what)), thread)
        thread.shutdown(wait=False)
        return True

    def scores_of(self, patch: np.ndarray, encoded: dict[str, torch.Tensor]) -> np.ndarray:
        request = self._scores_for(encoded)
        openvino_graph.show(request, patch)
        request.infer(share_outputs=True)
        return request.get_output_tensor(0).data[0, 0].copy()

    def scores_of_many(self, searches: Sequence[tuple[np.ndarray, dict[str, torch.Tensor]]]
                       ) -> Iterator[np.ndarray]:
        """See :class:`Engine`; several run side by side, on one thread each."""
        if len(searches) < 2 or self._checks.are_pending:
            return super().scores_of_many(searches)
        return map(_scores, [self._begun(self._checks.one_for(
            (1, *patch.shape), encoded, encoded, self._checks_side_by_side, self._give), patch)
            for patch, encoded in searches])

    @torch.inference_mode()
    def encode_search(self, patch: np.ndarray) -> dict[str, torch.Tensor]:
        side = len(patch)
        if side not in self._encodings:
            self._encodings[side] = self._kept_or_compiled(
                'encoding', (1, *patch.shape), {}, lambda inputs: self._graph(Encoding, inputs))
        request = self._encodings[side]
        openvino_graph.show(request, patch)
        request.infer(share_outputs=True)
        return {name: torch.from_numpy(request.get_output_tensor(index).data.copy())
                for index, name in enumerate(self.network.kernel_names)}

    def _warm(self, request: Any) -> Any:
        """A request whose streams have each run once: their graphs are made by the first run."""
        others = [openvino_graph.another(request) for _ in range(self._threads)]
        for each in others:
            each.start_async()
        for each in others:
            each.wait()
        return request

    @staticmethod
    def _begun(request: Any, patch: np.ndarray) -> Any:
        openvino_graph.show(request, patch)
        request.start_async()
        return request

    @staticmethod
    def _awaited(request: Any) -> Maps:
        request.wait()
        return _maps(request)

    def _compile(self, shape: tuple[int, ...], kernels: dict[str, torch.Tensor],
                 streams: int = 1) -> Any:
        """An inference request; its answer is valid until its next one."""
        return self._kept_or_compiled(
            'search', shape, kernels, lambda inputs: self._rounded(self._graph(Search, inputs)),
            streams)

    def _compile_scores(self, encoded: dict[str, torch.Tensor], streams: int = 1) -> Any:
        return self._kept_or_compiled(
            'scores', CHECKED, encoded,
            lambda inputs: self._rounded(converted(Step(Scores, inputs, self._source))), streams)

    def _kept_or_compiled(self, name: str, shape: tuple[int, ...],
                          others: dict[str, torch.Tensor], make: Callable[[Inputs], Any],
                          streams: int = 1) -> Any:
        """A request for patches of a shape, and other inputs like these."""
        inputs = (shape, '|u1'), *((tuple(other.shape), other.numpy().dtype.str)
                                   for other in others.values())
        exact = self.precision if self.precision != 'int8' else openvino_graph.fastest_float()
        return openvino_graph.kept_or_compiled(
            (name, self._source.digest, repr(inputs), self.precision, repr(self._ranges)),
            lambda: make(inputs), exact, self._threads, streams)

    def _side_by_side(self, shape: tuple[int, ...], kernels: dict[str, torch.Tensor]) -> Any:
        """An inference request of which further ones run beside it, on one thread each."""
        return self._compile(shape, kernels, streams=self._threads)

    def _checks_side_by_side(self, _: tuple[int, ...], encoded: dict[str, torch.Tensor]) -> Any:
        return self._compile_scores(encoded, streams=self._threads)

    def _graph(self, module: type[torch.nn.Module], inputs: Inputs) -> Any:
        """What takes in a search patch, for these inputs, as an OpenVINO model."""
        example = ((1, TRACED_SIDE, TRACED_SIDE, 3), inputs[0][1]), *inputs[1:]
        return openvino_graph.reshaped(
            converted(Step(module, example, self._source)), [shape for shape, _ in inputs])

    def _rounded(self, graph: Any) -> Any:
        return round_graph(graph, self._ranges) if self.precision == 'int8' else graph

    @staticmethod
    def _give(search: Any, kernels: dict[str, torch.Tensor]) -> None:
        openvino_graph.give(search, {
            index: kernel.numpy() for index, kernel in enumerate(kernels.values(), 1)})


def _scores(request: Any) -> np.ndarray:
    """The answer of a check that was begun."""
    request.wait()
    return request.get_output_tensor(0).data[0, 0].copy()


def _maps(request: Any) -> Maps:
    """The answer of a request that has ended, in memory of its own."""
    scores, distances, *levels = (
        request.get_output_tensor(index).data for index in range(len(request.model_outputs)))
    features = np.concatenate(levels, -1).transpose(0, 3, 1, 2)
    return Maps(scores[0, 0].copy(), distances[0].copy(), features)


def _resolved(precision: str, network: SiameseNet, ranges: Ranges | None) -> str:
    """The number format that a setting means for a network on this CPU."""
    if precision != 'auto':
        return precision
    rounds = bool(ranges) and is_worth_it(network, this_processor())
    return 'int8' if rounds else openvino_graph.fastest_float()
