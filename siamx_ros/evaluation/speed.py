"""How long each stage of the tracker takes."""

from __future__ import annotations

from dataclasses import dataclass
import time
from typing import Callable

import numpy as np
import torch

from siamx_ros import imaging
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow, context_side
from siamx_ros.model.network import TEMPLATE_SIZE
from siamx_ros.tracking import decode
from siamx_ros.tracking.tracker import Tracker, load_tracker

WARM_UP = 5
"""Calls before measuring: first calls allocate memory and choose kernels."""
STAGES = ('template', 'crop', 'search', 'decode', 'frame', 'frame while lost')
"""``template`` runs once per target; ``frame`` is a whole update in TRACKING, with the three
before; ``frame while lost`` is one in LOST, with whatever the adaptive scheme searches then."""


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one stage over several calls."""

    stage: str
    median: float
    p95: float

    @property
    def per_second(self) -> float:
        """Calls per second at the median."""
        return 1000 / self.median


def measure(model: ModelConfig, config: TrackerConfig, width: int, height: int, repeats: int,
            each_call: Callable[[], object] = lambda: None) -> list[Timing]:
    """Time every stage on a picture of noise with one target in its middle.

    Args:
        model: which weights run where.
        config: how the tracker is set.
        width, height: of the picture, pixels.
        repeats: calls of each stage.
        each_call: called after every measured call, for a progress bar.

    Returns:
        One timing per entry of :data:`STAGES`, in that order.

    Raises:
        InputError: the weights or the device cannot be used.
    """
    tracker = load_tracker(model, config)
    try:
        calls = _stages(tracker, config, width, height)
        with tracker.engine.image_context():
            return [_timing(name, calls[name], tracker.engine.device, repeats, each_call)
                    for name in STAGES]
    finally:
        tracker.close()


def _stages(tracker: Tracker, config: TrackerConfig, width: int,
            height: int) -> dict[str, Callable[[], object]]:
    """Name of each stage -> a function that runs it once."""
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    box = BoundingBox.from_centre(width / 2, height / 2, width / 8, height / 6)
    side = context_side(box.w, box.h)
    window = CropWindow(*box.centre, side * config.search_size / TEMPLATE_SIZE, config.search_size)
    fill, crop, engine = imaging.mean_colour(image), imaging.CROPS[config.crop], tracker.engine
    patch = crop(image, window, fill)
    around = CropWindow(*box.centre, side, TEMPLATE_SIZE)
    template_patch, inside = crop(image, around, fill), around.to_patch(box).corners
    template = engine.embed(template_patch, inside)
    maps = engine.search(patch, template)

    def decoded() -> float:
        best = decode.choose(
            maps.scores, maps.distances, window, box, config, config.window_influence)
        return engine.similarity(maps, best.cell, template)

    return {
        'template': lambda: engine.embed(template_patch, inside),
        'crop': lambda: crop(image, window, fill),
        'search': lambda: engine.search(patch, template), 'decode': decoded,
        **_whole_frames(tracker, config, image, box)}


def _whole_frames(tracker: Tracker, config: TrackerConfig, image: np.ndarray,
                  box: BoundingBox) -> dict[str, Callable[[], object]]:
    """``frame``, with the target where it was, and ``frame while lost``, on an empty picture."""
    empty = np.full_like(image, 127)
    off = config.replace({'adaptive': 'off'})

    def seen() -> None:
        tracker.update(image)

    def lost() -> None:
        tracker.lose()
        tracker.update(empty)

    def start(settings: TrackerConfig, update: Callable[[], None]) -> Callable[[], None]:
        started = []

        def call() -> None:
            if not started:
                tracker.configure(settings)
                tracker.init(image, box)
                started.append(True)
            update()
        return call
    return {'frame': start(off, seen), 'frame while lost': start(config, lost)}


def _timing(stage: str, call: Callable[[], object], device: torch.device, repeats: int,
            each_call: Callable[[], object]) -> Timing:
    milliseconds = []
    with torch.inference_mode():
        for index in range(WARM_UP + repeats):
            before = time.perf_counter()
            call()
            if device.type == 'cuda':
                torch.cuda.synchronize(device)
            if index >= WARM_UP:
                milliseconds.append((time.perf_counter() - before) * 1e3)
                each_call()
    return Timing(stage, float(np.median(milliseconds)), float(np.percentile(milliseconds, 95)))
