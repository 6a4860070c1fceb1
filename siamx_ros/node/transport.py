"""Images that were lost on the way to the node, and what helps. Imports no ROS."""

from __future__ import annotations

import os
from typing import Mapping, Sequence

import numpy as np

LARGE_BYTES = 500_000
"""Larger messages do not fit into the shared memory that Fast DDS takes by default."""
LEAST_IMAGES = 30
MAX_LOST = 0.1
"""A larger share of lost images is warned of."""
OFF_BEAT = 0.25
"""How far a gap may be from a whole number of intervals, intervals."""
REGULAR_SHARE = 0.7
"""Least share of gaps that are whole numbers of intervals, of a camera with an interval."""
MAX_GAP_S = 1.0
"""A longer gap between two stamps is a camera that paused."""
PROFILE = 'config/middleware/fastdds_large_images.xml'
PROFILE_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')


def lost_share(stamps: Sequence[float]) -> float:
    """Share of a camera's images that did not arrive, by the gaps between the stamps of the others.

    The shortest gaps tell the camera's interval. NaN where too few arrived to say, or where the
    gaps are no multiples of one interval, as of a camera that takes images now and then.
    """
    if len(stamps) < LEAST_IMAGES:
        return float('nan')
    gaps = np.diff(np.sort(stamps))
    gaps = gaps[(gaps > 0) & (gaps < MAX_GAP_S)]
    if len(gaps) < LEAST_IMAGES / 2:
        return float('nan')
    shortest = np.percentile(gaps, 10)
    intervals = gaps / np.median(gaps[(gaps >= shortest) & (gaps <= 1.5 * shortest)])
    if np.mean(np.abs(intervals - np.round(intervals)) <= OFF_BEAT) < REGULAR_SHARE:
        return float('nan')
    lost = float((np.round(intervals) - 1).sum())
    return lost / (lost + len(gaps))


def transport_problem(share: float, size_bytes: int, middleware: str,
                      environment: Mapping[str, str] = os.environ) -> str:
    """One sentence on lost images; empty where there are few.

    Args:
        share: as from :func:`lost_share`.
        size_bytes: of an image's data.
        middleware: identifier of the RMW implementation.
        environment: of the process.
    """
    if not share > MAX_LOST:
        return ''
    lost = f'about {share:.0%} of the images did not arrive, by the gaps between their stamps'
    if size_bytes < LARGE_BYTES or 'fastrtps' not in middleware:
        return lost
    if any(environment.get(name) for name in PROFILE_VARIABLES):
        return f'{lost}, in spite of a profile for Fast DDS: the machine may be too slow'
    return (f'{lost}: images of {size_bytes / 1e6:.1f} MB do not fit into the shared memory of '
            f'Fast DDS by default; give camera and tracker the profile {PROFILE} (docs/ros.md)')
