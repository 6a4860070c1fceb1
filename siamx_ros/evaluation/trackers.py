"""Which tracker to run, as plain values that travel between processes and into results."""

from __future__ import annotations

from dataclasses import dataclass, replace
import hashlib
from typing import Any

import cv2

from siamx_ros import __version__
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.evaluation.opencv_trackers import FACTORIES, OpenCvTracker
from siamx_ros.evaluation.runner import Tracker

ADAPTED = '-adapted'
KINDS = ('siamx', *FACTORIES, *(name + ADAPTED for name in FACTORIES))
"""Ours, OpenCV's, and OpenCV's with the adaptive scheme around them."""
RESERVED = ('official', 'plots', '.', '..')
"""Folders of a results folder that are no tracker's, and those around it."""


@dataclass(frozen=True)
class TrackerSpec:
    """A tracker that can be built anywhere.

    Attributes:
        name: heading in tables and name of its results folder.
        model, config: settings of kind 'siamx'; the adapted ones use ``config``, too.

    Raises:
        InputError: an unknown kind, or a scheme that cannot be put around it.
    """

    name: str
    kind: str
    model: ModelConfig = ModelConfig()
    config: TrackerConfig = TrackerConfig()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f'unknown tracker {self.kind!r}; known: {", ".join(KINDS)}')
        if self.kind.endswith(ADAPTED) and self.config.scheme.searches_whole:
            raise InputError(f'the scheme {self.config.adaptive!r} cannot be put around another '
                             f'tracker, as in {self.kind}: it would have to search the whole image')

    def build(self) -> Tracker:
        """Make the tracker.

        Raises:
            InputError: its weights, device or library are not there.
        """
        if self.kind.endswith(ADAPTED):
            from siamx_ros.evaluation.adapted import AdaptedTracker
            return AdaptedTracker(OpenCvTracker(self.kind.removesuffix(ADAPTED)), self.config)
        if self.kind != 'siamx':
            return OpenCvTracker(self.kind)
        from siamx_ros.tracking.from_weights import load_tracker
        return load_tracker(self.model, self.config)

    def on_device(self, device: str) -> TrackerSpec:
        """The same tracker on one of several GPUs; unchanged on the CPU or a chosen GPU.

        Args:
            device: 'cuda:N', or '' for no change.
        """
        if not device or self.model.device not in ('auto', 'cuda'):
            return self
        return replace(self, model=self.model.replace({'device': device}))

    def fingerprint(self) -> dict[str, Any]:
        """Everything that decides the results, as plain values.

        Raises:
            InputError: the weights, the device or the runtime are not there.
        """
        common = {'name': self.name, 'kind': self.kind, 'siamx_ros': __version__,
                  'opencv': cv2.__version__}
        if self.kind.endswith(ADAPTED):
            return {**common, 'tracking': self.config.to_dict()}
        if self.kind != 'siamx':
            return common
        return {**common, 'weights_sha256': weights_sha256(self.model.weights),
                **_computed_by(self.model), 'tracking': self.config.to_dict()}


def _computed_by(model: ModelConfig) -> dict[str, str]:
    """Device type, runtime and number format that settings such as 'auto' mean on this machine.

    With the versions of the libraries that compute.
    """
    from siamx_ros.model.runtime import make_engine
    from siamx_ros.model.weights import load_checkpoint
    checkpoint = load_checkpoint(model.weights)
    engine = make_engine(checkpoint.network, model, checkpoint.ranges)
    return {'device': engine.device.type, 'runtime': engine.runtime,
            'precision': engine.precision, **engine.versions()}


def weights_sha256(weights: str) -> str:
    """Checksum of a checkpoint file; 'random' for untrained weights.

    Raises:
        InputError: there is no such file.
    """
    if weights == 'random':
        return weights
    from siamx_ros.model.weights import find_weights
    return hashlib.sha256(find_weights(weights).read_bytes()).hexdigest()


def variants(kinds: list[str], schemes: list[str], model: ModelConfig,
             config: TrackerConfig) -> list[TrackerSpec]:
    """One tracker per kind, and of those that take an adaptive scheme one per scheme.

    Args:
        schemes: adaptive schemes; with several, each names its tracker ('siamx-off').

    Raises:
        InputError: an unknown kind or scheme, or one that is named twice.
    """
    specs = []
    for kind in kinds:
        if kind in FACTORIES:
            specs.append(TrackerSpec(kind, kind))
            continue
        for scheme in schemes:
            name = f'{kind}-{scheme}' if len(schemes) > 1 else kind
            specs.append(TrackerSpec(name, kind, model, config.replace({'adaptive': scheme})))
    return check_names(specs)


def check_names(specs: list[TrackerSpec]) -> list[TrackerSpec]:
    """The same trackers, if there is one, no two share a name and none has one of ``RESERVED``.

    Raises:
        InputError: otherwise.
    """
    names = [spec.name for spec in specs]
    if not names or len(set(names)) < len(names):
        raise InputError(f'name one or more different trackers, got {", ".join(names) or "none"}')
    reserved = [name for name in names if name in RESERVED]
    if reserved:
        raise InputError(f'a tracker cannot be named {reserved[0]!r}: its folder of results would '
                         'be one that holds other files')
    return specs
