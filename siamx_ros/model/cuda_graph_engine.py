"""The network run by torch on a GPU, with all kernels of a search launched at once.

A search is some two hundred small kernels, which a GPU computes in less time than a CPU needs to
launch them. A CUDA graph is recorded once a size of patch and launched as one. The patch is made in
it, too, of the pixels around the window: one upload, one launch, one wait for the answer.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Callable, ContextManager, Sequence

import numpy as np
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import TEMPLATE_SIZE
from siamx_ros.model.compiled_engine import CompiledEngine
from siamx_ros.model.device_crop import DeviceCrop
from siamx_ros.model.devices import pick_device
from siamx_ros.model.inference import Maps, Patch, Template, stacked_kernels
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.quantisation import Ranges
from siamx_ros.patch_geometry import Region

WARM_UP = 3
"""Runs before the recording, in which libraries choose their kernels and take their memory."""
Step = Callable[[], torch.Tensor]
"""Computes an answer from inputs that stay where they are in memory."""
Replay = Callable[[], None]


def record(step: Step) -> tuple[Replay, torch.Tensor]:
    """A CUDA graph of ``step``: what launches it, and the answer that each launch fills anew."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode='thread_local'):
        answer = step()
    return graph.replay, answer


class RecordedSearch:
    """A search for patches of one size, whose inputs and answer stay where they are in memory.

    Args:
        search: patches B x S x S x 3 float32, 0 to 255, and kernels -> tensors.
        crop: makes the patches.
        kernels: of these shapes and types, on the device, by name.
        record: makes what runs a step again; see :func:`record`.
    """

    def __init__(self, search: Callable[..., Sequence[torch.Tensor]], crop: DeviceCrop,
                 kernels: dict[str, torch.Tensor], record: Callable[[Step], tuple]) -> None:
        self._crop = crop
        self._kernels = {name: kernel.clone() for name, kernel in kernels.items()}
        self._shapes: list[torch.Size] = []
        self._replay, self._answer = record(lambda: self._packed(search))

    def give(self, kernels: dict[str, torch.Tensor]) -> None:
        """Search for another target from now on."""
        for name, kernel in kernels.items():
            self._kernels[name].copy_(kernel)

    def run(self, patches: Sequence[Patch],
            meanwhile: Callable[[], object] = lambda: None) -> list[np.ndarray]:
        """The answers on patches, or on those of regions, float32 on the CPU."""
        self._crop.upload([patch if isinstance(patch, Region) else Region.of_patch(patch)
                           for patch in patches])
        self._replay()
        packed = self._answer.to('cpu', non_blocking=True, copy=True)
        meanwhile()
        if self._answer.is_cuda:
            torch.cuda.current_stream().synchronize()  # the only wait for the device
        parts = packed.split([shape.numel() for shape in self._shapes])
        return [part.view(shape).numpy() for part, shape in zip(parts, self._shapes)]

    def _packed(self, search: Callable[..., Sequence[torch.Tensor]]) -> torch.Tensor:
        """All answers in one float32 vector, which is one copy to the CPU."""
        answers = search(self._crop.patches(), self._kernels)
        self._shapes = [answer.shape for answer in answers]
        return torch.cat([answer.float().flatten() for answer in answers])


