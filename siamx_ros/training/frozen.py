"""A backbone that does not learn, run by OpenVINO: less than half of torch's time on a CPU.

Its features depend on nothing that is learnt, so that those of the next batch are made beside the
training step, on cores of their own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from siamx_ros.model import openvino_graph
from siamx_ros.training.train_config import TrainConfig

EXAMPLE_SIZE = 127
CORES = 1 / 3
"""Share of the cores that a frozen backbone takes: about its share of the work."""


class FrozenBackbone:
    """Computes what a backbone in eval mode does, without gradients.

    It is compiled at its first call, with the weights that the backbone then has.

    Args:
        precision: 'fp32' or 'bf16'; fp32 where the CPU has no bf16.
        threads: how many compute it.
    """

    def __init__(self, backbone: nn.Module, precision: str, threads: int = 1) -> None:
        self._backbone, self._precision, self.threads = backbone, precision, threads
        self._type = torch.bfloat16 if precision == 'bf16' else torch.float32
        self._request: Any = None

    def __call__(self, patch: torch.Tensor) -> list[torch.Tensor]:
        """Features (conv3, conv4) of patches B x 3 x S x S, typed and laid out as a step needs."""
        if self._request is None:
            self._request = self._compile()
        answer = self._request.infer([patch.contiguous().numpy()], share_inputs=True)
        return [torch.from_numpy(features).to(self._type, memory_format=torch.channels_last)
                for features in answer.values()]

    def _compile(self) -> Any:
        graph = openvino_graph.convert(
            self._backbone, (torch.zeros(1, 3, EXAMPLE_SIZE, EXAMPLE_SIZE),), [(-1, 3, -1, -1)])
        precision = openvino_graph.fastest_float() if self._precision == 'bf16' else 'fp32'
        return openvino_graph.compiled(graph, precision, self.threads)


def frozen_backbone(backbone: nn.Module, config: TrainConfig, device: torch.device,
                    threads: int) -> FrozenBackbone | None:
    """The fast stand-in of a backbone, where there is one: on a CPU, with OpenVINO, while frozen.

    Args:
        threads: of which it takes a part.
    """
    if device.type != 'cpu' or config.frozen == 0 or not openvino_graph.is_installed():
        return None
    return FrozenBackbone(backbone, config.precision, max(1, round(CORES * threads)))
