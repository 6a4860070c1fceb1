"""Jitter of one training patch: where it is cut, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

import cv2
import numpy as np

from siamx_ros import imaging
from siamx_ros.geometry import BoundingBox

OUTLINE = 64
"""Points of an outline that is deformed."""
INVERSION_STEPS = 6


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

    @property
    def step(self) -> float:
        """The smaller of both steps, without its sign."""
        return min(abs(self.step_x), abs(self.step_y))

    def shrunk(self, factor: int) -> Placement:
        """The same patch of an image that is ``factor`` times smaller."""
        return replace(self, step_x=self.step_x / factor, step_y=self.step_y / factor)

    def matrix(self, target: BoundingBox, side: int) -> np.ndarray:
        """2 x 3 map from patch indices to image indices."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        linear = np.array([
            [cos * self.step_x, -sin * self.step_y],
            [sin * self.step_x, cos * self.step_y]])
        anchor = np.array([side / 2 + self.shift_x, side / 2 + self.shift_y])
        offset = np.array(target.centre) - linear @ (anchor - 0.5) - 0.5
        return np.column_stack([linear, offset])

    def box(self, target: BoundingBox, side: int,
            anchor: BoundingBox | None = None) -> np.ndarray:
        """Corners (x0, y0, x1, y1) in the patch of the ellipse inscribed in the target's box.

        Args:
            anchor: what the patch is placed around, where that is not the target.
        """
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        half_x = math.hypot(target.w / 2 * cos, target.h / 2 * sin) / abs(self.step_x)
        half_y = math.hypot(target.w / 2 * sin, target.h / 2 * cos) / abs(self.step_y)
        x, y = side / 2 + self.shift_x, side / 2 + self.shift_y
        if anchor is not None:
            dx, dy = np.subtract(target.centre, anchor.centre)
            x += (cos * dx + sin * dy) / self.step_x
            y += (cos * dy - sin * dx) / self.step_y
        return np.array([x - half_x, y - half_y, x + half_x, y + half_y], np.float32)

    def half_extent(self, target: BoundingBox) -> np.ndarray:
        """Half the width and height that the whole box, turned, takes up in the patch."""
        cos, sin = abs(math.cos(self.angle)), abs(math.sin(self.angle))
        return np.array([(target.w * cos + target.h * sin) / 2 / abs(self.step_x),
                         (target.w * sin + target.h * cos) / 2 / abs(self.step_y)])


def cut(image: np.ndarray, target: BoundingBox, place: Placement, side: int,
        backdrop: np.ndarray | None = None) -> np.ndarray:
    """Resample the patch side x side x 3 of a placement.

    Outside the image lies its mean colour, or the backdrop (side x side x 3) where one is given.
    """
    return imaging.warp(
        image, place.matrix(target, side), side, imaging.mean_colour(image), backdrop)


def deformed(patch: np.ndarray, elastic: np.ndarray) -> np.ndarray:
    """Warp a square patch elastically; beyond its edges they are repeated.

    Args:
        elastic: 2 x k x k, how far from a pixel, in x and y, the patch shows what comes there, in
            pixels, as coefficients of cosines (rows along y).
    """
    side = patch.shape[0]
    waves = cosines(np.arange(side) + 0.5, side, elastic.shape[-1])
    dx, dy = waves @ elastic @ waves.T
    index = np.arange(side, dtype=np.float32)
    return cv2.remap(
        patch, (index + dx).astype(np.float32), (index[:, None] + dy).astype(np.float32),
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def elastic_box(box: np.ndarray, elastic: np.ndarray, side: int) -> np.ndarray:
    """Corners, in the deformed patch, of the ellipse inscribed in a box (4 corners, pixels)."""
    turn = np.linspace(0, 2 * np.pi, OUTLINE, endpoint=False)
    outline = np.stack([(box[0] + box[2] + np.cos(turn) * (box[2] - box[0])) / 2,
                        (box[1] + box[3] + np.sin(turn) * (box[3] - box[1])) / 2])
    places = outline
    for _ in range(INVERSION_STEPS):
        along_x, along_y = (cosines(line, side, elastic.shape[-1]) for line in places)
        places = outline - np.einsum('nr,arc,nc->an', along_y, elastic, along_x)
    return np.concatenate([places.min(1), places.max(1)]).astype(np.float32)


def cosines(places: np.ndarray, side: int, count: int) -> np.ndarray:
    """The slowest ``count`` cosines of a patch, the constant among them, at n places: n x count."""
    return np.cos(np.pi / side * places[:, None] * np.arange(count))


def leaves(image: np.ndarray, matrix: np.ndarray, side: int) -> bool:
    """Whether a patch may show something outside the image."""
    corners = matrix @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]])
    margin = 2 + 2 * np.abs(matrix[:, :2]).sum(1)
    limit = np.array(image.shape[1::-1])
    return bool((corners.min(1) < margin).any() or (corners.max(1) > limit - margin).any())


