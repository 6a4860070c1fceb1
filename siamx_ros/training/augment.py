"""Jitter of one training patch: where it is cut, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from siamx_ros import imaging
from siamx_ros.geometry import BoundingBox


@dataclass(frozen=True)
class Placement:
    """An affine cut: the patch shows the target's centre at S / 2 + shift.

    Attributes:
        step_x, step_y: image pixels per patch pixel; a negative step_x mirrors.
        angle: rotation of the patch axes in the image, radians.
        shift_x, shift_y: target centre relative to the patch centre, patch pixels.
    """

    step_x: float
    step_y: float
    angle: float
    shift_x: float
    shift_y: float

    def matrix(self, target: BoundingBox, side: int) -> np.ndarray:
        """2 x 3 map from patch indices to image indices."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        linear = np.array([
            [cos * self.step_x, -sin * self.step_y],
            [sin * self.step_x, cos * self.step_y]])
        anchor = np.array([side / 2 + self.shift_x, side / 2 + self.shift_y])
        offset = np.array(target.centre) - linear @ (anchor - 0.5) - 0.5
        return np.column_stack([linear, offset])

    def box(self, target: BoundingBox, side: int) -> np.ndarray:
        """Corners (x0, y0, x1, y1) in the patch of the ellipse inscribed in the target's box."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        half_x = math.hypot(target.w / 2 * cos, target.h / 2 * sin) / abs(self.step_x)
        half_y = math.hypot(target.w / 2 * sin, target.h / 2 * cos) / abs(self.step_y)
        x, y = side / 2 + self.shift_x, side / 2 + self.shift_y
        return np.array([x - half_x, y - half_y, x + half_x, y + half_y], np.float32)


def cut(image: np.ndarray, target: BoundingBox, place: Placement, side: int,
        backdrop: np.ndarray | None = None) -> np.ndarray:
    """Resample the patch side x side x 3 of a placement.

    Outside the image lies its mean colour, or the backdrop (side x side x 3) where one is given.
    """
    return imaging.warp(
        image, place.matrix(target, side), side, imaging.mean_colour(image), backdrop)


def recolour(patch: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Random brightness, contrast, gamma, tint and saturation of a BGR patch."""
    ramp = np.linspace(0, 1, 256)
    gamma = math.exp(rng.uniform(-strength, strength))
    contrast = 1 + rng.uniform(-strength, strength)
    brightness = rng.uniform(-strength, strength) * 0.5
    tables = []
    for tint in 1 + rng.uniform(-strength, strength, 3) * 0.3:
        curve = ((ramp ** gamma - 0.5) * contrast + 0.5 + brightness) * tint
        tables.append(np.clip(curve * 255, 0, 255))
    patch = cv2.LUT(patch, np.stack(tables, -1).astype(np.uint8)[None])
    saturation = 1 + rng.uniform(-2 * strength, strength)
    return blend_grey(patch, saturation)


def blend_grey(patch: np.ndarray, saturation: float) -> np.ndarray:
    """Scale the saturation of a BGR patch; 0 leaves grey in three channels."""
    grey = cv2.cvtColor(cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(patch, saturation, grey, 1 - saturation, 0)


def blur(patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Defocus or straight motion blur."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(patch, (0, 0), rng.uniform(0.5, 2.5))
    length = int(rng.integers(3, 16))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, math.pi)
    reach = (length - 1) / 2
    dx, dy = reach * math.cos(angle), reach * math.sin(angle)
    cv2.line(kernel, (round(reach - dx), round(reach - dy)),
             (round(reach + dx), round(reach + dy)), 1.0)
    return cv2.filter2D(patch, -1, kernel / kernel.sum())


def coarsen(patch: np.ndarray, factor: float) -> np.ndarray:
    """Lose resolution, as a small target seen from afar."""
    side = patch.shape[0]
    small = max(8, round(side / factor))
    return cv2.resize(
        cv2.resize(patch, (small, small), interpolation=cv2.INTER_AREA), (side, side),
        interpolation=cv2.INTER_LINEAR)


def add_noise(patch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian sensor noise."""
    noise = rng.normal(0, rng.uniform(2, 12), patch.shape).astype(np.float32)
    return np.clip(patch + noise, 0, 255).astype(np.uint8)


def paste(patch: np.ndarray, other: np.ndarray, x0: float, y0: float) -> None:
    """Paste a smaller picture into a patch, in place, with its corner at (x0, y0); clipped."""
    height, width = other.shape[:2]
    left, top = round(x0), round(y0)
    a, b = max(left, 0), max(top, 0)
    c, d = min(left + width, patch.shape[1]), min(top + height, patch.shape[0])
    if c > a and d > b:
        patch[b:d, a:c] = other[b - top:d - top, a - left:c - left]
