"""The clip of the demonstration: a drone films a coffee cup that crosses a courtyard.

The cup dashes away from a blue double of itself, drives under a roof, leaves the picture and comes
back elsewhere. Every frame is rendered when it is asked for; boxes are exact by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from siamx_ros.demo.scene import ROOF_CENTRE, Scene, Sprite, build_scene
from siamx_ros.synthetic import GeneratedClip

WIDTH, HEIGHT = 640, 480
ROOF_RISE = 1.12
"""Scale of the roof's plane relative to the ground's: it is nearer to the camera."""
SHADOW_OFFSET = 8.0, 11.0
SHUTTER = 0.4
"""Share of the frame time during which the shutter is open."""

TARGET_KEYS = np.array([
    # s,    x,    y, degrees, size
    (0.0, 390, 420, 0, 1.00), (1.2, 560, 330, 8, 1.00), (2.4, 800, 380, -6, 1.04),
    (3.4, 850, 560, -14, 1.04), (4.2, 690, 690, 4, 1.00), (4.7, 760, 760, 10, 1.00),
    (5.5, 1180, 600, 16, 1.00), (6.1, 1240, 720, 4, 0.98), (6.8, 1310, 770, -4, 0.98),
    (9.3, 1720, 800, 4, 0.98), (10.3, 1690, 980, 14, 1.02), (11.4, 1420, 1090, -8, 1.06),
    (12.2, 1330, 1110, -12, 1.06), (12.9, 760, 1200, -16, 1.04), (13.6, 560, 1020, 0, 1.00),
    (14.8, 900, 480, 10, 1.00), (15.6, 1040, 690, 4, 1.00), (16.6, 1080, 870, -6, 1.00),
    (17.6, 1250, 960, -14, 0.98), (18.6, 1170, 850, 6, 0.96), (20.0, 1030, 830, 14, 0.96)])
CAMERA_KEYS = np.array([
    # s,    x,    y, degrees, zoom
    (0.0, 470, 450, 0, 1.18), (1.5, 580, 400, 2, 1.12), (3.0, 780, 470, 4, 1.02),
    (4.4, 740, 640, 1, 1.00), (5.4, 1020, 660, -3, 0.94), (6.6, 1320, 760, -4, 1.00),
    (8.0, 1500, 780, 0, 1.06), (9.6, 1640, 830, 3, 1.10), (11.0, 1500, 1010, 6, 1.22),
    (12.2, 1330, 1060, 4, 1.14), (13.4, 1220, 1010, 0, 1.02), (15.0, 1090, 890, -2, 0.98),
    (17.0, 1100, 900, 2, 1.02), (18.6, 1120, 880, 4, 1.10), (20.0, 1040, 870, 2, 1.16)])


@dataclass(frozen=True)
class Pose:
    """Place of a plane or cut-out: 2 x 3 matrix from its continuous pixels to the image's."""

    matrix: np.ndarray

    @property
    def scale(self) -> float:
        """Image pixels per own pixel."""
        return float(np.hypot(*self.matrix[:, 0]))

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Map N x 2 points into the image."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]


