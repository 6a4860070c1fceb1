"""How bright the building is, over time."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np


@dataclass(frozen=True)
class Lighting:
    """Slow changes of daylight, and lamps that go off for a while.

    Attributes:
        waves: (amplitude, period in s, phase) of each part of the slow change.
        dim: (begin, end, factor) while lamps are off.
        warmth: of the light, above 1 is redder.
    """

    waves: tuple[tuple[float, float, float], ...]
    dim: tuple[float, float, float]
    warmth: float

    def gains(self, now_s: float) -> np.ndarray:
        """Factors on blue, green, red at a time."""
        level = 1.0 + sum(a * math.sin(math.tau * now_s / p + q) for a, p, q in self.waves)
        begin, end, factor = self.dim
        off = min(1.0, max(0.0, (now_s - begin) / 0.2)) - min(1.0, max(0.0, (now_s - end) / 0.2))
        level *= 1.0 - off * (1.0 - factor)
        return level * np.array([1 / self.warmth, 1.0, self.warmth])


def build_lighting(rng: np.random.Generator, duration_s: float) -> Lighting:
    """The light of an episode; the lamps go off once."""
    waves = tuple((float(rng.uniform(0.03, 0.1)), float(rng.uniform(6, 25)),
                   float(rng.uniform(0, math.tau))) for _ in range(3))
    begin = float(rng.uniform(0.2, 0.8) * duration_s)
    dim = (begin, begin + float(rng.uniform(4, 9)), float(rng.uniform(0.6, 0.8)))
    return Lighting(waves, dim, float(rng.uniform(0.96, 1.06)))
