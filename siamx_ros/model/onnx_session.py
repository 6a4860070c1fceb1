"""ONNX graphs run by ONNX Runtime: on the CPU, on a GPU by CUDA, or there by TensorRT."""

from __future__ import annotations

from dataclasses import dataclass, replace
import functools
import hashlib
import logging
from pathlib import Path
from typing import Any

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.model.devices import parse_device

LOGGER = logging.getLogger(__name__)
ENGINE_CACHE = Path('~/.cache/siamx_ros/tensorrt')
"""Engines that TensorRT has built, which takes minutes on small boards."""


@dataclass(frozen=True)
class Provider:
    """An execution provider of ONNX Runtime.

    Attributes:
        name: what ONNX Runtime calls it.
        label: of results and logs.
        precisions: number formats; the first is what 'auto' means.
        device: where inputs are kept, 'cpu' or 'cuda'.
    """

    name: str
    label: str
    precisions: tuple[str, ...]
    device: str = 'cuda'
    index: int = 0

    def chosen(self, graph: bytes, precision: str) -> list[tuple[str, dict[str, Any]]]:
        """What a session asks ONNX Runtime for, to run a graph in a number format."""
        if self.device == 'cpu':
            return [(self.name, {})]
        cuda = (CUDA.name, {'device_id': self.index})
        if self.name == CUDA.name:
            return [cuda]
        name = f'{hashlib.sha256(graph).hexdigest()[:16]}_{precision}'
        folder = ENGINE_CACHE.expanduser() / name
        folder.mkdir(parents=True, exist_ok=True)
        return [(self.name, {
            'device_id': self.index, 'trt_fp16_enable': precision != 'fp32',
            'trt_int8_enable': precision == 'int8', 'trt_engine_cache_enable': True,
            'trt_engine_cache_path': str(folder)}), cuda]


CPU = Provider('CPUExecutionProvider', 'onnxruntime', ('fp32', 'int8'), device='cpu')
CUDA = Provider('CUDAExecutionProvider', 'onnxruntime-cuda', ('fp32',))
TENSORRT = Provider('TensorrtExecutionProvider', 'tensorrt', ('fp16', 'fp32', 'int8'))


class Session:
    """A graph that is ready to run, with inputs that stay from one run to the next.

    Args:
        precision: number format that TensorRT computes in; of the others the graph says it.

    Raises:
        InputError: the provider is not in this ONNX Runtime, or does not start.
    """

    def __init__(self, graph: bytes, provider: Provider, precision: str = 'fp32',
                 threads: int = 1) -> None:
        import onnxruntime
        _check_offered(provider)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, enable_fallback=0, providers=provider.chosen(graph, precision))
        except Exception as error:  # noqa: B902 - what it raises has no other class in common
            raise InputError(f'{provider.name} cannot take the network: {error}') from error
        if self._session.get_providers()[0] != provider.name:
            raise InputError(
                f'onnxruntime offers {provider.name} but cannot start it: see its messages above')
        self._provider, self._binding = provider, self._session.io_binding()

    def keep(self, inputs: dict[str, np.ndarray]) -> None:
        """Copy inputs to the device, for all further runs until they are given anew.

        Those that the graph does not need are left out.
        """
        import onnxruntime
        for name in inputs.keys() & {each.name for each in self._session.get_inputs()}:
            self._binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(
                np.ascontiguousarray(inputs[name]), self._provider.device, self._provider.index))

    def run(self, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs, in the order of the graph; inputs are those given and those kept."""
        arrays = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        for name, array in arrays.items():  # which must live until the run is over
            self._binding.bind_cpu_input(name, array)
        for output in self._session.get_outputs():
            self._binding.bind_output(output.name)
        self._session.run_with_iobinding(self._binding)
        return self._binding.copy_outputs_to_cpu()


def pick_provider(device: str, tensorrt: bool) -> Provider:
    """What runs the network on a device of the settings.

    Args:
        device: 'auto' (CUDA where it starts, else the CPU; with TensorRT the first GPU), 'cpu',
            'cuda' or 'cuda:N'.

    Raises:
        InputError: it is not in this ONNX Runtime, does not start, or is not for this device.
    """
    if tensorrt:
        wanted = parse_device('cuda' if device == 'auto' else device)
        if wanted.type != 'cuda':
            raise InputError(f"model.runtime 'tensorrt' is for a GPU, model.device is {device}")
        return _started(TENSORRT, wanted.index)
    if device != 'auto':
        wanted = parse_device(device)
        return CPU if wanted.type == 'cpu' else _started(CUDA, wanted.index)
    try:
        return _started(CUDA, 0)
    except InputError as error:
        if CUDA.name in _offered():
            LOGGER.warning('the CPU runs the network: %s', error)
        return CPU


def _started(provider: Provider, index: int | None) -> Provider:
    """The provider on one of the GPUs, after it has run something."""
    chosen = replace(provider, index=index or 0)
    Session(_smallest_graph(), chosen).run({'x': np.zeros(1, np.float32)})
    return chosen


def _check_offered(provider: Provider) -> None:
    if provider.name not in _offered():
        raise InputError(
            f'this onnxruntime has no {provider.name}, it offers {", ".join(_offered())}: '
            'install onnxruntime-gpu in its place (docs/deploy.md)')


def _offered() -> list[str]:
    import onnxruntime
    return onnxruntime.get_available_providers()


@functools.cache
def _smallest_graph() -> bytes:
    """y = x + x, of one number."""
    from onnx import TensorProto, helper
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in 'xy')
    graph = helper.make_graph([helper.make_node('Add', ['x', 'x'], ['y'])], 'start', [x], [y])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8).SerializeToString()
