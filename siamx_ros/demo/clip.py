"""The clip of the demonstration: a drone films a coffee cup that crosses a courtyard.

The cup dashes away from a blue double of itself, drives under a roof, leaves the picture and comes
back elsewhere. The world is put together from photographs that come with the scikit-image wheel
(its data/README and the docstrings of ``skimage.data`` name the sources):

=============  ====================================  ==========================================
photograph     used as                               licence
=============  ====================================  ==========================================
brick          paving                                CC0, CC0Textures (Bricks25)
grass          lawn                                  CC0, DeviantArt (Grass-01, linolafett)
gravel         path and the flat roof                CC0, CC0Textures (Gravel04)
coffee         the target, and its blue double       CC0, Rachel Michetti
chelsea        picnic blanket                        CC0, Stefan van der Walt
astronaut      rug                                   public domain, NASA
rocket         rug                                   public domain, SpaceX
=============  ====================================  ==========================================
"""

from __future__ import annotations

from typing import Iterator

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.synthetic import GeneratedClip

WIDTH, HEIGHT = 640, 480
WORLD_SIZE = (2000, 1400)
ROOF = slice(625, 915), slice(1335, 1665)
"""Rows and columns of the world under the roof."""
SHUTTER = (-0.2, 0.0, 0.2)
"""Moments of an exposure, in frame times."""

TARGET_KEYS = np.array([
    # s,    x,    y in the world
    (0.0, 390, 420), (1.2, 560, 330), (2.4, 800, 380), (3.4, 850, 560), (4.2, 690, 690),
    (4.7, 760, 760), (5.5, 1180, 600), (6.1, 1240, 720), (6.8, 1310, 770), (9.3, 1720, 800),
    (10.3, 1690, 980), (11.4, 1420, 1090), (12.2, 1330, 1110), (12.9, 760, 1200),
    (13.6, 560, 1020), (14.8, 900, 480), (15.6, 1040, 690), (16.6, 1080, 870), (17.6, 1250, 960),
    (18.6, 1170, 850), (20.0, 1030, 830)])
CAMERA_KEYS = np.array([
    # s,    x,    y, degrees, zoom
    (0.0, 470, 450, 0, 1.18), (1.5, 580, 400, 2, 1.12), (3.0, 780, 470, 4, 1.02),
    (4.4, 740, 640, 1, 1.00), (5.4, 1020, 660, -3, 0.94), (6.6, 1320, 760, -4, 1.00),
    (8.0, 1500, 780, 0, 1.06), (9.6, 1640, 830, 3, 1.10), (11.0, 1500, 1010, 6, 1.22),
    (12.2, 1330, 1060, 4, 1.14), (13.4, 1220, 1010, 0, 1.02), (15.0, 1090, 890, -2, 0.98),
    (17.0, 1100, 900, 2, 1.02), (18.6, 1120, 880, 4, 1.10), (20.0, 1040, 870, 2, 1.16)])