def recolour(patch: np.ndarray, gamma: float, contrast: float, brightness: float,
             tints: tuple[float, float, float], saturation: float) -> np.ndarray:
    """Change the curve of each channel (values 0 to 1) and the saturation of a BGR patch."""
    curve = (np.linspace(0, 1, 256) ** gamma - 0.5) * contrast + 0.5 + brightness
    tables = np.clip(curve[:, None] * np.array(tints) * 255, 0, 255)
    return blend_grey(cv2.LUT(patch, tables.astype(np.uint8)[None]), saturation)


def blend_grey(patch: np.ndarray, saturation: float) -> np.ndarray:
    """Scale the saturation of a BGR patch; 0 leaves grey in three channels."""
    grey = cv2.cvtColor(cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(patch, saturation, grey, 1 - saturation, 0)


def blur(patch: np.ndarray, how: tuple[float, ...]) -> np.ndarray:
    """Defocus (sigma,) or straight motion (length, angle)."""
    if len(how) == 1:
        return cv2.GaussianBlur(patch, (0, 0), how[0])
    return cv2.filter2D(patch, -1, motion_kernel(round(how[0]), how[1]))


def motion_kernel(length: int, angle: float) -> np.ndarray:
    """The length x length kernel of a straight motion, of sum 1."""
    kernel = np.zeros((length, length), np.float32)
    reach = (length - 1) / 2
    dx, dy = reach * math.cos(angle), reach * math.sin(angle)
    cv2.line(kernel, (round(reach - dx), round(reach - dy)),
             (round(reach + dx), round(reach + dy)), 1.0)
    return kernel / kernel.sum()


def downscaled(patch: np.ndarray, factor: float, quality: int = 0) -> np.ndarray:
    """Lose resolution, as a small target seen from afar; JPEG-compressed if a quality is given."""
    side = patch.shape[0]
    small = max(8, round(side / factor))
    if small < side:
        patch = cv2.resize(patch, (small, small), interpolation=cv2.INTER_AREA)
    if quality:
        _, code = cv2.imencode('.jpg', patch, (cv2.IMWRITE_JPEG_QUALITY, quality))
        patch = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return cv2.resize(patch, (side, side), interpolation=cv2.INTER_LINEAR)


def add_noise(patch: np.ndarray, deviation: float, seed: int) -> np.ndarray:
    """Gaussian sensor noise."""
    noise = np.random.default_rng(seed).standard_normal(patch.shape, np.float32) * deviation
    return np.clip(patch + noise, 0, 255).astype(np.uint8)


def target_picture(image: np.ndarray, box: BoundingBox, width: int, height: int) -> np.ndarray:
    """The part of an image in a box, height x width x 3."""
    x0, y0, x1, y1 = box.clipped(image.shape[1], image.shape[0]).corners
    x0, y0 = min(int(x0), image.shape[1] - 1), min(int(y0), image.shape[0] - 1)
    cutout = image[y0:max(int(y1), y0 + 1), x0:max(int(x1), x0 + 1)]
    return cv2.resize(cutout, (width, height), interpolation=cv2.INTER_AREA)


def paste(patch: np.ndarray, other: np.ndarray, left: int, top: int) -> None:
    """Paste a picture into a patch, in place, with its corner at (left, top); clipped."""
    height, width = other.shape[:2]
    a, b = max(left, 0), max(top, 0)
    c, d = min(left + width, patch.shape[1]), min(top + height, patch.shape[0])
    if c > a and d > b:
        patch[b:d, a:c] = other[b - top:d - top, a - left:c - left]
