"""OpenVINO's requests that run side by side: one for each target and size of patch."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Executor, Future
from typing import Any, Callable

import torch

from siamx_ros.model import openvino_graph
from siamx_ros.model.compiled_engine import KEPT_SIZES

KEPT_REQUESTS = 32
"""Requests that are kept: of as many targets and sizes of patches."""


class Requests:
    """Inference requests by what their targets hold and the shape of what is shown."""

    def __init__(self) -> None:
        self._first: OrderedDict[tuple, Any] = OrderedDict()
        self._kept: OrderedDict[tuple, tuple[object, Any]] = OrderedDict()
        self._pending: dict[tuple, Future] = {}

    def prepare(self, shape: tuple[int, ...], held: dict[str, torch.Tensor],
                compiled: Callable[..., Any], thread: Executor) -> None:
        """Have a thread compile what :meth:`one_for` will take."""
        shapes = _shapes(shape, held)
        if shapes not in self._first and shapes not in self._pending:
            self._pending[shapes] = thread.submit(compiled, shape, held)

    @property
    def are_pending(self) -> bool:
        """Whether a thread still compiles."""
        return not all(pending.done() for pending in self._pending.values())

    def one_for(self, shape: tuple[int, ...], target: object, held: dict[str, torch.Tensor],
                compiled: Callable[..., Any], give: Callable[..., None]) -> Any:
        """The request for patches of this shape that holds what a target has.

        Args:
            target: whose it is; another object has something else.
            compiled: shape and what is held -> a request for a newly compiled search.
            give: puts what is held into a request.
        """
        shapes = _shapes(shape, held)
        key = shapes, id(target)
        if key not in self._kept:
            if len(self._kept) >= KEPT_REQUESTS:
                self._kept.popitem(last=False)
            if shapes not in self._first:
                if len(self._first) >= KEPT_SIZES:
                    self._first.popitem(last=False)
                pending = self._pending.pop(shapes, None)
                self._first[shapes] = pending.result() if pending else compiled(shape, held)
            request = openvino_graph.another(self._first[shapes])
            give(request, held)
            self._kept[key] = target, request  # the target: its id is not given anew meanwhile
        self._kept.move_to_end(key)
        return self._kept[key][1]


def _shapes(shape: tuple[int, ...], held: dict[str, torch.Tensor]) -> tuple:
    return shape, *(each.shape for each in held.values())
