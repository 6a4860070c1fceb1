"""How training patches look beside their pictures: colour, blur, resolution, compression, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from siamx_ros.training.train_config import AugmentConfig

LARGEST_DOWNSCALE = 7.0
"""Largest loss of resolution of a patch."""
QUALITIES = (15, 75)
"""JPEG qualities of a compressed patch."""


@dataclass(frozen=True)
class Appearance:
    """How a patch looks beside its picture.

    Attributes:
        downscale: factor by which resolution is lost; 1 for none.
        quality: JPEG quality, at that resolution; 0 without compression.
        grey: without colour.
        gamma, contrast, brightness, tints, saturation: see :func:`augment.recolour`.
        blur: (sigma,) of defocus, or (length, angle) of a straight motion; empty for none.
        noise: standard deviation of the noise, grey levels; 0 for none.
        noise_seed: seed of that noise.
    """

    downscale: float = 1.0
    quality: int = 0
    grey: bool = False
    gamma: float = 1.0
    contrast: float = 1.0
    brightness: float = 0.0
    tints: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0
    blur: tuple[float, ...] = ()
    noise: float = 0.0
    noise_seed: int = 0


def appearances(zoom: float, rng: np.random.Generator,
                config: AugmentConfig) -> tuple[Appearance, Appearance]:
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
    first, second = (_appearance(factor, quality, grey, rng, config) for factor in downscale)
    return first, second


def _appearance(downscale: float, quality: int, grey: bool, rng: np.random.Generator,
                config: AugmentConfig) -> Appearance:
    strength = config.colour
    gamma = float(np.exp(rng.uniform(-strength, strength)))
    contrast = 1 + rng.uniform(-strength, strength)
    brightness = rng.uniform(-strength, strength) * 0.5
    tints = tuple((1 + rng.uniform(-strength, strength, 3) * 0.3).tolist())
    saturation = 1 + rng.uniform(-2 * strength, strength)
    blur: tuple[float, ...] = ()
    if rng.random() < config.blur:
        defocus = rng.random() < 0.5
        blur = (rng.uniform(0.5, 2.5),) if defocus else (
            float(rng.integers(3, 16)), rng.uniform(0, np.pi))
    noise, seed = 0.0, 0
    if rng.random() < config.noise:
        noise, seed = rng.uniform(2, 12), int(rng.integers(2 ** 31))
    return Appearance(
        downscale, quality, grey, gamma, contrast, brightness, tints, saturation, blur, noise, seed)
