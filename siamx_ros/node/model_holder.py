"""The model and the active part that works with it: at most one at a time, whatever fails."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
import sys
from typing import Any, Callable

from siamx_ros.errors import InputError
from siamx_ros.node.pipeline import Pipeline
from siamx_ros.node_config import NodeConfig

WORKER_PATIENCE_S = 3.0
"""How long an inference may take to end when the node stops."""
Factory = Callable[[NodeConfig], Any]


def default_factory(config: NodeConfig) -> Any:
    """The real tracker, with the weights and device of the parameters, warmed up.

    Raises:
        InputError: the weights or the device cannot be used.
        RuntimeError: the device has no memory left.
        ImportError, OSError: torch is not installed, or broken.
    """
    import numpy as np

    from siamx_ros.geometry import BoundingBox
    from siamx_ros.tracking.from_weights import load_tracker
    tracker = load_tracker(config.model, config.tracking)
    picture = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    tracker.init(picture, BoundingBox(96, 96, 64, 64))
    tracker.update(picture)
    tracker.reset()
    return tracker


def describe_error(error: Exception) -> str:
    """A sentence meant for the user as it is; anything else with its type."""
    return str(error) if isinstance(error, InputError) else f'{type(error).__name__}: {error}'


class ModelHolder:
    """Keeps the tracker from configuration to cleanup, its active part while the node is active.

    What fails while something ends is logged: a node must end in spite of it.

    Args:
        factory: makes the tracker from the settings, in a thread of its own.

    Attributes:
        tracker: None while unconfigured.
        pipeline: None while inactive.
    """

    def __init__(self, log: Any, factory: Factory) -> None:
        self._log, self._factory = log, factory
        self._loader = ThreadPoolExecutor(1, 'siamx_loader')
        self._loading: Future | None = None
        self.tracker: Any = None
        self.pipeline: Pipeline | None = None
        self._hung: Pipeline | None = None

    @property
    def is_loading(self) -> bool:
        """Whether a model is being loaded, or loaded and not taken yet."""
        return self._loading is not None

    def load(self, settings: NodeConfig) -> Future:
        """Begin to load a model, to be taken by :meth:`take`; the future ends when it is there."""
        self._loading = self._loader.submit(self._factory, settings)
        return self._loading

    def take(self, settings: NodeConfig) -> None:
        """Take the model that was loaded, or load it now.

        Raises:
            Exception: whatever the factory raised.
        """
        loading, self._loading = self._loading or self.load(settings), None
        self.tracker = loading.result()

    def end(self) -> bool:
        """Stop the active part; False if its worker hangs and is left alone."""
        pipeline, self.pipeline = self.pipeline, None
        if pipeline is None:
            return True
        if pipeline.close(WORKER_PATIENCE_S):
            self._attempt('the target could not be dropped', self.tracker.reset)
            return True
        pipeline.mute()
        self._hung = pipeline
        self._log.error(
            f'an inference did not end within {WORKER_PATIENCE_S:g} s and is left alone')
        return False

    def is_at_rest(self) -> bool:
        """Whether neither a model is being loaded nor an inference of what ended going on."""
        if self._loading is not None and not self._loading.done():
            return False
        if self._hung is None:
            return True
        if not self._hung.close(0.0):
            self._log.error('an inference that hung has not ended yet')
            return False
        self._hung = None
        self._attempt('the target could not be dropped', self.tracker.reset)
        return True

    def free(self) -> None:
        """Free the model's memory, also of one that nobody took."""
        loading, self._loading = self._loading, None
        if loading is not None and loading.exception() is None:
            self.tracker = loading.result()
        tracker, self.tracker = self.tracker, None
        if tracker is not None:
            self._attempt('the model could not be closed', tracker.close)
            self._attempt('the memory of the GPU could not be freed', _empty_cache)

    def _attempt(self, failed: str, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:  # noqa: B902 - see the class
            self._log.error(f'{failed}: {describe_error(error)}')


def _empty_cache() -> None:
    torch = sys.modules.get('torch')
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
