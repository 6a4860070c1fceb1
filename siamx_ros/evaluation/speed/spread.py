"""Median and spread of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Times of one thing, milliseconds, over ``count`` of them."""

    median: float
    lower_quartile: float
    upper_quartile: float
    p95: float
    mean: float
    count: int

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Spread:
        """Of at least one time."""
        quantiles = np.percentile(milliseconds, (50, 25, 75, 95))
        return cls(*(float(value) for value in quantiles), float(np.mean(milliseconds)),
                   len(milliseconds))

    @property
    def per_second(self) -> float:
        """How often a second, at the median."""
        return 1000 / self.median if self.median else float('inf')
