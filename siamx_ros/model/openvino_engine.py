"""The network run by OpenVINO: two to three times as fast as torch on most CPUs.

The template is encoded by torch, once a target. The two halves of a search, up to the encoded maps
and from the correlation on, are compiled; the correlation between them, whose filters change with
the target, stays with torch.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from typing import Callable
import warnings
import weakref

import numpy as np
import torch
from torch import nn

from siamx_ros.errors import InputError
from siamx_ros.model.correlation import depthwise_correlation
from siamx_ros.model.inference import Encoded, Engine, Maps, Template
from siamx_ros.model.network import SiamXNet


ALL = 'all'
"""The one entry of kernels and encoded maps: every pair and branch, along channels."""


class OpenVinoEngine(Engine):
    """An :class:`Engine` whose search is compiled by OpenVINO for this CPU.

    Args:
        network: in eval mode; it is copied, not changed.
        precision: 'auto' (bf16 where the CPU computes with it, else fp32), 'fp32' or 'bf16'.

    Raises:
        InputError: openvino is not installed, or the precision is not one of these.
    """

    runtime = 'openvino'

    def __init__(self, network: SiamXNet, precision: str = 'auto') -> None:
        if not is_installed():
            raise InputError("model.runtime 'openvino' needs the package openvino")
        if precision == 'fp16':
            raise InputError("model.precision 'fp16' needs a GPU; openvino takes fp32 or bf16")
        super().__init__(network, 'cpu', 'fp32')
        self._precision = precision
        self._keys = [f'{pair}.{branch}' for pair in network.config.level_pairs
                      for branch in ('cls', 'reg')]
        self._channels = network.config.channels
        self._digest = _digest(self.network)
        self._compiled: dict[tuple, object] = {}

    @torch.inference_mode()
    def embed(self, patch: np.ndarray) -> Template:
        """Encode a template patch; all kernels as one, with their shares of Eq. (3) and (4)."""
        template = super().embed(patch)
        correlation = self.network.correlation
        shares = torch.stack([torch.softmax(correlation.cls_weight, 0),
                              torch.softmax(correlation.reg_weight, 0)], 1).flatten()
        kernels = torch.cat([share * template.kernels[key]
                             for share, key in zip(shares, self._keys)], 1)
        return Template({ALL: kernels}, template.features)

    @torch.inference_mode()
    def encode(self, patch: np.ndarray) -> Encoded:
        maps, levels = self._run(_Encoding, patch[None])
        l3, l4 = torch.from_numpy(levels.copy()).split(self._channels, 1)
        return Encoded({'L3': l3, 'L4': l4}, {ALL: torch.from_numpy(maps)})

    @torch.inference_mode()
    def answer(self, encoded: Encoded, template: Template) -> Maps:
        maps = depthwise_correlation(encoded.maps[ALL], template.kernels[ALL])
        fused = maps.view(-1, 2, self._channels, *maps.shape[2:]).sum(0)
        scores, distances = self._run(_Localisation, fused[:1].numpy(), fused[1:].numpy())
        return Maps(scores[0, 0].copy(), distances[0].copy(), encoded.levels)

    def _run(self, half: type[nn.Module], *inputs: np.ndarray) -> list[np.ndarray]:
        """Outputs of one half of the search, valid until its next run; compiles a new shape."""
        shape = inputs[0].shape
        if (half, shape) not in self._compiled:
            part = _Part(half, tuple((array.shape, array.dtype.str) for array in inputs),
                         self._digest, weakref.ref(self.network))
            self._compiled[half, shape] = _compile(_convert(part), self._precision)
        request = self._compiled[half, shape]
        return list(request.infer(inputs, share_inputs=True, share_outputs=True).values())


def is_installed() -> bool:
    """Whether OpenVINO can be imported."""
    try:
        import openvino  # noqa: F401
    except ImportError:
        return False
    return True


class _Encoding(nn.Module):
    """uint8 1 x S x S x 3 -> encoded maps of all pairs, and both levels, each along channels."""

    def __init__(self, network: SiamXNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        levels = self.network.levels(patch.permute(0, 3, 1, 2).float())
        maps = self.network.correlation.encode_search(levels)
        return torch.cat(list(maps.values()), 1), torch.cat(list(levels.values()), 1)


class _Localisation(nn.Module):
    """F_cls and F_reg -> sigmoid scores and distances."""

    def __init__(self, network: SiamXNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, cls_map: torch.Tensor,
                reg_map: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, distances = self.network.head(cls_map, reg_map)
        return logits.sigmoid(), distances


@functools.cache
def _core():
    """OpenVINO's entry, one for the process.

    Each further core replaces the thread's signal stack, and leaves it pointing at freed memory
    once two of them are gone: the next signal then ends the process.
    """
    import openvino
    return openvino.Core()


@dataclasses.dataclass(frozen=True)
class _Part:
    """Half of a network for inputs of these shapes and types; equal where it computes the same."""

    half: type[nn.Module]
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
def _convert(part: _Part):
    """An OpenVINO model, kept: torch never frees all that tracing takes, so it is done once.

    Loads through the frontend itself: ``openvino.convert_model`` may report its use to its makers.
    """
    import openvino
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
    examples = tuple(torch.from_numpy(np.zeros(shape, kind)) for shape, kind in part.inputs)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)
        traced = torch.jit.trace(part.half(part.network()).eval(), examples, check_trace=False)
    frontend = FrontEndManager().load_by_framework('pytorch')
    decoder = TorchScriptPythonDecoder(traced)  # named: the frontend does not keep it alive
    model = frontend.convert(frontend.load(decoder))
    model.reshape({index: openvino.PartialShape(list(shape))
                   for index, (shape, _) in enumerate(part.inputs)})
    return model


def _compile(model, precision: str):
    """An inference request for a converted model."""
    core = _core()
    if precision == 'auto':
        native = 'BF16' in core.get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
        precision = 'bf16' if native else 'fp32'
    options = {
        'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_NUM_THREADS': torch.get_num_threads(),
        'INFERENCE_PRECISION_HINT': {'fp32': 'f32', 'bf16': 'bf16'}[precision],
        'ENABLE_CPU_PINNING': False}
    return core.compile_model(model, 'CPU', options).create_infer_request()
