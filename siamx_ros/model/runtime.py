"""Which runtime a model's settings ask for."""

from __future__ import annotations

import pkgutil

from siamx_ros.config import RUNTIMES, ModelConfig
from siamx_ros.model import onnx_graph, openvino_graph
from siamx_ros.model.devices import pick_device
from siamx_ros.model.inference import Engine
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.quantisation import Ranges


def make_engine(network: SiameseNet, model: ModelConfig, ranges: Ranges | None = None) -> Engine:
    """The network on the device, runtime and in the precision of ``model``.

    Args:
        ranges: of the checkpoint, for int8; without them it is not used.

    Raises:
        InputError: the device or the runtime is not there, or they and the precision do not go
            together.
    """
    runtime = _fastest(model) if model.runtime == 'auto' else model.runtime
    engine = pkgutil.resolve_name(RUNTIMES[runtime])
    return engine.from_settings(network, model, ranges)


def _fastest(model: ModelConfig) -> str:
    """The runtime that 'auto' means: on a CPU, torch takes the longest."""
    if pick_device(model.device).type != 'cpu' or model.precision == 'fp16':
        return 'torch'
    if openvino_graph.is_installed():
        return 'openvino'
    return 'torch' if model.precision == 'bf16' or onnx_graph.missing_packages() else 'onnxruntime'