class DemoClip(GeneratedClip):
    """640 x 480 pixels, 30 frames/s, 20 s; every frame is rendered when it is asked for.

    Attributes:
        ground: the world without target and roof, uint8 BGR.
        target: the cut-out cup, float32 BGR and its opacity from 0 to 1.
    """

    name = 'courtyard'
    number = 0

    def __init__(self, seconds: float = 20.0, seed: int = 7) -> None:
        """``seconds`` are at most 20; ``seed`` is that of the sensor noise."""
        photos = _photographs()
        self.target = _cup(photos['coffee'])
        self.ground = _ground(photos, self.target)
        self._roof = _roof(photos['gravel'])
        self._seed = seed
        count = max(1, round(min(seconds, TARGET_KEYS[-1, 0]) * self.fps))
        boxes, shares = zip(*map(self._truth, range(count)))
        super().__init__(np.array(boxes), np.array(shares))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the images, H x W x 3 uint8 BGR; ``number`` is that of the last one."""
        for self.number in range(self.frame_count):
            yield self.image(self.number)

    def _rendered(self, index: int) -> np.ndarray:
        rng, time = np.random.default_rng((self._seed, index)), index / self.fps
        exposure = np.mean([self._seen(index + moment) for moment in SHUTTER], axis=0)
        exposure *= 1 + 0.06 * np.sin(time * 1.1) + 0.16 * np.exp(-((time - 9.1) / 0.35) ** 2)
        exposure += rng.normal(0.5, 2.6, exposure.shape)
        return np.clip(exposure, 0, 255).astype(np.uint8)

    def _seen(self, frame: float) -> np.ndarray:
        """What the camera sees at one moment."""
        world, (left, top) = self.ground.copy(), self._corner(frame)
        _lay(world, self.target, (left, top))
        world[ROOF] = self._roof
        return cv2.warpAffine(world, self._camera(frame), (WIDTH, HEIGHT))

    def _truth(self, index: int) -> tuple[np.ndarray, float]:
        """The box (x, y, w, h) of the whole cup and the share of it that is seen."""
        camera, (left, top) = self._camera(index), self._corner(index)
        alpha = self.target[..., 3]
        rows, columns = np.nonzero(alpha >= 0.5)
        points = np.column_stack([columns + left, rows + top]) @ camera[:, :2].T + camera[:, 2]
        ys, xs = np.mgrid[top:top + alpha.shape[0], left:left + alpha.shape[1]]
        x, y = np.tensordot(camera, np.stack([xs, ys, np.ones_like(xs)]), 1)
        low, high = points.min(0), points.max(0) + 1
        free = ((ys < ROOF[0].start) | (ys >= ROOF[0].stop)
                | (xs < ROOF[1].start) | (xs >= ROOF[1].stop))
        seen = alpha * free * (x > -0.5) * (x < WIDTH - 0.5) * (y > -0.5) * (y < HEIGHT - 0.5)
        return np.concatenate([low, high - low]), seen.sum() / alpha.sum()

    def _corner(self, frame: float) -> tuple[int, int]:
        """The world pixel at the upper left of the cup."""
        x, y = _smooth(TARGET_KEYS, frame / self.fps, 0.17)
        height, width = self.target.shape[:2]
        return round(x - width / 2), round(y - height / 2)

    def _camera(self, frame: float) -> np.ndarray:
        """2 x 3 matrix from the world to the image; a hovering drone sways."""
        x, y, angle, zoom = _smooth(CAMERA_KEYS, frame / self.fps, 0.4)
        x += 2.4 * np.sin(frame / 7.3) + 1.2 * np.sin(frame / 2.9)
        y += 2.0 * np.sin(frame / 8.9 + 1) + 1.1 * np.sin(frame / 3.7)
        matrix = cv2.getRotationMatrix2D((x, y), -angle, zoom)
        matrix[:, 2] += WIDTH / 2 - x, HEIGHT / 2 - y
        return matrix


def _smooth(keys: np.ndarray, second: float, sigma: float) -> list[float]:
    """The columns after the first at a time: lines between the keys, averaged around it."""
    offsets = np.linspace(-3, 3, 25)
    weights = np.exp(-offsets ** 2 / 2)
    return [np.average(np.interp(second + sigma * offsets, keys[:, 0], column), weights=weights)
            for column in keys[:, 1:].T]


def _photographs() -> dict[str, np.ndarray]:
    """The bundled photographs as BGR."""
    try:
        from skimage import data
    except ImportError:
        raise InputError('the demonstration clip needs scikit-image, whose photographs it shows; '
                         'install it or give your own --video and --box') from None
    names = ('brick', 'grass', 'gravel', 'coffee', 'chelsea', 'astronaut', 'rocket')
    photos = {name: getattr(data, name)() for name in names}
    return {name: np.ascontiguousarray(np.atleast_3d(photo)[..., ::-1])
            for name, photo in photos.items()}


def _ground(photos: dict[str, np.ndarray], cup: np.ndarray) -> np.ndarray:
    """Paving, a gravel path and a lawn, rugs and the blue double."""
    paving = _tinted(photos['brick'].swapaxes(0, 1), (38, 44, 62), (150, 176, 214))
    path = _tinted(photos['gravel'], (52, 60, 68), (196, 214, 226))
    lawn = _tinted(photos['grass'], (14, 40, 22), (120, 214, 176))
    ys, xs = np.mgrid[:WORLD_SIZE[1], :WORLD_SIZE[0]]
    edge = 1010 + 70 * np.sin(ys / 210) + 30 * np.sin(ys / 83 + 1)
    ground = np.where((xs < edge)[..., None], paving, path)
    ground = np.where((xs < edge + 190 + 25 * np.sin(ys / 47))[..., None], ground, lawn)
    ground[np.abs(xs - edge) < 7] = 176, 186, 192
    for name, corner, width in (('astronaut', (485, 435), 250), ('chelsea', (1490, 1020), 300),
                                ('rocket', (980, 200), 280)):
        photo = photos[name]
        size = (width, round(width * photo.shape[0] / photo.shape[1]))
        rug = cv2.copyMakeBorder(cv2.resize(photo, size, interpolation=cv2.INTER_AREA),
                                 10, 10, 10, 10, cv2.BORDER_CONSTANT, value=(206, 218, 224))
        rug = np.dstack([rug, np.ones(rug.shape[:2])]).astype(np.float32)
        _lay(ground, rug, corner)
    _lay(ground, cup[..., [2, 1, 0, 3]], (560 - cup.shape[1] // 2, 770 - cup.shape[0] // 2))
    return ground


def _tinted(photo: np.ndarray, dark: tuple, light: tuple) -> np.ndarray:
    """Fill the world with a grey photograph: black becomes ``dark``, white ``light`` (BGR)."""
    size = [(0, extent) for extent in np.subtract(WORLD_SIZE[::-1], photo.shape[:2])]
    share = np.pad(photo[..., :1], [*size, (0, 0)], 'symmetric') / 255
    return ((1 - share) * dark + share * light).astype(np.uint8)


def _cup(coffee: np.ndarray) -> np.ndarray:
    """Cut cup, saucer and spoon out of the photograph: two ellipses and a handle."""
    mask = np.zeros(coffee.shape[:2], np.uint8)
    for ellipse in (((278, 222), (400, 332), 0), ((290.5, 113), (234, 188), 0)):
        cv2.ellipse(mask, ellipse, 255, -1)
    cv2.fillPoly(mask, [np.array([
        (396, 112), (399, 72), (405, 67), (417, 68), (424, 76), (412, 126)])], 255)
    alpha = mask[8:398, 70:488, None] / np.float32(255)
    cut = np.dstack([coffee[8:398, 70:488] * alpha, alpha])
    small = cv2.resize(cut, (108, 101), interpolation=cv2.INTER_AREA)
    small[..., :3] /= np.maximum(small[..., 3:], 1e-3)
    return small


def _lay(ground: np.ndarray, sprite: np.ndarray, corner: tuple[int, int]) -> None:
    """Lay a cut-out on the ground, over a soft shadow that is 24 pixels larger on each side."""
    alpha = cv2.copyMakeBorder(sprite[..., 3], 24, 24, 24, 24, cv2.BORDER_CONSTANT)
    shadow = np.dstack([np.zeros((*alpha.shape, 3)), cv2.GaussianBlur(alpha, (0, 0), 6) * 0.55])
    _stamp(ground, shadow, (corner[0] - 16, corner[1] - 13))
    _stamp(ground, sprite, corner)


def _stamp(ground: np.ndarray, image: np.ndarray, corner: tuple[int, int]) -> None:
    """Blend a cut-out into the ground."""
    view = ground[corner[1]:, corner[0]:][:image.shape[0], :image.shape[1]]
    view[:] = view * (1 - image[..., 3:]) + image[..., :3] * image[..., 3:]


def _roof(gravel: np.ndarray) -> np.ndarray:
    """A flat gravel roof with a metal edge and two skylights."""
    roof = _tinted(gravel, (46, 42, 40), (150, 146, 140))[ROOF]
    height, width = roof.shape[:2]
    cv2.rectangle(roof, (0, 0), (width - 1, height - 1), (118, 124, 128), 22)
    for left in (70, 190):
        cv2.rectangle(roof, (left, 90), (left + 70, 200), (170, 160, 140), -1)
        cv2.rectangle(roof, (left, 90), (left + 70, 200), (88, 88, 86), 5)
    return roof
