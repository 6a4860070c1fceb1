"""Which runtime a model's settings ask for."""

from __future__ import annotations

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.model.inference import Engine, pick_device
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.openvino_engine import OpenVinoEngine
from siamx_ros.model.openvino_graph import is_installed
from siamx_ros.model.quantisation import Ranges


def make_engine(network: SiamXNet, model: ModelConfig, ranges: Ranges | None = None) -> Engine:
    """The network on the device, runtime and in the precision of ``model``.

    Args:
        ranges: of the checkpoint, for int8; without them it is not used.

    Raises:
        InputError: the device or the runtime is not there, or they and the precision do not go
            together.
    """
    device = pick_device(model.device)
    if model.runtime == 'openvino' and device.type != 'cpu':
        raise InputError(f"model.runtime 'openvino' is for the CPU, model.device is {device}")
    fits = device.type == 'cpu' and model.precision != 'fp16'
    if model.runtime == 'openvino' or (model.runtime == 'auto' and fits and is_installed()):
        return OpenVinoEngine(network, model.precision, ranges)
    if model.precision == 'int8':
        raise InputError("model.precision 'int8' needs openvino on a CPU")
    return Engine(network, model.device, model.precision)