class DemoClip(GeneratedClip):
    """640 x 480 pixels, 30 frames/s, 20 s."""

    name = 'courtyard'

    def __init__(self, seconds: float = 20.0, seed: int = 7) -> None:
        """Build the scene and the boxes.

        Args:
            seconds: length, at most 20.
            seed: of the sensor noise.
        """
        count = max(1, round(min(seconds, float(TARGET_KEYS[-1, 0])) * self.fps))
        self._scene: Scene = build_scene()
        self._target_path = _smooth_path(TARGET_KEYS, self.fps, sigma=5.0)
        self._camera_path = _smooth_path(CAMERA_KEYS, self.fps, sigma=12.0)
        self._camera_path[:, 1:3] += _sway(len(self._camera_path))
        rng = np.random.default_rng(seed)
        self._noise = rng.normal(0, 2.6, (HEIGHT + 64, WIDTH + 64, 3)).astype(np.float32)
        self._shifts = rng.integers(0, 64, (count, 2))
        boxes, shares = zip(*map(self._truth, range(count)))
        super().__init__(np.array(boxes), np.array(shares))

    def _rendered(self, index: int) -> np.ndarray:
        before = max(index - 1, 0)
        ground = self._ground_pose(index)
        canvas = cv2.warpAffine(
            self._scene.ground, _for_indices(ground.matrix), (WIDTH, HEIGHT),
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        centre = np.array([[WIDTH / 2, HEIGHT / 2]])
        world = cv2.invertAffineTransform(ground.matrix)
        in_world = centre @ world[:, :2].T + world[:, 2]
        canvas = _blurred(canvas, (centre - self._ground_pose(before).apply(in_world))[0])
        canvas = canvas.astype(np.float32)
        scene = self._scene
        for sprite, pose in (
                (scene.shadow, lambda at: self._sprite_pose(at, scene.shadow, SHADOW_OFFSET)),
                (scene.target, self._target_pose), (scene.roof, self._roof_pose)):
            _draw(canvas, sprite, pose(index), pose(before))
        return self._exposed(canvas, index)

    def _exposed(self, canvas: np.ndarray, index: int) -> np.ndarray:
        """Exposure that wanders and is slow to adapt after the roof, then sensor noise."""
        time = index / self.fps
        gain = 1.0 + 0.06 * np.sin(time * 1.1) + 0.16 * np.exp(-((time - 9.1) / 0.35) ** 2)
        top, left = self._shifts[index]
        canvas *= np.float32(gain)
        canvas += self._noise[top:top + HEIGHT, left:left + WIDTH]
        return np.clip(canvas + 0.5, 0, 255).astype(np.uint8)

    def _truth(self, index: int) -> tuple[tuple[float, float, float, float], float]:
        """The box (x, y, w, h) of the whole cup and the share of it that is seen."""
        pose, sprite = self._target_pose(index), self._scene.target
        outline = pose.apply(sprite.outline)
        low, high = outline.min(0), outline.max(0)
        left, top = np.floor(low).astype(int) - 1
        size = tuple(int(n) for n in np.ceil(high - low) + 3)
        alpha = _warped(sprite.image[..., 3], pose, left, top, size)
        roof = _warped(self._scene.roof.image[..., 3], self._roof_pose(index), left, top, size)
        xs, ys = left + np.arange(size[0]), top + np.arange(size[1])
        inside = ((ys >= 0) & (ys < HEIGHT))[:, None] & ((xs >= 0) & (xs < WIDTH))
        seen = float((alpha * (1 - roof) * inside).sum() / alpha.sum())
        return (*map(float, low), *map(float, high - low)), seen

    def _ground_pose(self, index: int, rise: float = 1.0) -> Pose:
        """World to image; ``rise`` above 1 is a plane nearer to the camera."""
        _, x, y, angle, zoom = self._camera_path[index]
        return Pose(_similarity((x, y), (WIDTH / 2, HEIGHT / 2), angle, zoom * rise))

    def _target_pose(self, index: int) -> Pose:
        return self._sprite_pose(index, self._scene.target, (0.0, 0.0))

    def _sprite_pose(self, index: int, sprite: Sprite, offset: tuple[float, float]) -> Pose:
        _, x, y, angle, size = self._target_path[index]
        height, width = sprite.image.shape[:2]
        place = _similarity(
            (width / 2, height / 2), (x + offset[0], y + offset[1]), angle, size)
        return Pose(_chained(self._ground_pose(index).matrix, place))

    def _roof_pose(self, index: int) -> Pose:
        height, width = self._scene.roof.image.shape[:2]
        place = _similarity((width / 2, height / 2), ROOF_CENTRE, 0.0, 1.0)
        return Pose(_chained(self._ground_pose(index, ROOF_RISE).matrix, place))


def _smooth_path(keys: np.ndarray, fps: float, sigma: float) -> np.ndarray:
    """Straight lines between the keys, one row per frame, then smoothed over ``sigma`` frames."""
    times = np.arange(round(keys[-1, 0] * fps) + 1) / fps
    path = np.stack([times, *(np.interp(times, keys[:, 0], column) for column in keys[:, 1:].T)], 1)
    reach = int(4 * sigma)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    for column in range(1, path.shape[1]):
        padded = np.pad(path[:, column], reach, mode='edge')
        path[:, column] = np.convolve(padded, kernel / kernel.sum(), mode='valid')
    return path


def _sway(count: int) -> np.ndarray:
    """A hovering drone's sway in world pixels, count x 2."""
    frame = np.arange(count)
    return np.stack([2.4 * np.sin(frame / 7.3) + 1.2 * np.sin(frame / 2.9),
                     2.0 * np.sin(frame / 8.9 + 1) + 1.1 * np.sin(frame / 3.7)], axis=1)


def _similarity(source: tuple, target: tuple, degrees: float, scale: float) -> np.ndarray:
    """2 x 3 matrix that turns and scales around ``source`` and moves it to ``target``."""
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, np.array(target) - turn @ np.array(source)])


def _chained(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """The 2 x 3 matrix that applies ``inner``, then ``outer``."""
    turn = outer[:, :2] @ inner[:, :2]
    return np.column_stack([turn, outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def _for_indices(matrix: np.ndarray) -> np.ndarray:
    """From continuous coordinates to pixel indices, whose centres lie half a pixel further."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return moved


def _warped(image: np.ndarray, pose: Pose, left: int, top: int,
            size: tuple[int, int]) -> np.ndarray:
    """A cut-out as it appears in the window of the image at left, top."""
    matrix = _for_indices(pose.matrix)
    matrix[:, 2] -= (left, top)
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)


def _draw(canvas: np.ndarray, sprite: Sprite, pose: Pose, before: Pose) -> None:
    """Blend a cut-out, with its motion blur, into the float canvas."""
    height, width = sprite.image.shape[:2]
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)], np.float64)
    points, old_points = pose.apply(corners), before.apply(corners)
    motion = (points - old_points).mean(0)
    margin = int(np.ceil(np.abs(motion).max() * SHUTTER)) + 2
    low = np.maximum(np.floor(points.min(0)).astype(int) - margin, 0)
    high = np.minimum(np.ceil(points.max(0)).astype(int) + margin, (WIDTH, HEIGHT))
    if (high <= low).any():
        return
    layer = _warped(sprite.image, pose, low[0], low[1], tuple(int(n) for n in high - low))
    layer = _blurred(layer, motion)
    view = canvas[low[1]:high[1], low[0]:high[0]]
    view *= 1 - layer[..., 3:]
    view += layer[..., :3]


def _blurred(image: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Smear along the motion (pixels per frame) while the shutter is open, around the middle."""
    length = float(np.hypot(*motion)) * SHUTTER
    if length < 1.0:
        return image
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    step = motion / np.hypot(*motion) * length / 2
    ends = [tuple(int(round(float(n) * 16)) for n in reach + sign * step) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
