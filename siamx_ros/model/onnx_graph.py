"""The network's two steps as ONNX graphs of standard operators, which many runtimes read.

Pixels come in as the crop makes them, uint8, height x width x BGR: a quarter of the bytes of float
go to a GPU, and no program can normalise them in another way. All lengths are fixed, as TensorRT is
fastest with: there is one graph for each side of the search patch.
"""

from __future__ import annotations

import functools
from importlib.util import find_spec
import inspect
import io
from typing import Any, Callable, Sequence
import warnings

import torch
from torch import nn

from siamx_ros.errors import InputError
from siamx_ros.geometry import TEMPLATE_SIZE
from siamx_ros.model.compiled_engine import Source
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.network_step import NetworkStep, ScoresStep
from siamx_ros.model.onnx_folding import fold_constants
from siamx_ros.model.rounding import rounded

OPSET = 17
"""Of the operators: TensorRT 8.6 reads it, with uint8 inputs and kernels that are inputs."""
SEARCH_OUTPUTS = ('scores', 'distances', 'features')
SIGNATURE = 'signature'


class TemplateStep(NetworkStep):
    """uint8 1 x 127 x 127 x 3 -> the kernels, and the template's signature, a vector."""

    def forward(self, patch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        levels = self.network.template_levels(self.pixels(patch))
        kernels = self.network.encode_template(levels)
        return (*(kernels[name] for name in self.network.kernel_names),
                self.network.template_signature(levels))


class SearchStep(NetworkStep):
    """uint8 1 x S x S x 3 and kernels -> scores (0 to 1), distances, features 1 x C x H x W."""

    def forward(self, patch: torch.Tensor, *kernels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        levels = self.network.levels(self.pixels(patch))
        logits, distances = self.network.head(
            *self.network.correlation(levels, dict(zip(self.network.kernel_names, kernels))))
        return logits.sigmoid(), distances, torch.cat(self.network.grid_features(levels), 1)


def check_installed(purpose: str) -> None:
    """Refuse to go on without the packages that make and run ONNX graphs.

    Raises:
        InputError: one is missing.
    """
    missing = missing_packages()
    if missing:
        raise InputError(f'{purpose} needs the package {" and ".join(missing)}')


def missing_packages() -> list[str]:
    """Those that make and run ONNX graphs and are not installed."""
    return [name for name in ('onnx', 'onnxruntime') if find_spec(name) is None]


def template_graph(network: SiameseNet) -> Any:
    """The ONNX model that encodes a template: ``patch`` -> the kernels, by name, ``signature``.

    Args:
        network: batch norm folded, float32, on the CPU.
    """
    return _exported(TemplateStep(network), (_empty(TEMPLATE_SIZE),), ('patch',),
                     (*network.kernel_names, SIGNATURE))


def search_graph(network: SiameseNet, side: int) -> Any:
    """The ONNX model of the search: ``patch``, kernels -> ``scores``, ``distances``, ``features``.

    Args:
        network: batch norm folded, float32, on the CPU; where it rounds, the graph does.
        side: of the patches, pixels.
    """
    with torch.no_grad():
        *kernels, _ = TemplateStep(network)(_empty(TEMPLATE_SIZE))
    return _exported(SearchStep(network), (_empty(side), *kernels),
                     ('patch', *network.kernel_names), SEARCH_OUTPUTS)


def scores_graph(network: SiameseNet, shapes: Sequence[Sequence[int]]) -> Any:
    """The ONNX model that searches an encoded patch: ``patch``, what is encoded -> ``scores``.

    Args:
        network: as of :func:`search_graph`.
        shapes: of what is encoded, in the order of the kernels, whose names it has.
    """
    return _exported(ScoresStep(network), (_empty(TEMPLATE_SIZE), *map(torch.zeros, shapes)),
                     ('patch', *network.kernel_names), SEARCH_OUTPUTS[:1])


@functools.lru_cache(maxsize=16)
def graph_bytes(source: Source, ranges: tuple[tuple[str, tuple[float, float]], ...],
                graph: Callable[..., Any], size: Any) -> bytes:
    """A graph of a network, kept: torch never frees all that tracing takes.

    Args:
        ranges: items of the checkpoint's ranges to round by; empty for none.
        graph: :func:`search_graph` or :func:`scores_graph`.
        size: its second argument.
    """
    network = source.network()
    network = rounded(network, dict(ranges)) if ranges else network
    return graph(network, size).SerializeToString()


def _empty(side: int) -> torch.Tensor:
    return torch.zeros(1, side, side, 3, dtype=torch.uint8)


def _exported(module: nn.Module, examples: tuple[torch.Tensor, ...], inputs: Sequence[str],
              outputs: Sequence[str]) -> Any:
    import onnx
    file = io.BytesIO()
    # Before 2.5 torch has but one exporter; the newer one writes later operators only.
    one = {'dynamo': False} if 'dynamo' in inspect.signature(torch.onnx.export).parameters else {}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore', DeprecationWarning)
        warnings.simplefilter('ignore', torch.jit.TracerWarning)
        warnings.filterwarnings('ignore', 'Constant folding', UserWarning)
        torch.onnx.export(
            module.eval(), examples, file, input_names=list(inputs), output_names=list(outputs),
            opset_version=OPSET, do_constant_folding=False, **one)
    return fold_constants(onnx.load_from_string(file.getvalue()))
