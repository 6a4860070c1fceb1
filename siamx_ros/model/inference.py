"""The network as the tracker uses it: patches in, score and distance arrays out."""

from __future__ import annotations

from contextlib import nullcontext
import copy
from dataclasses import dataclass
import math
from typing import Callable, ContextManager, Iterable, Iterator, Sequence

import numpy as np
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.errors import InputError
from siamx_ros.model.backbone import fold_batch_norm
from siamx_ros.model.devices import pick_device
from siamx_ros.model.network import TEMPLATE_CELLS, SiameseNet
from siamx_ros.patch_geometry import PatchGeometry, Region

Patch = np.ndarray | Region
"""What is searched, S x S x 3 uint8 BGR; a region only by an engine that takes them."""
SMALLEST_NORM = 1e-8
DTYPES = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}


@dataclass(frozen=True)
class Template:
    """A target's encodings, computed once.

    Attributes:
        kernels: of the correlations, on the device.
        features: the network's signature of the target, as a vector of length 1.
    """

    kernels: dict[str, torch.Tensor]
    features: np.ndarray


@dataclass(frozen=True)
class Maps:
    """What one search patch answers.

    Attributes:
        scores: n x n float32, sigmoid of the centre logits.
        distances: 4 x n x n float32, left, top, right, bottom in patch pixels.
        features: of the patch, L3 and L4 along channels: 1 x C x n x n on the grid of stride 8,
            on the device, or as an array where torch does not compute it.
    """

    scores: np.ndarray
    distances: np.ndarray
    features: torch.Tensor | np.ndarray


