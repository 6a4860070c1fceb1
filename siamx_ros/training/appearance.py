"""How training patches look beside their pictures: colour, blur, resolution, compression, noise."""

from __future__ import annotations

from functools import partial
from typing import Callable

import numpy as np

from siamx_ros.training import augment
from siamx_ros.training.train_config import AugmentConfig

Changes = tuple[Callable[[np.ndarray], np.ndarray], ...]
"""What is done to a patch, one after the other."""
LARGEST_DOWNSCALE = 7.0
"""Largest loss of resolution of a patch."""
QUALITIES = (15, 75)
"""JPEG qualities of a compressed patch."""


def appearances(zoom: float, rng: np.random.Generator,
                config: AugmentConfig) -> tuple[Changes, Changes]:
    """Colour, blur, resolution, compression and noise; those of the camera hit both patches alike.

    Args:
        zoom: search-patch pixels per template pixel. The more a patch magnifies, the more a
            camera of low resolution shows in it.
    """
    downscale, quality = (1.0, 1.0), 0
    if rng.random() < config.downscale:
        factor = float(np.exp(rng.uniform(0, np.log(LARGEST_DOWNSCALE))))
        other = float(np.clip(factor * zoom * rng.uniform(0.85, 1.2), 1, LARGEST_DOWNSCALE))
        downscale = factor, other
    if config.compression and rng.random() < config.compression:
        quality = int(rng.integers(*QUALITIES))
    grey = bool(rng.random() < config.grey)
    first, second = (_changes(factor, quality, grey, rng, config) for factor in downscale)
    return first, second


def _changes(downscale: float, quality: int, grey: bool, rng: np.random.Generator,
             config: AugmentConfig) -> Changes:
    changes, strength = [], config.colour
    if downscale != 1 or quality:
        changes.append(partial(augment.downscaled, factor=downscale, quality=quality))
    if grey:
        changes.append(partial(augment.blend_grey, saturation=0.0))
    changes.append(partial(
        augment.recolour, gamma=float(np.exp(rng.uniform(-strength, strength))),
        contrast=1 + rng.uniform(-strength, strength),
        brightness=rng.uniform(-strength, strength) * 0.5,
        tints=tuple((1 + rng.uniform(-strength, strength, 3) * 0.3).tolist()),
        saturation=1 + rng.uniform(-2 * strength, strength)))
    if rng.random() < config.blur:
        defocus = rng.random() < 0.5
        changes.append(partial(augment.blur, how=(rng.uniform(0.5, 2.5),) if defocus else (
            float(rng.integers(3, 16)), rng.uniform(0, np.pi))))
    if rng.random() < config.noise:
        changes.append(partial(augment.add_noise, deviation=rng.uniform(2, 12),
                               seed=int(rng.integers(2 ** 31))))
    return tuple(changes)
