"""Inference in eight bits: what each convolution of a search takes in, and a graph rounded to that.

Activations are rounded with one step a convolution, from the range measured on training patches;
weights with one step an output channel, so that the sum of each filter stays.
"""

from __future__ import annotations

from collections.abc import Iterable
import math
from typing import Any

import numpy as np
import torch
from torch import nn

from siamx_ros.errors import InputError
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.processor import Processor

Ranges = dict[str, tuple[float, float]]
"""Name of a convolution of the network -> least and greatest value that it takes in."""
COVERED = 0.9999
"""Share of the values below the upper end of a range, and above its lower end: a few outliers would
make the steps for all others twice as large."""
EXACT = ('backbone.stem', 'head.cls_predictor', 'head.reg_predictor')
"""Convolutions that stay as they are: pixels come in, answers go out, little is to be gained."""
PREFIX = '__module.network.'
"""Of the names that OpenVINO gives the layers of the traced network."""
SMALLEST = 1e-8
STEPS = 127
"""Of a filter's weights in eight bits, to either side of zero."""


@torch.inference_mode()
def input_ranges(network: SiameseNet,
                 pairs: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Ranges:
    """What the convolutions of ``network.search`` take in over pairs of patches, but for outliers.

    Args:
        network: in eval mode.
        pairs: template 1 x 3 x 127 x 127 and search patch 1 x 3 x S x S, both BGR, 0..255.
    """
    spreads: dict[str, _Spread] = {}

    def watch(name: str):
        def hook(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
            spreads.setdefault(name, _Spread()).add(inputs[0])
        return hook

    for template, search in pairs:
        kernels = network.embed_template(template)
        hooks = [module.register_forward_pre_hook(watch(name))
                 for name, module in network.named_modules()
                 if isinstance(module, nn.Conv2d) and not name.startswith(EXACT)]
        network.search(search, kernels)
        for hook in hooks:
            hook.remove()
    return {name: (-spread.end(-1), spread.end(1)) for name, spread in spreads.items()}


class _Spread:
    """How many values of each size there were, in steps of 1 % from 1e-8 to a million."""

    octaves, steps = (-27, 20), 64

    def __init__(self) -> None:
        count = (self.octaves[1] - self.octaves[0]) * self.steps
        self.counts = {sign: torch.zeros(count) for sign in (-1, 1)}

    def add(self, values: torch.Tensor) -> None:
        """Count values; those of the other sign are the smallest."""
        least, most = self.octaves
        for sign, counts in self.counts.items():
            sizes = (sign * values.float()).clamp(2.0 ** least, 2.0 ** most).log2()
            counts += torch.histc(sizes, len(counts), least, most)

    def end(self, sign: int) -> float:
        """The size that a share of :data:`COVERED` does not exceed; 0 if there is none."""
        counts = self.counts[sign].double()
        index = int((counts.cumsum(0) < COVERED * counts.sum()).sum())
        return 2.0 ** (self.octaves[0] + (index + 1) / self.steps) if index else 0.0


def round_graph(model: Any, ranges: Ranges) -> Any:
    """A copy of an OpenVINO model of the search that rounds where ``ranges`` names a convolution.

    OpenVINO computes what is rounded on both sides in eight bits.
    """
    from openvino.passes import ConstantFolding, Manager
    model = model.clone()
    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(model)
    for layer in model.get_ops():
        name = layer.get_friendly_name().removeprefix(PREFIX).split('/')[0]
        if layer.get_type_name() in ('Convolution', 'GroupConvolution') and name in ranges:
            _round_inputs(layer, ranges[name])
    model.validate_nodes_and_infer_types()
    return model


def check_ranges(ranges: Ranges | None) -> None:
    """Refuse int8 without ranges.

    Raises:
        InputError: there are none.
    """
    if not ranges:
        raise InputError("int8 needs weights with measured ranges: 'calibrate' adds them")


def is_worth_it(network: SiameseNet, processor: Processor) -> bool:
    """Whether a processor runs a network so much faster in eight bits that they are worth it.

    They cost a little accuracy. Where bf16 is good, too, they save little in a network that filters
    channels one by one, which neither makes much faster; a network of dense products they halve.
    """
    if processor.has_good_bf16 and _filters_channels(network):
        return False
    return processor.has_eight_bits


def _filters_channels(network: SiameseNet) -> bool:
    """Whether a network has convolutions that filter each channel by itself."""
    return any(isinstance(module, nn.Conv2d) and module.groups > 1 for module in network.modules())


def rounded_filters(filters: np.ndarray) -> np.ndarray:
    """Weights in whole steps, of which there are 127 from 0 to the largest of each filter.

    Those nearest to the middle of two steps are rounded the other way until the filter's sum is off
    by half a step at most: where what comes in is even, and it is never negative behind a ReLU, the
    errors of single weights would add up.

    Args:
        filters: N x K float32, one a row.
    """
    unit = np.maximum(np.abs(filters).max(1, keepdims=True), SMALLEST) / STEPS
    exact = filters / unit
    steps = np.rint(exact)
    missing = np.rint((exact - steps).sum(1, keepdims=True))
    sign = np.sign(missing)
    gain = np.where(np.abs(steps) == STEPS, -np.inf, (exact - steps) * sign)
    rank = gain.argsort(1)[:, ::-1].argsort(1)
    moved = (rank < np.abs(missing)) & np.isfinite(gain)
    return ((steps + sign * moved) * unit).astype(np.float32)


def _round_inputs(layer: Any, bounds: tuple[float, float]) -> None:
    """Round the activations and the weights that a convolution takes in."""
    from openvino import opset13 as operations
    low, high = bounds
    step = max(-low / 128, high / 127, SMALLEST)
    ends = (-128 * step, 127 * step) if low < 0 else (0.0, max(high, SMALLEST))
    kernel = layer.input_value(1).get_node().data.astype(np.float32)
    channel_axes = 1 if layer.get_type_name() == 'Convolution' else 2
    filters = kernel.reshape(math.prod(kernel.shape[:channel_axes]), -1)
    kernel = rounded_filters(filters).reshape(kernel.shape)
    reach = np.abs(kernel).max(tuple(range(channel_axes, kernel.ndim)), keepdims=True)
    reach = np.maximum(reach, SMALLEST)
    activations = operations.fake_quantize(
        layer.input_value(0), *(np.float32(end) for end in 2 * ends), 256)
    weights = operations.fake_quantize(
        operations.constant(kernel), -reach, reach, -reach, reach, 255)
    for index, rounded in enumerate((activations, weights)):
        layer.input(index).replace_source_output(rounded.output(0))