class Engine:
    """A network on its device, run by torch: batch norm folded, in inference mode.

    An engine, and all trackers that share it, serves one thread: compiled ones keep targets and
    answers inside. A further thread loads a tracker of its own.

    Args:
        network: in eval mode; it is copied, not changed.
        device: 'auto', 'cpu', 'cuda' or 'cuda:N'.
        precision: 'auto' (fp32), 'fp32', 'fp16' or 'bf16'.

    Attributes:
        runtime: what runs the network, for logs and results.
        precision: number format it computes in.
        takes_regions: whether a :class:`Region` may be searched in place of its patch.

    Raises:
        InputError: the device is not there.
    """

    runtime = 'torch'
    takes_regions = False

    @classmethod
    def from_settings(cls, network: SiameseNet, model: ModelConfig,
                      ranges: dict[str, tuple[float, float]] | None) -> Engine:
        """An engine of this kind with the device and precision of ``model``.

        Args:
            ranges: of the checkpoint, for int8.

        Raises:
            InputError: the device or the runtime is not there, or they and the precision do not
                go together.
        """
        if model.precision == 'int8':
            raise InputError("model.precision 'int8' needs openvino on a CPU, onnxruntime, or "
                             'tensorrt')
        return cls(network, model.device, model.precision)

    def __init__(self, network: SiameseNet, device: str = 'auto', precision: str = 'fp32') -> None:
        self.device = pick_device(device)
        self.precision = 'fp32' if precision == 'auto' else precision
        self.dtype = DTYPES[self.precision]
        folded = fold_batch_norm(copy.deepcopy(network).eval())
        self.network = folded.to(
            self.device, self.dtype, memory_format=torch.channels_last).requires_grad_(False)

    @property
    def geometry(self) -> PatchGeometry:
        """How the network's patches are cut."""
        return self.network.geometry

    def versions(self) -> dict[str, str]:
        """Of the libraries that compute, by name."""
        return {'torch': str(torch.__version__)}

    def image_context(self) -> ContextManager:
        """What the work on one image, calls of this engine among it, is wrapped in."""
        return nullcontext()

    @torch.inference_mode()
    def embed(self, patch: np.ndarray) -> Template:
        """Encode a template patch, 127 x 127 x 3 uint8 BGR, once a target."""
        levels = self.network.template_levels(self._input(patch))
        features = self.network.template_signature(levels).float().cpu().numpy()
        return Template(self.network.encode_template(levels),
                        features / max(np.linalg.norm(features), SMALLEST_NORM))

    @torch.inference_mode()
    def search(self, patch: np.ndarray, template: Template,
               meanwhile: Callable[[], object] = lambda: None) -> Maps:
        """Locate a template in a search patch, S x S x 3 uint8 BGR (S = 255, 271, ...).

        Args:
            meanwhile: is called once; on a GPU, while that searches.
        """
        levels = self.network.levels(self._input(patch))
        logits, distances = self.network.head(
            *self.network.correlation(levels, template.kernels))
        meanwhile()
        return Maps(
            logits[0, 0].float().sigmoid().cpu().numpy(), distances[0].float().cpu().numpy(),
            torch.cat(self.network.grid_features(levels), 1))

    def prepare(self, sizes: Iterable[int], template: Template) -> bool:
        """Begin to make ready, in another thread, what :meth:`search` needs for some patches.

        A search that comes before that is done waits for it.

        Args:
            sizes: sides of the patches, pixels.
            template: of a target.

        Returns:
            False if this engine cannot: the first search of each size prepares what it needs.
        """
        return False

    def search_many(self, searches: Iterable[tuple[Patch, Template]]) -> Iterator[Maps]:
        """The answers of :meth:`search` on patches with a template each, in their order.

        On a GPU, patches of one size go through the network together.
        """
        if self.device.type == 'cpu':
            return (self.search(patch, template) for patch, template in searches)
        return self._in_batches(list(searches))

    def prepare_many(self, sizes: Iterable[int], template: Template,
                     encoded: dict[str, torch.Tensor] | None) -> bool:
        """Begin to prepare :meth:`search_many` and :meth:`scores_of_many` in another thread.

        Until that is done they go on one by one.

        Args:
            sizes: sides of the search patches, pixels.
            template, encoded: of one of the targets, of :meth:`embed` and :meth:`encode_search`.

        Returns:
            False if this engine cannot: the first call of each prepares what it needs.
        """
        return False

    @torch.inference_mode()
    def search_batch(self, patches: Sequence[np.ndarray],
                     templates: Sequence[Template], room: int = 0) -> list[Maps]:
        """The answers on patches of one size, from one batch.

        Args:
            room: how many there may be at other times.
        """
        levels = self.network.levels(torch.cat([self._input(patch) for patch in patches]))
        logits, distances = self.network.head(
            *self.network.correlation(levels, stacked_kernels(templates)))
        features = torch.cat(self.network.grid_features(levels), 1)
        scores = logits[:, 0].float().sigmoid().cpu().numpy()
        return [Maps(*answer) for answer in zip(
            scores, distances.float().cpu().numpy(), features.split(1))]

    def _in_batches(self, searches: list[tuple[Patch, Template]]) -> Iterator[Maps]:
        answers: list[Maps | None] = [None] * len(searches)
        for size in sorted({len(patch) for patch, _ in searches}):
            places = [index for index, (patch, _) in enumerate(searches) if len(patch) == size]
            patches, templates = zip(*(searches[index] for index in places))
            for index, maps in zip(places, self.search_batch(
                    patches, templates, len(searches))):
                answers[index] = maps
        return iter(answers)

    @torch.inference_mode()
    def encode_search(self, patch: np.ndarray) -> dict[str, torch.Tensor]:
        """What of a search patch, S x S x 3 uint8 BGR, is compared with templates."""
        return self.network.correlation.encode_search(self.network.levels(self._input(patch)))

    @torch.inference_mode()
    def scores_of(self, patch: np.ndarray, encoded: dict[str, torch.Tensor]) -> np.ndarray:
        """Where an encoded search patch shows what a template patch does.

        Args:
            patch: 127 x 127 x 3 uint8 BGR.
            encoded: of :meth:`encode_search`.

        Returns:
            n x n float32, sigmoid of the centre logits.
        """
        return self.network.scores_of(self._input(patch), encoded)[0, 0].cpu().numpy()

    def scores_of_many(self, searches: Sequence[tuple[np.ndarray, dict[str, torch.Tensor]]]
                       ) -> Iterator[np.ndarray]:
        """The answers of :meth:`scores_of`, each for another target, in their order."""
        return (self.scores_of(patch, encoded) for patch, encoded in searches)

    def describe(self, maps: Maps) -> np.ndarray:
        """Both levels of a searched patch as one array, C x n x n float32, not to be changed."""
        return _on_host(maps.features[0])

    def similarity(self, maps: Maps, cell: tuple[int, int], template: Template) -> float:
        """Cosine between the template's features and those around a score-map cell, -1 to 1."""
        rows, columns = (slice(index, index + TEMPLATE_CELLS) for index in cell)
        here = self.network.signature(_on_host(maps.features[0, :, rows, columns]))
        return float(here @ template.features) / max(math.sqrt(here @ here), SMALLEST_NORM)

    def _input(self, patch: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(patch).to(self.device).permute(2, 0, 1)[None]
        return tensor.to(self.dtype, memory_format=torch.channels_last)


def _on_host(features: torch.Tensor | np.ndarray) -> np.ndarray:
    return features if isinstance(features, np.ndarray) else features.float().cpu().numpy()


def stacked_kernels(templates: Sequence[Template]) -> dict[str, torch.Tensor]:
    """The kernels of several templates as a batch, by name."""
    return {name: torch.cat([template.kernels[name] for template in templates])
            for name in templates[0].kernels}
