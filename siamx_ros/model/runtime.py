"""Which runtime a model's settings ask for."""

from __future__ import annotations

import pkgutil

from siamx_ros.config import RUNTIMES, ModelConfig
from siamx_ros.model.inference import Engine, pick_device
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.openvino_graph import is_installed
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
    """The runtime that 'auto' means."""
    fits = pick_device(model.device).type == 'cpu' and model.precision != 'fp16'
    return 'openvino' if fits and is_installed() else 'torch'
