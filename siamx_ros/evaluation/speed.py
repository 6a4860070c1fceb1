"""How long each stage of the tracker takes."""

from __future__ import annotations

from dataclasses import dataclass
import logging
import time
from typing import Callable

import numpy as np
import torch

from siamx_ros import imaging
from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.records import TrackState
from siamx_ros.synthetic import SyntheticClip, sequence
from siamx_ros.tracking import decode
from siamx_ros.tracking.from_weights import load_tracker
from siamx_ros.tracking.tracker import Tracker

LOGGER = logging.getLogger(__name__)
WARM_UP = 5
"""Calls before measuring: first calls allocate memory and choose kernels."""
STAGES = ('template', 'crop', 'search', 'decode', 'frame', 'frame while lost')
"""``template`` runs once per target; ``frame`` is a whole update in TRACKING of a steady target,
with the three before and what is learnt; ``frame while lost`` is one in LOST, with whatever the
adaptive scheme searches then."""
STATES = {'frame': TrackState.TRACKING, 'frame while lost': TrackState.LOST}
"""Stage -> the state that its updates are to be in."""


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
    """Time every stage on a generated picture with one target in its middle.

    A warning is logged where the tracker was not in the state that a stage promises.

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
    config = config.replace({'search_timeout': 0.0})  # or the lost target would be dropped
    tracker = load_tracker(model, config)
    states: dict[str, list[TrackState]] = {name: [] for name in STATES}
    try:
        calls = {**_stages(tracker, config, _clip(width, height)),
                 **_whole_frames(tracker, _clip(width, height), states)}
        with tracker.engine.image_context():
            timings = [_timing(name, calls[name], tracker.engine.device, repeats, each_call)
                       for name in STAGES]
    finally:
        tracker.close()
    _warn_of_other_states(states)
    return timings


def _clip(width: int, height: int) -> SyntheticClip:
    """One picture of a target that trained weights recognise."""
    return sequence(frames=1, image_size=(width, height),
                    target_size=(max(1, width // 8), max(1, height // 6)))


def _stages(tracker: Tracker, config: TrackerConfig,
            clip: SyntheticClip) -> dict[str, Callable[[], object]]:
    """Name of each part of an update -> a function that runs it once."""
    image, box = clip.image(0), clip.first_box
    geometry = tracker.engine.geometry
    window, around = geometry.search_window(box, config.steady_size), geometry.template_window(box)
    fill, crop, engine = imaging.mean_colour(image), imaging.CROPS[config.crop], tracker.engine
    patch = crop(image, window, fill)
    template_patch = crop(image, around, fill)
    template = engine.embed(template_patch)
    maps = engine.search(patch, template)

    def decoded() -> float:
        best = decode.choose(
            maps.scores, maps.distances, window, box, config, config.window_influence)
        return engine.similarity(maps, best.cell, template)

    return {
        'template': lambda: engine.embed(template_patch),
        'crop': lambda: crop(image, window, fill),
        'search': lambda: engine.search(patch, template), 'decode': decoded}


def _whole_frames(tracker: Tracker, clip: SyntheticClip,
                  states: dict[str, list[TrackState]]) -> dict[str, Callable[[], object]]:
    """``frame``, with the target where it was, and ``frame while lost``, on an empty picture.

    Each call adds the state that it ended in to ``states``.
    """
    image = clip.image(0)
    empty = np.full_like(image, 127)

    def frame() -> None:
        if not states['frame']:
            tracker.init(image, clip.first_box)
        states['frame'].append(tracker.update(image).state)

    def frame_while_lost() -> None:
        if not states['frame while lost']:
            tracker.init(image, clip.first_box)
        tracker.lose()
        states['frame while lost'].append(tracker.update(empty).state)
    return {'frame': frame, 'frame while lost': frame_while_lost}


def _warn_of_other_states(states: dict[str, list[TrackState]]) -> None:
    """Say where the measured updates were not what their stage promises."""
    for name, seen in states.items():
        others = [state.name for state in seen[WARM_UP:] if state != STATES[name]]
        if others:
            LOGGER.warning(
                '%r is not a whole update in %s: %d of %d measured ones ended in %s', name,
                STATES[name].name, len(others), len(seen) - WARM_UP, ', '.join(sorted({*others})))


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
