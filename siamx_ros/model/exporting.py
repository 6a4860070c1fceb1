"""A checkpoint as ONNX files and a description, written if they answer as torch does."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np
import torch

from siamx_ros import __version__
from siamx_ros.errors import InputError
from siamx_ros.geometry import TEMPLATE_SIZE
from siamx_ros.model.backbone import fold_batch_norm
from siamx_ros.model.network import STRIDE, SiameseNet
from siamx_ros.model.onnx_graph import (
    OPSET, SEARCH_OUTPUTS, SIGNATURE, SearchStep, TemplateStep, search_graph, template_graph)
from siamx_ros.model.onnx_session import CPU, Session
from siamx_ros.model.quantisation import Ranges, check_ranges
from siamx_ros.model.rounding import rounded
from siamx_ros.model.weights import SHIPPED, Checkpoint
from siamx_ros.whole_files import write_whole

FORMAT = 'siamx-onnx-1'
TEMPLATE_FILE, DESCRIPTION_FILE = 'template.onnx', 'model.json'
EXACT = 1e-4
"""Largest difference from torch that float32 may have: of scores (0 to 1), and of the others as a
share of their largest."""
ROUNDED = {'scores': 0.25, 'distances': 0.4, 'features': 0.6}
"""Root mean square of the difference from torch in float32 that eight bits may have, as a share of
that of the output itself. Single cells may be off by more."""


@dataclass(frozen=True)
class Comparison:
    """How far an output is from that of torch in float32.

    Attributes:
        largest: difference; of scores as it is, of others as a share of the largest value.
        rms: root mean square of the difference, as a share of that of the output.
        allowed: of ``largest``, or of ``rms`` where the file is ``rounded``.
    """

    file: str
    side: int
    output: str
    largest: float
    rms: float
    allowed: float
    rounded: bool

    @classmethod
    def of(cls, file: str, side: int, output: str, found: np.ndarray, expected: np.ndarray,
           rounded: bool) -> Comparison:
        """Compare; what has another shape, or is no number, is infinitely far."""
        allowed = ROUNDED[output] if rounded else EXACT
        if found.shape != expected.shape or not np.isfinite(found).all():
            return cls(file, side, output, np.inf, np.inf, allowed, rounded)
        error = np.abs(found - expected)
        unit = 1.0 if output == 'scores' else float(np.abs(expected).max()) or 1.0
        size = float(np.sqrt(np.square(expected).mean())) or 1.0
        return cls(file, side, output, float(error.max()) / unit,
                   float(np.sqrt(np.square(error).mean())) / size, allowed, rounded)

    @property
    def measured(self) -> float:
        """What the allowed value is for."""
        return self.rms if self.rounded else self.largest

    @property
    def holds(self) -> bool:
        """Whether the difference is within what is allowed."""
        return self.measured <= self.allowed


def export(checkpoint: Checkpoint, folder: Path, template: np.ndarray,
           searches: Mapping[int, np.ndarray],
           ranges: Ranges | None = None) -> list[Comparison]:
    """Write ``template.onnx``, ``search_N.onnx`` and ``model.json``, after a comparison with torch.

    Args:
        template: of a target to compare with, 127 x 127 x 3 uint8 BGR.
        searches: side N -> search patch, N x N x 3 uint8 BGR; a file is written for each.
        ranges: to round the search to eight bits by; None for float32.

    Raises:
        InputError: int8 has no ranges, or an answer differs by more than :data:`EXACT` or
            :data:`ROUNDED`; nothing is written then.
    """
    precision = 'fp32' if ranges is None else 'int8'
    if ranges is not None:
        check_ranges(ranges)
    network = fold_batch_norm(copy.deepcopy(checkpoint.network)).requires_grad_(False)
    searching = rounded(network, ranges) if ranges else network
    patches = {f'search_{side}.onnx': patch for side, patch in searches.items()}
    graphs = {TEMPLATE_FILE: template_graph(network), **{
        name: search_graph(searching, len(patch)) for name, patch in patches.items()}}
    comparisons = _compare(network, graphs, template, patches, bool(ranges))
    _refuse(comparisons)
    description = describe(checkpoint, graphs, precision, comparisons)
    folder.mkdir(parents=True, exist_ok=True)
    for name, graph in graphs.items():
        write_whole(folder / name, graph.SerializeToString())
    write_whole(folder / DESCRIPTION_FILE, json.dumps(description, indent=1).encode())
    return comparisons


def describe(checkpoint: Checkpoint, graphs: Mapping[str, Any], precision: str,
             comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """What somebody needs who runs the files: plain values."""
    shipped = bool(checkpoint.path) and Path(checkpoint.path).resolve().parent == SHIPPED
    geometry = checkpoint.network.geometry
    return {
        'format': FORMAT, 'siamx_ros': __version__, 'opset': OPSET, 'precision': precision,
        'pixels': 'uint8, height x width x 3, BGR, 0 to 255, not normalised',
        'template_size': TEMPLATE_SIZE, 'stride': STRIDE,
        'windows': {'kind': type(geometry).__name__, **asdict(geometry)},
        'cells': '(side - 127) / 8 + 9',
        'cell_centre': 'side / 2 + (index - cells // 2) * 8, in pixels of the patch',
        'files': {name: {'inputs': _shapes(graph.graph.input),
                         'outputs': _shapes(graph.graph.output)}
                  for name, graph in graphs.items()},
        'network': checkpoint.network.config.to_dict(), 'calibration': checkpoint.calibration,
        'weights': {'file': Path(checkpoint.path).name, 'sha256': checkpoint.sha256,
                    'licence': 'Apache-2.0' if shipped else 'of the weights: see card',
                    'card': checkpoint.card},
        'differences_from_torch': [asdict(each) for each in comparisons]}


def _compare(network: SiameseNet, graphs: Mapping[str, Any], template: np.ndarray,
             patches: Mapping[str, np.ndarray], is_rounded: bool) -> list[Comparison]:
    """All graphs, run on the CPU, against the network."""
    encoded = _answer(TemplateStep(network), template[None])
    found = _run(graphs[TEMPLATE_FILE], {'patch': template[None]})
    rows = [Comparison.of(TEMPLATE_FILE, len(template), name, *pair, False)
            for name, *pair in zip([*network.kernel_names, SIGNATURE], found, encoded)]
    kernels = dict(zip(network.kernel_names, encoded))
    for name, patch in patches.items():
        expected = _answer(SearchStep(network), patch[None], *kernels.values())
        found = _run(graphs[name], {'patch': patch[None], **kernels})
        rows += [Comparison.of(name, len(patch), output, *pair, is_rounded)
                 for output, *pair in zip(SEARCH_OUTPUTS, found, expected)]
    return rows


def _refuse(comparisons: Sequence[Comparison]) -> None:
    """Raise for the worst comparison that does not hold."""
    wrong = [each for each in comparisons if not each.holds]
    if wrong:
        worst = max(wrong, key=lambda each: each.measured / each.allowed)
        raise InputError(
            f'{worst.output} of {worst.file} differ from those of torch by {worst.measured:.2g}, '
            f'allowed are {worst.allowed:g}: nothing was written')


@torch.inference_mode()
def _answer(step: torch.nn.Module, *inputs: np.ndarray) -> list[np.ndarray]:
    return [output.numpy() for output in step(*map(torch.from_numpy, inputs))]


def _run(graph: Any, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    return Session(graph.SerializeToString(), CPU).run(inputs)


def _shapes(values: Sequence[Any]) -> dict[str, list[int]]:
    return {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in values}
