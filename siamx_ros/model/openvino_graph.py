"""From a torch module to a graph that OpenVINO has compiled for this CPU."""

from __future__ import annotations

import functools
import io
import logging
from pathlib import Path
import platform
import threading
from typing import Any, Callable, Sequence
import warnings

import numpy as np
import torch
from torch import nn

from siamx_ros.model.kept_files import KeptFiles, code_digest, digest
from siamx_ros.model.processor import this_processor

LOGGER = logging.getLogger(__name__)
COMPILED = KeptFiles('openvino', 32)
"""Compiled models, a few megabytes each."""


def is_installed() -> bool:
    """Whether OpenVINO can be imported."""
    try:
        import openvino  # noqa: F401
    except ImportError:
        return False
    return True


def convert(module: nn.Module, examples: tuple[torch.Tensor, ...],
            shapes: Sequence[Sequence[int]]) -> Any:
    """Trace a module in eval mode into an OpenVINO model.

    Loads through the frontend itself: ``openvino.convert_model`` may report its use to its makers.

    Args:
        examples: its inputs.
        shapes: of the model's inputs; -1 where a length may vary.
    """
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
    with warnings.catch_warnings(), torch.no_grad(), torch.autocast('cpu', enabled=False):
        warnings.simplefilter('ignore', DeprecationWarning)
        traced = torch.jit.trace(module.eval(), examples, check_trace=False)
        frontend = FrontEndManager().load_by_framework('pytorch')
        decoder = TorchScriptPythonDecoder(traced)  # named: the frontend does not keep it alive
        model = frontend.convert(frontend.load(decoder))
    return reshaped(model, shapes)


def read(path: Path) -> Any:
    """The model of an ONNX file or OpenVINO IR.

    Raises:
        RuntimeError: it cannot be read.
    """
    return _core().read_model(path)


def matrix_products(side: int, count: int, precision: str, threads: int) -> Any:
    """An inference request for ``count`` products of side x side matrices one after the other.

    Args:
        precision: 'fp32', 'bf16' or 'int8', which takes in 0 to 1 in steps of 1 / 255.
    """
    import openvino
    from openvino import opset13 as operations
    inputs = values = operations.parameter([side, side], np.float32)
    random = np.random.default_rng(0)
    for _ in range(count):
        factors = random.uniform(0, 2 / side, (side, side)).astype(np.float32)
        weights = operations.constant(factors)
        if precision == 'int8':
            values = operations.fake_quantize(values, *np.float32((0, 1, 0, 1)), 256)
            reach = np.abs(factors).max(0, keepdims=True)
            weights = operations.fake_quantize(weights, -reach, reach, -reach, reach, 255)
        values = operations.matmul(values, weights, False, False)
    exact = fastest_float() if precision == 'int8' else precision
    return compiled(openvino.Model([values], [inputs]), exact, threads)


def compiled(model: Any, precision: str, threads: int) -> Any:
    """An inference request for a converted model, 'fp32' or 'bf16' (where the CPU has it)."""
    return _core().compile_model(
        model, 'CPU', _options(precision, threads)).create_infer_request()


def kept_or_compiled(key: Sequence[str], make: Callable[[], Any], precision: str,
                     threads: int, streams: int = 1) -> Any:
    """The same for the model that ``make`` would return, without making it if it was before.

    What was compiled is kept in a file and read in a tenth of the time.

    Args:
        key: differs where the model does, apart from the code in this folder.
        streams: how many requests for it run side by side, each on its share of the threads.
    """
    import openvino
    shares = str(threads) if streams == 1 else f'{threads} / {streams}'
    processor = this_processor().key or platform.processor()
    name = digest((*key, precision, shares, openvino.get_version(), processor, code_digest()))
    data, options = COMPILED.read(name), _options(precision, threads)
    if streams > 1:
        options |= {'PERFORMANCE_HINT': 'THROUGHPUT', 'NUM_STREAMS': streams}
    if data is not None:
        try:
            return _core().import_model(
                io.BytesIO(data), 'CPU', options).create_infer_request()
        except RuntimeError as error:
            LOGGER.debug('what was compiled cannot be used: %s', error)
    model = _core().compile_model(make(), 'CPU', options)
    COMPILED.write(name, model.export_model().getvalue())
    return model.create_infer_request()


def reshaped(model: Any, shapes: Sequence[Sequence[int]]) -> Any:
    """A copy of a model for inputs of other shapes."""
    import openvino
    model = model.clone()
    model.reshape({index: openvino.PartialShape(list(shape))
                   for index, shape in enumerate(shapes)})
    return model


def give(request: Any, inputs: dict[int, np.ndarray]) -> None:
    """Copy inputs, by their numbers, into a request, which keeps them until they are given anew."""
    import openvino
    for index, array in inputs.items():
        request.set_input_tensor(index, openvino.Tensor(np.ascontiguousarray(array)))


def show(request: Any, patch: np.ndarray) -> None:
    """Copy a patch into a request's first input: with memory of ours in its place, each inference
    would take a tenth of a millisecond longer."""
    request.get_input_tensor(0).data[0] = patch


def another(request: Any) -> Any:
    """A further inference request for the same compiled model."""
    return request.get_compiled_model().create_infer_request()


def fastest_float() -> str:
    """'bf16' where the CPU computes with it faster than with 'fp32', else this."""
    native = 'BF16' in _core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
    return 'bf16' if native and not this_processor().has_poor_bf16 else 'fp32'


def _options(precision: str, threads: int) -> dict[str, Any]:
    return {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_NUM_THREADS': threads,
            'INFERENCE_PRECISION_HINT': {'fp32': 'f32', 'bf16': 'bf16'}[precision],
            'ENABLE_CPU_PINNING': False}


def _core() -> Any:
    """OpenVINO's entry, one for the process.

    Each further core replaces the thread's signal stack, and leaves it pointing at freed memory
    once two of them are gone: the next signal then ends the process.
    """
    with _MAKING:
        return _only_core()


_MAKING = threading.Lock()


@functools.cache
def _only_core() -> Any:
    import openvino
    return openvino.Core()