class CudaGraphEngine(CompiledEngine):
    """An engine whose search is a CUDA graph.

    Args:
        network: in eval mode; it is copied, not changed.
        precision: 'auto' (fp16), 'fp16', 'bf16' or 'fp32'.

    Raises:
        InputError: the device is not there.
    """

    runtime = 'cuda_graphs'
    takes_regions = True

    def __init__(self, network: SiameseNet, device: str = 'cuda', precision: str = 'auto',
                 record: Callable[[Step], tuple[Replay, torch.Tensor]] = record) -> None:
        super().__init__(network, device, 'fp16' if precision == 'auto' else precision)
        self._record = record

    @classmethod
    def from_settings(cls, network: SiameseNet, model: ModelConfig,
                      ranges: Ranges | None) -> CudaGraphEngine:
        device = pick_device(model.device)
        if device.type != 'cuda':
            raise InputError(f"model.runtime 'cuda_graphs' is for a GPU, model.device is {device}")
        if model.precision == 'int8':
            raise InputError("model.precision 'int8' is not for cuda_graphs, which takes fp16, "
                             'bf16, fp32; on a GPU it needs tensorrt')
        return cls(network, str(device), model.precision)

    def image_context(self) -> ContextManager:
        """Torch keeps its threads: they do what is not the network."""
        return nullcontext()

    @torch.inference_mode()
    def search(self, patch: Patch, template: Template,
               meanwhile: Callable[[], object] = lambda: None) -> Maps:
        with self._on_device():
            search = self._search_for((1, len(patch), len(patch), 3), template)
            scores, distances, cells = search.run([patch], meanwhile)
        return Maps(scores[0, 0], distances[0], cells.transpose(0, 3, 1, 2))

    @torch.inference_mode()
    def search_batch(self, patches: Sequence[Patch], templates: Sequence[Template],
                     room: int = 0) -> list[Maps]:
        """See :class:`Engine`; filled up to ``room``, so that one graph a size of patch is enough.

        It is then recorded with the targets, whichever of them are searched for in such patches.
        """
        count, side = max(room, len(patches)), len(patches[0])
        targets = *templates, *[templates[0]] * (count - len(patches))
        shape = count, side, side, 3
        with self._on_device():
            search = self._searches.holding(targets, lambda: stacked_kernels(targets), shape,
                                            lambda kernels: self._compile(shape, kernels))
            scores, distances, cells = search.run(patches)
        features = cells.transpose(0, 3, 1, 2)
        return [Maps(scores[index, 0], distances[index], features[index:index + 1])
                for index in range(len(patches))]

    @torch.inference_mode()
    def scores_of(self, patch: np.ndarray, encoded: dict[str, torch.Tensor]) -> np.ndarray:
        with self._on_device():
            [scores] = self._scores_for(encoded).run([patch])
        return scores[0, 0]

    def _compile(self, shape: tuple[int, ...], kernels: dict[str, torch.Tensor]) -> RecordedSearch:
        crop = DeviceCrop(*shape[:2], self.device)
        return RecordedSearch(self._answers, crop, kernels, self._record)

    def _compile_scores(self, encoded: dict[str, torch.Tensor]) -> RecordedSearch:
        crop = DeviceCrop(1, TEMPLATE_SIZE, self.device)
        return RecordedSearch(self._scores, crop, encoded, self._record)

    @staticmethod
    def _give(search: RecordedSearch, kernels: dict[str, torch.Tensor]) -> None:
        search.give(kernels)

    def _answers(self, patch: torch.Tensor,
                 kernels: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Scores, distances and features of patches B x S x S x 3 on the device.

        Features are B x n x n x C, as the device has them and the target's classifier takes them.
        """
        levels = self.network.levels(self._pixels(patch))
        logits, distances = self.network.head(*self.network.correlation(levels, kernels))
        features = torch.cat(self.network.grid_features(levels), 1)
        return logits.float().sigmoid(), distances, features.permute(0, 2, 3, 1)

    def _scores(self, patch: torch.Tensor,
                encoded: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Where an encoded search patch shows what a patch 1 x 127 x 127 x 3 on the device does."""
        return (self.network.scores_of(self._pixels(patch), encoded),)

    def _pixels(self, patch: torch.Tensor) -> torch.Tensor:
        return patch.permute(0, 3, 1, 2).to(self.dtype, memory_format=torch.channels_last)

    def _on_device(self) -> ContextManager:
        """Streams and graphs belong to the device that is current."""
        return torch.cuda.device(self.device) if self.device.type == 'cuda' else nullcontext()
