"""Trackers that are timed beside ours: OpenCV's, and any that a file adapts."""

from __future__ import annotations

from dataclasses import dataclass
import importlib.util
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.evaluation.opencv_trackers import FACTORIES
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.geometry import BoundingBox


OURS = 'siamx'
"""The name of our tracker."""


@dataclass(frozen=True)
class AdapterSpec:
    """A tracker that a Python file adapts.

    Attributes:
        path: of a file with ``make()`` or ``make(argument)``, which returns an object with
            ``init(image, (x, y, w, h))`` and ``update(image)``; images are H x W x 3 uint8 BGR.
        argument: for ``make``; empty for none.
    """

    path: Path
    argument: str = ''

    @property
    def name(self) -> str:
        """For tables."""
        return ':'.join(part for part in (self.path.stem, self.argument) if part)

    def build(self) -> AdaptedFile:
        """Run the file and make its tracker.

        Raises:
            InputError: there is no such file, or it has no ``make``.
        """
        if not self.path.is_file():
            raise InputError(f'--beside: there is no file {self.path}')
        spec = importlib.util.spec_from_file_location(f'siamx_beside_{self.path.stem}', self.path)
        if spec is None:
            raise InputError(f'--beside: {self.path} is no Python file')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if not callable(getattr(module, 'make', None)):
            raise InputError(f'--beside: {self.path} has no function make')
        return AdaptedFile(module.make(self.argument) if self.argument else module.make())


class AdaptedFile:
    """The tracker of an adapter behind our two verbs."""

    def __init__(self, tracker: Any) -> None:
        self._tracker = tracker

    def init(self, image: np.ndarray, box: BoundingBox) -> None:
        """Take the target."""
        self._tracker.init(image, box.xywh)

    def update(self, image: np.ndarray) -> Any:
        """What the tracker answers."""
        return self._tracker.update(image)


Spec = TrackerSpec | AdapterSpec
"""Says which tracker; travels to other processes."""


def read_specs(texts: Sequence[str]) -> tuple[Spec, ...]:
    """Trackers, each from ``csrt``, ``kcf``, ``FILE.py`` or ``FILE.py:ARGUMENT``.

    Raises:
        InputError: two have one name, or one that is kept for ours.
    """
    specs = tuple(_read_spec(text) for text in texts)
    names = [OURS, *(spec.name for spec in specs)]
    if len(set(names)) < len(names):
        raise InputError(f'--beside: trackers need different names, got {", ".join(names)}')
    return specs


def _read_spec(text: str) -> Spec:
    if text in FACTORIES:
        return TrackerSpec(text, text)
    path, mark, argument = text.partition('.py:')
    return AdapterSpec(Path(f'{path}.py'), argument) if mark else AdapterSpec(Path(text))
