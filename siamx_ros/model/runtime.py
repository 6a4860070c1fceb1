"""Which runtime a model's settings ask for."""

from __future__ import annotations

import os

import cv2
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.model.inference import Engine, pick_device
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.openvino_engine import OpenVinoEngine, is_installed


def prepare_process(model: ModelConfig) -> None:
    """Set what torch and OpenCV keep once a process: their threads and the choice of kernels."""
    use_threads(model.threads)
    if model.deterministic:
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # as cuBLAS asks for
        torch.use_deterministic_algorithms(True)


def use_threads(threads: int) -> None:
    """Limit the threads of torch and OpenCV in this process; 0 leaves them."""
    if threads > 0:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)


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
