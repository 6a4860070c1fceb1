"""A backbone that does not learn, run by OpenVINO: less than half of torch's time on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from siamx_ros.model import openvino_graph
from siamx_ros.training.settings import TrainConfig

EXAMPLE_SIZE = 127


class FrozenBackbone:
    """Computes what a backbone in eval mode does, without gradients.

    It is compiled at its first call, with the weights that the backbone then has.

    Args:
        precision: 'fp32' or 'bf16'; fp32 where the CPU has no bf16.
    """

    def __init__(self, backbone: nn.Module, precision: str) -> None:
        self._backbone, self._precision = backbone, precision
        self._request: Any = None

    def __call__(self, patch: torch.Tensor) -> list[torch.Tensor]:
        """Features (conv3, conv4), float32, of patches B x 3 x S x S."""
        if self._request is None:
            self._request = self._compile()
        answer = self._request.infer([patch.contiguous().numpy()], share_inputs=True)
        return [torch.from_numpy(features) for features in answer.values()]

    def _compile(self) -> Any:
        graph = openvino_graph.convert(
            self._backbone, (torch.zeros(1, 3, EXAMPLE_SIZE, EXAMPLE_SIZE),), [(-1, 3, -1, -1)])
        precision = openvino_graph.fastest_float() if self._precision == 'bf16' else 'fp32'
        return openvino_graph.compiled(graph, precision, torch.get_num_threads())


def frozen_backbone(backbone: nn.Module, config: TrainConfig,
                    device: torch.device) -> FrozenBackbone | None:
    """The fast stand-in of a backbone, where there is one: on a CPU, with OpenVINO, while frozen."""
    if device.type != 'cpu' or config.frozen == 0 or not openvino_graph.is_installed():
        return None
    return FrozenBackbone(backbone, config.precision)
