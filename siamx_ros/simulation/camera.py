"""Images of a world: exposure, noise and compression on top of what the renderer draws."""

from __future__ import annotations

import math

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.simulation.frame import MASK_SHARE, CameraConfig, CameraFrame
from siamx_ros.simulation.robot import Pose
from siamx_ros.simulation.world import World

NOISES = 4
"""Number of different noise images; each is shifted at random."""
DEPTH_MIN, DEPTH_EDGE = 0.3, 0.1
"""Least depth that is measured, metres; a larger step of it between neighbours, as a share, is an
edge, at which nothing is."""
BODY_AREA = 0.3
"""Area of a silhouette per metre of height, square metres: of a person who walks."""


class SimulatedCamera:
    """Takes images of a world; the same world and seed give the same images.

    Raises:
        InputError: Panda3D, which draws the world, is not installed.
    """

    def __init__(self, world: World, config: CameraConfig = CameraConfig()) -> None:
        try:
            from siamx_ros.simulation.renderer import Renderer
        except ImportError as error:
            raise InputError(f'the simulated world is drawn by Panda3D ({error}): '
                             f'pip install panda3d') from None
        self.config = config
        self._world = world
        self._renderer = Renderer(world, config.width, config.height, config.focal)
        self._rng = np.random.default_rng((world.seed, 8))
        shape = (NOISES, config.height, config.width, 3)
        self._depth_rng = np.random.default_rng((world.seed, 9))
        self._noises = self._rng.normal(0, config.noise, shape).astype(np.int16)

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

    def place(self) -> Pose:
        """Where the camera is now, seen from above."""
        pose = self._world.base.pose
        forward = self.config.forward
        return Pose(pose.x + forward * math.cos(pose.heading),
                    pose.y + forward * math.sin(pose.heading), pose.heading)

    def take(self) -> CameraFrame:
        """Expose one image now."""
        config, world = self.config, self._world
        drawn = self._renderer.render(
            self.place(), config.mount_height, math.radians(config.pitch))
        image = self._developed(self._blurred(drawn.image))
        return CameraFrame(
            world.now_s, image, drawn.mask.copy(), self._measured(drawn.depth),
            self._visible_share(drawn.mask), world.base.pose.bearing_to(*world.target.point),
            world.gap)

    def _blurred(self, image: np.ndarray) -> np.ndarray:
        """Smeared by the turn of the robot during the exposure, and by the lens."""
        length = abs(self._world.base.angular) * self.config.exposure * self.config.focal
        image = cv2.GaussianBlur(image, (3, 3), 0.6)
        if length < 0.5:
            return image
        reach = math.ceil(length / 2)
        kernel = np.ones((1, 2 * reach + 1), np.float32)
        kernel[0, 0] = kernel[0, -1] = length / 2 - (reach - 1)
        return cv2.filter2D(image, -1, kernel / kernel.sum())

    def _developed(self, image: np.ndarray) -> np.ndarray:
        """With the light of the moment, noise, and compression."""
        gains = self._world.lighting.gains(self._world.now_s)
        table = np.clip(np.arange(256)[:, None] * gains, 0, 255).astype(np.uint8)
        image = cv2.LUT(image, table.reshape(256, 1, 3))
        noise = self._noises[self._rng.integers(NOISES)]
        shift = self._rng.integers(0, self.config.height)
        image = np.clip(image + np.roll(noise, shift, axis=0), 0, 255).astype(np.uint8)
        if not self.config.jpeg_quality:
            return image
        _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, self.config.jpeg_quality])
        return cv2.imdecode(data, cv2.IMREAD_COLOR)

    def _measured(self, depth: np.ndarray) -> np.ndarray:
        """Depth as a stereo camera measures it: noise, and holes at edges and beyond its range."""
        noise = self._depth_rng.standard_normal(depth.shape, np.float32)
        noisy = depth + self.config.depth_noise * depth * depth * noise
        nearest, farthest = (change(depth, np.ones((3, 3), np.uint8))
                             for change in (cv2.erode, cv2.dilate))
        edge = farthest - nearest > DEPTH_EDGE * nearest
        known = ~edge & (depth > DEPTH_MIN) & (depth < self.config.depth_max)
        return np.where(known, noisy * 1000, 0).astype(np.uint16)

    def _visible_share(self, mask: np.ndarray) -> float:
        """Seen pixels of the target per pixel that it would fill if all of it was in view."""
        target = self._world.target
        distance = max(0.3, math.dist(self.place().point, target.point))
        scale = self.config.focal / distance / MASK_SHARE
        return float((mask == 1).sum() / (BODY_AREA * target.height * scale * scale))
