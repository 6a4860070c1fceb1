"""Pairs without jitter of pixels, and a target to make them of."""

import numpy as np

from siamx_ros.geometry import BoundingBox
from siamx_ros.training.samples import Target

CALM = {f'augment.{name}': 0.0 for name in (
    'colour', 'grey', 'blur', 'downscale', 'noise', 'occluder', 'distractor', 'negative',
    'backdrop', 'hard_negative')}


def red_box(patch):
    """Corners of the red pixels of a patch."""
    red = (patch[..., 2] > 120) & (patch[..., 1] < 100) & (patch[..., 0] < 100)
    ys, xs = np.nonzero(red)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])


TARGET = Target(lambda: None, BoundingBox(100, 80, 60, 40))
