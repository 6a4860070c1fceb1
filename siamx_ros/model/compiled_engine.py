"""Engines whose search is compiled, once a size of patch; torch encodes what comes once a target.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
import hashlib
import operator
from typing import Any, Callable, ContextManager
import weakref

import torch

from siamx_ros.model.inference import Engine, Template
from siamx_ros.model.network import SiameseNet
from siamx_ros.model.torch_threads import TORCH_THREADS

KEPT_SIZES = 6
"""Sizes of patches whose compiled search is kept, tens of megabytes each."""


@dataclass(frozen=True)
class Source:
    """A network to compile, equal to another one that computes the same.

    Attributes:
        digest: of the architecture and all weights.
        network: gives it, as long as its engine lives.
    """

    digest: str
    network: Callable[[], SiameseNet] = field(compare=False)

    @classmethod
    def of(cls, network: SiameseNet) -> Source:
        """The source that a network is."""
        digest = hashlib.sha256(repr(network.config).encode())
        for name, tensor in network.state_dict().items():
            digest.update(name.encode() + tensor.numpy().tobytes())
        return cls(digest.hexdigest(), weakref.ref(network))


class KeptSearches:
    """Compiled searches, those used last; each holds the kernels that it was given.

    To hand over all kernels again for each image takes half a millisecond.

    Args:
        give: puts kernels, by name, into a search.

    Attributes:
        held: shapes of what a search takes in -> the search, and the targets whose kernels are in
            it.
    """

    def __init__(self, give: Callable[[Any, dict[str, torch.Tensor]], None]) -> None:
        self._give = give
        self.held: OrderedDict[tuple, tuple[Any, tuple]] = OrderedDict()
        self._coming: dict[tuple, Future] = {}

    def prepare(self, shapes: tuple, compiled: Callable[[], Any], thread: Executor) -> None:
        """Have a thread compile the search that :meth:`holding` will take for these shapes."""
        if shapes not in self.held and shapes not in self._coming:
            self._coming[shapes] = thread.submit(compiled)

    def holding(self, targets: tuple, kernels: Callable[[], dict[str, torch.Tensor]],
                shapes: tuple, compiled: Callable[[dict[str, torch.Tensor]], Any]) -> Any:
        """The search for inputs of these shapes, with the kernels of some targets in it.

        Args:
            targets: whose kernels they are; other objects have others.
            kernels: gives them.
            compiled: kernels -> a new search.
        """
        if shapes not in self.held:
            if len(self.held) >= KEPT_SIZES:
                self.held.popitem(last=False)
            coming = self._coming.pop(shapes, None)
            self.held[shapes] = coming.result() if coming else compiled(kernels()), ()
        search, before = self.held[shapes]
        if len(before) != len(targets) or any(map(operator.is_not, before, targets)):
            self._give(search, kernels())
            self.held[shapes] = search, targets
        self.held.move_to_end(shapes)
        return search


class CompiledEngine(Engine, ABC):
    """An :class:`Engine` that has a compiled search for each size of patch.

    The target's correlation kernels go into it as inputs. A second search, for what a template
    patch shows, has the encoded search patch in their place.

    Args:
        network: in eval mode; it is copied, not changed.
        device, precision: of torch, which encodes templates and what is searched for templates.
    """

    def __init__(self, network: SiameseNet, device: str = 'cpu', precision: str = 'fp32') -> None:
        super().__init__(network, device, precision)
        self._threads = TORCH_THREADS.count()
        self._searches, self._backward = KeptSearches(self._give), KeptSearches(self._give)

    def image_context(self) -> ContextManager:
        """One thread for torch: idle ones spin, and take the cores away from the runtime's."""
        return TORCH_THREADS.single()

    @abstractmethod
    def _compile(self, shape: tuple[int, ...], kernels: dict[str, torch.Tensor]) -> Any:
        """A search for patches of this shape, B x S x S x 3, and kernels like these, by name."""

    @abstractmethod
    def _compile_scores(self, encoded: dict[str, torch.Tensor]) -> Any:
        """The same for :meth:`scores_of`: for a template patch, and what is encoded by name."""

    @staticmethod
    @abstractmethod
    def _give(search: Any, kernels: dict[str, torch.Tensor]) -> None:
        """Put a target's kernels into a compiled search."""

    def _search_for(self, shape: tuple[int, ...], template: Template) -> Any:
        """The search for patches of this shape, B x S x S x 3, that holds this template."""
        return self._searches.holding((template,), lambda: template.kernels, shape,
                                      lambda kernels: self._compile(shape, kernels))

    def _scores_for(self, encoded: dict[str, torch.Tensor]) -> Any:
        """What gives the scores of template patches, with this encoded search patch in it."""
        shapes = tuple(features.shape for features in encoded.values())
        return self._backward.holding((encoded,), lambda: encoded, shapes, self._compile_scores)
