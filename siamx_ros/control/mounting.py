"""Where the camera sits on the base: from the camera's bearing and range to the base's."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np

OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
"""Optical axes (x right, y down, z forward) in those of a body (x forward, y left, z up)."""
STEP_S = 0.01
"""Time over which a rate is carried from one frame to the other, seconds."""


@dataclass(frozen=True)
class Mounting:
    """Pose of the camera's optical frame in the base frame.

    Attributes:
        rotation: 3 x 3, from optical axes to those of the base.
        translation: of the camera in the base frame, metres.
        unknown: why the pose is not known, for people; empty if it is.
    """

    rotation: np.ndarray
    translation: np.ndarray
    unknown: str = ''

    @classmethod
    def missing(cls, why: str) -> Mounting:
        """One that is not known: nor is any direction or range that is carried over by it."""
        return cls(np.full((3, 3), math.nan), np.full(3, math.nan), why)

    @classmethod
    def from_quaternion(cls, translation: tuple[float, float, float],
                        quaternion: tuple[float, float, float, float]) -> Mounting:
        """From a transform: translation in metres, quaternion as x, y, z, w of any length > 0."""
        x, y, z, w = np.asarray(quaternion, float) / math.hypot(*quaternion)
        rotation = np.array([
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]])
        return cls(rotation, np.asarray(translation, float))

    def seen(self, bearing: float, elevation: float, distance: float) -> tuple[float, float]:
        """Bearing and range in the plane of the base, radians and metres.

        Without a range (NaN) the bearing is that of a target far away; NaN for both where the
        direction is not known.
        """
        ray = self.rotation @ direction(bearing, elevation)
        if not math.isfinite(distance):
            return math.atan2(ray[1], ray[0]), math.nan
        x, y, _ = self.translation + distance * ray
        return math.atan2(y, x), math.hypot(x, y)

    def rate(self, bearing: float, elevation: float, bearing_rate: float) -> float:
        """The rate of the bearing in the frame of the base, rad/s; NaN where it is not known."""
        now, _ = self.seen(bearing, elevation, math.nan)
        then, _ = self.seen(bearing + STEP_S * bearing_rate, elevation, math.nan)
        return math.remainder(then - now, 2 * math.pi) / STEP_S


ON_BASE = Mounting(OPTICAL, np.zeros(3))
"""A camera that counts as the base: level, looking forwards, where the base is."""


def direction(bearing: float, elevation: float) -> np.ndarray:
    """Unit vector in optical axes of a bearing (positive left) and elevation (positive up)."""
    level = math.cos(elevation)
    return np.array([-math.sin(bearing) * level, -math.sin(elevation), math.cos(bearing) * level])
