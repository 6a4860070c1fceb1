"""The network run by ONNX Runtime, on a CPU or a GPU, there also by TensorRT."""

from __future__ import annotations

from typing import Any, Callable, ClassVar

import numpy as np
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.model.compiled_engine import CompiledEngine, Source
from siamx_ros.model.inference import Maps, Template
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.onnx_graph import (
    check_installed, graph_bytes, scores_graph, search_graph)
from siamx_ros.model.onnx_session import CPU, Provider, Session, pick_provider
from siamx_ros.model.quantisation import Ranges, check_ranges


class OnnxEngine(CompiledEngine):
    """An engine whose search is run by ONNX Runtime.

    Args:
        network: in eval mode; it is copied, not changed.
        precision: 'auto', or one of the provider's.
        ranges: of what the convolutions take in, for int8; see :mod:`siamx_ros.model.rounding`.

    Raises:
        InputError: the precision is none of the provider's, or int8 has no ranges.
    """

    runtime = 'onnxruntime'
    uses_tensorrt: ClassVar[bool] = False

    def __init__(self, network: SiameseNet, provider: Provider = CPU, precision: str = 'auto',
                 ranges: Ranges | None = None) -> None:
        precision = provider.precisions[0] if precision == 'auto' else precision
        if precision not in provider.precisions:
            raise InputError(f'model.precision {precision!r} is not for {provider.label}, which '
                             f'takes {", ".join(provider.precisions)}')
        if precision == 'int8':
            check_ranges(ranges)
        super().__init__(network)
        self.precision, self.runtime, self._provider = precision, provider.label, provider
        self._ranges = tuple(ranges.items()) if precision == 'int8' else ()
        self._source = Source.of(self.network)

    @classmethod
    def from_settings(cls, network: SiameseNet, model: ModelConfig,
                      ranges: Ranges | None) -> OnnxEngine:
        check_installed(f'model.runtime {model.runtime!r}')
        provider = pick_provider(model.device, cls.uses_tensorrt)
        return cls(network, provider, model.precision, ranges)

    def versions(self) -> dict[str, str]:
        import onnxruntime
        return {**super().versions(), 'onnxruntime': onnxruntime.__version__}

    @torch.inference_mode()
    def search(self, patch: np.ndarray, template: Template,
               meanwhile: Callable[[], object] = lambda: None) -> Maps:
        meanwhile()
        session = self._search_for((1, *patch.shape), template)
        scores, distances, features = session.run({'patch': patch[None]})
        return Maps(scores[0, 0], distances[0], features)

    @torch.inference_mode()
    def scores_of(self, patch: np.ndarray, encoded: dict[str, torch.Tensor]) -> np.ndarray:
        [scores] = self._scores_for(encoded).run({'patch': patch[None]})
        return scores[0, 0]

    def _compile(self, shape: tuple[int, ...], kernels: dict[str, torch.Tensor]) -> Session:
        return self._session(search_graph, shape[1])

    def _compile_scores(self, encoded: dict[str, torch.Tensor]) -> Session:
        return self._session(scores_graph, tuple(array.shape for array in encoded.values()))

    def _session(self, graph: Callable[..., Any], size: Any) -> Session:
        return Session(graph_bytes(self._source, self._ranges, graph, size),
                       self._provider, self.precision, self._threads)

    @staticmethod
    def _give(search: Session, kernels: dict[str, torch.Tensor]) -> None:
        search.keep({name: kernel.numpy() for name, kernel in kernels.items()})


class TensorRtEngine(OnnxEngine):
    """The same by TensorRT, which builds an engine for each size of patch, once a machine."""

    uses_tensorrt = True
