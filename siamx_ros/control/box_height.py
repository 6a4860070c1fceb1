"""How tall what is boxed is: learnt where its range is measured, for where it is not."""

from __future__ import annotations

from collections import deque
import math
from typing import NamedTuple

import numpy as np

LEARNT_ERROR = 0.1
"""Least deviation of a learnt height, as a share of it: arms are raised, knees bent."""
LEAST_SAMPLES = 5
SAMPLES = 90
MAD_TO_SIGMA = 1.4826


class Height(NamedTuple):
    """Height in metres and its deviation as a share of it; NaN where it is not known."""

    metres: float
    error: float

    @property
    def known(self) -> bool:
        """Whether it can be used."""
        return self.metres > 0


UNKNOWN_HEIGHT = Height(math.nan, math.nan)


class BoxHeight:
    """Learns the height of one target's box, whatever part of the target that holds."""

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=SAMPLES)

    def learn(self, metres: float) -> None:
        """Take a measured height; what is not finite and positive is left out."""
        if math.isfinite(metres) and metres > 0:
            self._samples.append(metres)

    def clear(self) -> None:
        """Forget the target."""
        self._samples.clear()

    @property
    def height(self) -> Height:
        """The median of the last samples, once there are enough."""
        if len(self._samples) < LEAST_SAMPLES:
            return UNKNOWN_HEIGHT
        samples = np.array(self._samples)
        middle = float(np.median(samples))
        scatter = MAD_TO_SIGMA * float(np.median(np.abs(samples - middle))) / middle
        return Height(middle, math.hypot(LEARNT_ERROR, scatter))
