"""The weights of FEAR-XS, which was trained for tracking, from its published ONNX file.

Its batch norms are folded into biases there; those of our trunk get these as their shift.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import numpy as np
import torch
from torch import nn

from siamx_ros.model import openvino_graph
from siamx_ros.model.backbone import ConvBN
from siamx_ros.model.pixelwise import PixelwiseNet
from siamx_ros.model.weights import WeightsError

Convolution = tuple[np.ndarray, np.ndarray]
"""Weights C_out x C_in / groups x k x k, and a bias for each output."""


def import_fear(network: nn.Module, path: str | Path) -> None:
    """Start an 'fbnet' network, trunk and head, from FEAR-XS's ``search.onnx``, in place.

    Its normalisation of the input and the change from RGB to BGR are folded into the stem, exactly:
    what is left of the mean is whole numbers, which are taken from the pixels.

    Raises:
        WeightsError: not an 'fbnet' network, unreadable, or another network's file.
    """
    if not isinstance(network, PixelwiseNet):
        raise WeightsError(
            f'{path} fits the backbone fbnet, the network has {network.config.backbone}')
    shift, scale, branches = _read(Path(path))
    trunk = [layer for layer in network.backbone.modules() if isinstance(layer, ConvBN)]
    with torch.no_grad():
        for name, convolutions in branches.items():
            layers = [*trunk, *_branch(network, name)]
            if len(convolutions) != len(layers):
                raise WeightsError(f'{path} does not hold FEAR-XS: {len(convolutions)} '
                                   f'convolutions, {len(layers)} expected')
            for layer, (weight, bias) in zip(layers, convolutions):
                _set(layer, weight, bias, path)
        weight, bias = branches['cls'][0]
        whole = np.round(-shift)
        weight, bias = _folded(weight, bias, shift + whole, scale)
        network.backbone.mean.copy_(torch.from_numpy(whole[::-1].copy()).reshape(3, 1, 1))
        _set(trunk[0], weight, bias, path)


def _branch(network: PixelwiseNet, name: str) -> list[nn.Conv2d]:
    """The convolutions behind the trunk, in order."""
    parts = (network.correlation.project, getattr(network.correlation, name),
             getattr(network.head, f'{name}_tower'), getattr(network.head, f'{name}_predictor'))
    return [layer for part in parts for layer in part.modules() if isinstance(layer, nn.Conv2d)]


def _set(layer: ConvBN | nn.Conv2d, weight: np.ndarray, bias: np.ndarray, path: Path) -> None:
    """Give a layer a convolution with a bias: a norm then changes nothing else."""
    convolution = layer[0] if isinstance(layer, ConvBN) else layer
    if weight.size != convolution.weight.numel():
        raise WeightsError(f'{path} does not hold FEAR-XS: a convolution has the shape '
                           f'{weight.shape}, expected {tuple(convolution.weight.shape)}')
    convolution.weight.copy_(torch.from_numpy(weight).reshape(convolution.weight.shape))
    if convolution is layer:
        layer.bias.copy_(torch.from_numpy(bias))
        return
    norm = layer[1]
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


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, list[Convolution]]]:
    """The input's shift and scale (3 numbers each), and the convolutions up to each output."""
    try:
        operations = openvino_graph.read(path).get_ordered_ops()
    except RuntimeError as error:
        raise WeightsError(f'{path} cannot be read as FEAR-XS: {reason_of(error)}') from None
    add, multiply = (next((_constant(op) for op in operations if op.get_type_name() == kind), None)
                     for kind in ('Add', 'Multiply'))
    if add is None or multiply is None:
        raise WeightsError(f'{path} does not hold FEAR-XS: it does not normalise its input')
    ends = [op.input_value(0) for op in operations if op.get_type_name() == 'Result']
    branches = {'cls' if end.get_partial_shape()[1] == 1 else 'reg': _convolutions(end)
                for end in ends}
    if set(branches) != {'cls', 'reg'}:
        raise WeightsError(f'{path} does not hold FEAR-XS: its outputs are others')
    return add.ravel(), multiply.ravel(), branches


def reason_of(error: Exception) -> str:
    """The first sentence of an error of OpenVINO, without the places in its source before it."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(('Exception from ', 'Check '))]
    return (said or lines or [''])[0].split('. ')[0][:200]


def _convolutions(end: Any) -> list[Convolution]:
    """The convolutions on the way from the input to an output, without shortcuts around them."""
    found: list[Convolution] = []
    for operation in _way_back(end.get_node()):
        if operation.get_type_name() not in ('Convolution', 'GroupConvolution'):
            continue
        weight = _constant(operation)
        if operation.get_type_name() == 'GroupConvolution':
            weight = weight.reshape(-1, *weight.shape[2:])
        users = [user.get_node() for user in operation.output(0).get_target_inputs()]
        biases = [_constant(user) for user in users if user.get_type_name() == 'Add']
        bias = biases[0].ravel() if biases and biases[0] is not None else np.zeros(len(weight))
        found.insert(0, (weight, bias))
    return found


def _way_back(operation: Any) -> Iterator[Any]:
    """An operation and those that its first input comes from, up to the input of the network."""
    while operation.get_type_name() not in ('Parameter', 'Constant'):
        yield operation
        operation = operation.input_value(0).get_node()


def _constant(operation: Any) -> np.ndarray | None:
    """The constant among an operation's inputs, float64."""
    for value in operation.input_values():
        node = value.get_node()
        while node.get_type_name() in ('Convert', 'Reshape'):
            node = node.input_value(0).get_node()
        if node.get_type_name() == 'Constant':
            return np.array(node.data, np.float64)
    return None
