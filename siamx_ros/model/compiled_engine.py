"""Engines whose search is compiled, once a size of patch; templates are encoded by torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass, field
import hashlib
from typing import Any, Callable, Iterator
import weakref

import numpy as np
import torch

from siamx_ros.model.inference import Engine, Template
from siamx_ros.model.network import SiameseNet

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


class CompiledEngine(Engine, ABC):
    """An :class:`Engine` that has a compiled search for each size of patch.

    The target's correlation kernels go into it as inputs, and stay there from one image to the
    next: to hand over all of them again takes half a millisecond.

    Args:
        network: in eval mode; it is copied, not changed.
        device, precision: of torch, which encodes the templates.
    """

    def __init__(self, network: SiameseNet, device: str = 'cpu', precision: str = 'fp32') -> None:
        super().__init__(network, device, precision)
        self._threads = torch.get_num_threads()
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._held: dict[tuple[int, ...], Template] = {}

    @contextmanager
    def image_context(self) -> Iterator[None]:
        """One thread for torch: idle ones spin, and take the cores away from the runtime's."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    @abstractmethod
    def _compile(self, patch: np.ndarray, kernels: dict[str, torch.Tensor]) -> Any:
        """A search for inputs of these shapes and types: patch 1 x S x S x 3, kernels by name."""

    @abstractmethod
    def _give(self, search: Any, kernels: dict[str, torch.Tensor]) -> None:
        """Put a target's kernels into a compiled search."""

    def _search_for(self, patch: np.ndarray, template: Template) -> Any:
        """The search for patches of this size that holds this template."""
        shape = patch.shape
        if self._held.get(shape) is not template:
            if shape not in self._compiled:
                self._make_room()
                self._compiled[shape] = self._compile(patch, template.kernels)
            self._give(self._compiled[shape], template.kernels)
            self._held[shape] = template
        self._compiled.move_to_end(shape)
        return self._compiled[shape]

    def _make_room(self) -> None:
        """Forget the size that was not searched for the longest time, if there are many."""
        if len(self._compiled) >= KEPT_SIZES:
            shape, _ = self._compiled.popitem(last=False)
            self._held.pop(shape)
