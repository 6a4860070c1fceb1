"""The trunk of FEAR-XS, an FBNet-C that was trained for tracking, from its published ONNX file.

Its batch norms are folded into biases there; ours get these as their shift.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np
import torch
from torch import nn

from siamx_ros.model import openvino_graph
from siamx_ros.model.backbone import ConvBN
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.weights import WeightsError

Convolution = tuple[np.ndarray, np.ndarray]
"""Weights C_out x C_in / groups x k x k, and a bias for each output."""


def import_fear(network: SiamXNet, path: str | Path) -> None:
    """Start an 'fbnet' backbone from the trunk of FEAR-XS's ``search.onnx``, in place.

    Its normalisation of the input and the change from RGB to BGR are folded into the stem, exactly,
    because our stem has no padding.

    Raises:
        WeightsError: not an 'fbnet' network, unreadable, or another network's file.
    """
    if network.config.backbone != 'fbnet':
        raise WeightsError(
            f'{path} fits the backbone fbnet, the network has {network.config.backbone}')
    shift, scale, convolutions = _read(Path(path))
    layers = [layer for layer in network.backbone.modules() if isinstance(layer, ConvBN)]
    if len(convolutions) < len(layers):
        raise WeightsError(f'{path} does not hold FEAR-XS: {len(convolutions)} convolutions, '
                           f'{len(layers)} expected')
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, convolutions):
            if weight.size != layer[0].weight.numel():
                raise WeightsError(f'{path} does not hold FEAR-XS: a convolution has the shape '
                                   f'{weight.shape}, expected {tuple(layer[0].weight.shape)}')
            _set(layer, weight, bias)
        _set(layers[0], *_folded(*convolutions[0], shift, scale))


def _set(layer: ConvBN, weight: np.ndarray, bias: np.ndarray) -> None:
    """A convolution with a bias, as a convolution and a norm that changes nothing else."""
    convolution, norm = layer[0], layer[1]
    convolution.weight.copy_(torch.from_numpy(weight).reshape(convolution.weight.shape))
    nn.init.ones_(norm.weight)
    norm.bias.copy_(torch.from_numpy(bias))
    norm.running_mean.zero_()
    norm.running_var.fill_(1 - norm.eps)


def _folded(weight: np.ndarray, bias: np.ndarray, shift: np.ndarray,
            scale: np.ndarray) -> Convolution:
    """The stem for BGR inputs instead of ``(rgb + shift) * scale``."""
    weight = weight * scale.reshape(1, 3, 1, 1)
    bias = bias + (weight * shift.reshape(1, 3, 1, 1)).sum((1, 2, 3))
    return np.ascontiguousarray(weight[:, ::-1]), bias


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, list[Convolution]]:
    """The input's shift and scale (3 numbers each), and all convolutions in order."""
    try:
        operations = openvino_graph.read(path).get_ordered_ops()
    except RuntimeError as error:
        raise WeightsError(f'{path} cannot be read as a network: {error}') from None
    add, multiply = (next(_constant(op) for op in operations if op.get_type_name() == kind)
                     for kind in ('Add', 'Multiply'))
    return add.ravel(), multiply.ravel(), list(_convolutions(operations))


def _convolutions(operations: list[Any]) -> Iterator[Convolution]:
    for operation in operations:
        if operation.get_type_name() in ('Convolution', 'GroupConvolution'):
            weight = _constant(operation)
            users = [user.get_node() for user in operation.output(0).get_target_inputs()]
            biases = [_constant(user) for user in users if user.get_type_name() == 'Add']
            bias = biases[0] if biases else None
            if bias is None:
                return  # the first one without a bias is behind the trunk
            if operation.get_type_name() == 'GroupConvolution':
                weight = weight.reshape(-1, *weight.shape[2:])
            yield weight, bias.ravel()


def _constant(operation: Any) -> np.ndarray | None:
    """The constant among an operation's inputs, float64."""
    for value in operation.input_values():
        node = value.get_node()
        while node.get_type_name() in ('Convert', 'Reshape'):
            node = node.input_value(0).get_node()
        if node.get_type_name() == 'Constant':
            return np.array(node.data, np.float64)
    return None
