"""Which runtime a model's settings ask for."""

from __future__ import annotations

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.model.inference import Engine, pick_device
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.openvino_engine import OpenVinoEngine, is_installed


def make_engine(network: SiamXNet, model: ModelConfig) -> Engine:
    """The network on the device, runtime and in the precision of ``model``.

    Raises:
        InputError: the device or the runtime is not there, or they do not go together.
    """
    device = pick_device(model.device)
    if model.runtime == 'openvino' and device.type != 'cpu':
        raise InputError(f"model.runtime 'openvino' is for the CPU, model.device is {device}")
    fits = device.type == 'cpu' and model.precision != 'fp16'
    if model.runtime == 'openvino' or (model.runtime == 'auto' and fits and is_installed()):
        return OpenVinoEngine(network, model.precision)
    return Engine(network, model.device, model.precision)
