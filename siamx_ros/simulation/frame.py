"""What a simulated camera is like, and one image of it with the truth."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np

from siamx_ros.geometry import BoundingBox
from siamx_ros.settings import Settings, setting

MASK_SHARE = 2
"""Pixels of the image per pixel of the mask, each way."""


@dataclass(frozen=True)
class CameraConfig(Settings):
    """The simulated camera."""

    width: int = setting(640, 'of the image', unit='px', low=64)
    height: int = setting(480, 'of the image', unit='px', low=48)
    hfov: float = setting(90.0, 'horizontal field of view', unit='deg', low=20.0, high=120.0)
    rate: float = setting(20.0, 'images per second', unit='Hz', low=1.0, high=100.0)
    delay: float = setting(0.06, 'from exposure to arrival', unit='s', low=0.0, high=2.0)
    forward: float = setting(0.1, 'before the middle of the base', unit='m', low=-1.0, high=1.0)
    mount_height: float = setting(0.75, 'above the floor', unit='m', low=0.05, high=2.5)
    pitch: float = setting(8.0, 'upwards', unit='deg', low=-45.0, high=45.0)
    exposure: float = setting(0.02, 'time, which blurs what moves', unit='s', low=0.0, high=0.1)
    noise: float = setting(3.0, 'deviation of a pixel, grey levels', low=0.0, high=50.0)
    depth_noise: float = setting(
        0.005, 'deviation of a depth, per square of it: of a stereo camera', unit='1/m', low=0.0,
        high=0.1)
    depth_max: float = setting(
        8.0, 'what is farther away has no depth', unit='m', low=0.5, high=10.0)
    jpeg_quality: int = setting(80, 'of the compression; 0 for none', low=0, high=100)

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return self.width / 2 / math.tan(math.radians(self.hfov) / 2)


@dataclass(frozen=True)
class CameraFrame:
    """One image and the truth about it.

    Attributes:
        stamp_s: simulated time of the exposure, seconds.
        image: H x W x 3 uint8 BGR.
        mask: H/2 x W/2 uint8, who is seen where: numbers in the world's list from 1 on.
        depth: H/2 x W/2 uint16 millimetres along the optical axis as a depth camera measures it,
            0 where it does not.
        visible_share: how much of the target is seen, 0 to about 1.
        bearing, range_m: of the target's middle from the base's at the exposure, rad and m; NaN
            where nobody says.
    """

    stamp_s: float
    image: np.ndarray
    mask: np.ndarray
    depth: np.ndarray
    visible_share: float
    bearing: float = math.nan
    range_m: float = math.nan

    def box_of(self, number: int = 1) -> BoundingBox | None:
        """The box of what is seen of a person, in pixels of the image; None if nothing is."""
        rows, columns = np.nonzero(self.mask == number)
        if not rows.size:
            return None
        x0, y0 = columns.min() * MASK_SHARE, rows.min() * MASK_SHARE
        return BoundingBox.from_corners(
            x0, y0, (columns.max() + 1) * MASK_SHARE, (rows.max() + 1) * MASK_SHARE)

    def shown_in(self, box: BoundingBox) -> int | None:
        """Whom the middle of a box shows most: a number, 0 for nobody, None outside the image."""
        cx, cy = (value / MASK_SHARE for value in box.centre)
        w, h = box.w / MASK_SHARE * 0.3, box.h / MASK_SHARE * 0.3
        inner = self.mask[max(0, int(cy - h)):max(0, math.ceil(cy + h)),
                          max(0, int(cx - w)):max(0, math.ceil(cx + w))]
        if not inner.size:
            return None
        counts = np.bincount(inner.ravel())
        counts[0] = 0
        return int(counts.argmax()) if counts.max() > 0.15 * inner.size else 0
