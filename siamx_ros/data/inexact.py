"""Sequences that start from a box that is a little off, as a hand or a detector gives it.

One pass over a sequence hangs on small causes, such as which of two people who cross is followed.
The mean over several first boxes hangs on them less.
"""

from __future__ import annotations

from dataclasses import replace
import os

import numpy as np

from siamx_ros.data.sequence import Sequence

DEVIATION = 0.02
"""Standard deviation of place (in sizes) and size (natural logarithm) of a first box."""


def with_inexact_starts(sequences: list[Sequence], count: int) -> list[Sequence]:
    """Each sequence ``count`` times, named ``name~1`` and so on, its first box displaced.

    The displacement depends on name and number alone. All other boxes stay; the first one is not
    scored.
    """
    return [_displaced(sequence, number) for sequence in sequences
            for number in range(1, count + 1)]


def _displaced(sequence: Sequence, number: int) -> Sequence:
    rng = np.random.default_rng((number, *os.fsencode(sequence.name)))
    start = int(np.argmax(sequence.visible))
    boxes = sequence.boxes_xywh.copy()
    x, y, w, h = boxes[start]
    centre = (x + w / 2, y + h / 2) + rng.normal(0, DEVIATION, 2) * (w, h)
    size = np.array([w, h]) * np.exp(rng.normal(0, DEVIATION))
    boxes[start] = *(centre - size / 2), *size
    return replace(sequence, name=f'{sequence.name}~{number}', boxes_xywh=boxes)
