"""The picture world of the demonstration, put together from photographs.

A courtyard seen from a drone. All photographs come with the scikit-image wheel (its data/README
and the docstrings of ``skimage.data`` name the sources):

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

from dataclasses import dataclass

import cv2
import numpy as np

from siamx_ros.errors import InputError

WORLD_SIZE = (2000, 1400)
ROOF_CENTRE = (1500.0, 770.0)
ROOF_SIZE = (330, 290)
TARGET_WIDTH = 104
"""Width of the upright target in world pixels."""


@dataclass(frozen=True)
class Sprite:
    """A cut-out.

    Attributes:
        image: h x w x 4 float32, BGR premultiplied by alpha, alpha 0 to 1.
        outline: N x 2 continuous pixel coordinates of its contour.
    """

    image: np.ndarray
    outline: np.ndarray
    area: float


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn: ground (H x W x 3 uint8), target, its shadow, and the roof."""

    ground: np.ndarray
    target: Sprite
    shadow: Sprite
    roof: Sprite


def build_scene() -> Scene:
    """Compose the scene; a second or so."""
    photos = _photographs()
    target = _cup(photos['coffee'])
    ground = _ground(photos)
    for photo, centre, width, angle in (
            ('astronaut', (610, 560), 250, 12), ('chelsea', (1640, 1120), 300, -14),
            ('rocket', (1120, 300), 280, 6)):
        _lay_rug(ground, photos[photo], centre, width, angle)
    double = Sprite(_blue(target.image), target.outline, target.area)
    _stamp(ground, _shadow(double).image, (568, 782))
    _stamp(ground, double.image, (560, 770))
    _roof_shadow(ground)
    return Scene(ground, target, _shadow(target), _roof(photos['gravel']))


def _photographs() -> dict[str, np.ndarray]:
    """The bundled photographs as BGR."""
    try:
        from skimage import data
    except ImportError:
        raise InputError('the demonstration clip needs scikit-image, whose photographs it shows; '
                         'install it or give your own --video and --box') from None
    names = ('brick', 'grass', 'gravel', 'coffee', 'chelsea', 'astronaut', 'rocket')
    photos = {name: getattr(data, name)() for name in names}
    return {name: cv2.cvtColor(photo, cv2.COLOR_GRAY2BGR) if photo.ndim == 2
            else np.ascontiguousarray(photo[..., ::-1]) for name, photo in photos.items()}


def _ground(photos: dict[str, np.ndarray]) -> np.ndarray:
    """Paving on the left, a gravel path, a lawn on the right."""
    width, height = WORLD_SIZE
    paving = _tinted(_mirrored(_straightened(photos['brick'])), (38, 44, 62), (150, 176, 214))
    lawn = _tinted(_mirrored(photos['grass']), (14, 40, 22), (120, 214, 176))
    path = _tinted(_mirrored(photos['gravel']), (52, 60, 68), (196, 214, 226))
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    edge = 1010 + 70 * np.sin(ys / 210) + 30 * np.sin(ys / 83 + 1)
    on_path = np.clip((xs - edge) / 2 + 0.5, 0, 1)[..., None]
    on_lawn = np.clip((xs - edge - 190 - 25 * np.sin(ys / 47)) / 14 + 0.5, 0, 1)[..., None]
    ground = paving * (1 - on_path) + path * on_path
    ground = ground * (1 - on_lawn) + lawn * on_lawn
    kerb = np.exp(-((xs - edge) / 7) ** 6)[..., None]
    joints = 0.82 + 0.18 * (np.abs((ys % 46) - 23) > 2)[..., None]
    ground = ground * (1 - kerb) + np.array([176, 186, 192], np.float32) * joints * kerb
    light = 1.05 - 0.22 * ((xs / width - 0.45) ** 2 + (ys / height - 0.4) ** 2)
    return np.clip(ground * light[..., None], 0, 255).astype(np.uint8)


def _straightened(brick: np.ndarray) -> np.ndarray:
    """The paving photograph without its perspective."""
    source = np.array([(99, 511), (137, 0), (421, 511), (367, 0)], np.float32)
    target = np.array([(0, 620), (0, 0), (330, 620), (330, 0)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    return cv2.warpPerspective(brick, matrix, (330, 620), flags=cv2.INTER_CUBIC)


def _mirrored(photo: np.ndarray) -> np.ndarray:
    """Fill the world with a photograph and its mirror images."""
    width, height = WORLD_SIZE
    tile = np.hstack([photo, photo[:, ::-1]])
    tile = np.vstack([tile, tile[::-1]])
    repeats = (-(-height // tile.shape[0]), -(-width // tile.shape[1]), 1)
    return np.tile(tile, repeats)[:height, :width]


def _tinted(grey: np.ndarray, dark: tuple, light: tuple) -> np.ndarray:
    """Colour a grey photograph: black becomes ``dark``, white ``light`` (BGR), float32."""
    share = grey[..., :1].astype(np.float32) / 255
    return (1 - share) * np.array(dark, np.float32) + share * np.array(light, np.float32)


def _cup(coffee: np.ndarray) -> Sprite:
    """Cut cup, saucer and spoon out of the photograph: two ellipses and a handle."""
    scale = 4
    mask = np.zeros((coffee.shape[0] * scale, coffee.shape[1] * scale), np.uint8)
    for centre, axes in (((278, 222), (200, 166)), ((290.5, 113), (117, 94))):
        cv2.ellipse(mask, (_scaled(centre, scale), _scaled((2 * axes[0], 2 * axes[1]), scale), 0),
                    255, -1)
    handle = np.array([(396, 112), (399, 72), (405, 67), (417, 68), (424, 76), (412, 126)])
    cv2.fillPoly(mask, [handle * scale], 255)
    alpha = cv2.resize(mask, coffee.shape[1::-1], interpolation=cv2.INTER_AREA)
    top, bottom, left, right = 8, 398, 70, 488
    factor = TARGET_WIDTH / 402
    size = (round((right - left) * factor), round((bottom - top) * factor))
    cut = np.dstack([coffee, alpha])[top:bottom, left:right].astype(np.float32) / 255
    cut[..., :3] *= 255 * cut[..., 3:]
    return _sprite(cv2.resize(cut, size, interpolation=cv2.INTER_AREA))


def _scaled(pair: tuple, scale: int) -> tuple:
    return tuple(value * scale for value in pair)


def _sprite(image: np.ndarray) -> Sprite:
    """Complete a premultiplied cut-out; the outline is the contour at half opacity."""
    fine = cv2.resize(image[..., 3], None, fx=8, fy=8, interpolation=cv2.INTER_LINEAR)
    contours, _ = cv2.findContours(
        (fine >= 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = (max(contours, key=len)[:, 0].astype(np.float64) + 0.5) / 8
    return Sprite(image, outline, float(image[..., 3].sum()))


def _blue(image: np.ndarray) -> np.ndarray:
    """The same cut-out with blue where it is red."""
    return np.ascontiguousarray(image[..., [2, 1, 0, 3]])


def _shadow(sprite: Sprite, blur: float = 6.0, depth: float = 0.55) -> Sprite:
    """A soft black copy of the cut-out, 24 pixels larger on each side."""
    alpha = cv2.copyMakeBorder(sprite.image[..., 3], 24, 24, 24, 24, cv2.BORDER_CONSTANT)
    image = np.zeros((*alpha.shape, 4), np.float32)
    image[..., 3] = cv2.GaussianBlur(alpha, (0, 0), blur) * depth
    return Sprite(image, sprite.outline + 24, float(image[..., 3].sum()))


def _lay_rug(ground: np.ndarray, photo: np.ndarray, centre: tuple, width: int,
             angle: float) -> None:
    """Lay a photograph with a pale border and a soft shadow on the ground."""
    height = round(width * photo.shape[0] / photo.shape[1])
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    framed = cv2.copyMakeBorder(small * 0.92, 10, 10, 10, 10, cv2.BORDER_CONSTANT,
                                value=(206, 218, 224))
    alpha = np.ones((*framed.shape[:2], 1), np.float32)
    rug = cv2.copyMakeBorder(np.dstack([framed, alpha]), 2, 2, 2, 2, cv2.BORDER_CONSTANT)
    diagonal = int(np.hypot(*rug.shape[:2])) + 2
    turn = cv2.getRotationMatrix2D((rug.shape[1] / 2, rug.shape[0] / 2), angle, 1.0)
    turn[:, 2] += diagonal / 2 - np.array(rug.shape[1::-1]) / 2
    turned = Sprite(cv2.warpAffine(rug, turn, (diagonal, diagonal)), np.zeros((1, 2)), 1.0)
    _stamp(ground, _shadow(turned, 5.0, 0.5).image, (centre[0] + 5, centre[1] + 6))
    _stamp(ground, turned.image, centre)


def _stamp(ground: np.ndarray, image: np.ndarray, centre: tuple) -> None:
    """Blend a premultiplied image into the ground at a whole-pixel place."""
    height, width = image.shape[:2]
    left, top = round(centre[0] - width / 2), round(centre[1] - height / 2)
    view = ground[top:top + height, left:left + width]
    view[:] = np.clip(view * (1 - image[..., 3:]) + image[..., :3], 0, 255).astype(np.uint8)


def _roof(gravel: np.ndarray) -> Sprite:
    """A flat gravel roof with a metal edge and two skylights."""
    width, height = ROOF_SIZE
    top = _tinted(gravel[:height, :width], (46, 42, 40), (150, 146, 140))
    cv2.rectangle(top, (0, 0), (width - 1, height - 1), (118, 124, 128), 22)
    cv2.rectangle(top, (10, 10), (width - 11, height - 11), (70, 74, 78), 2)
    for left in (70, 190):
        cv2.rectangle(top, (left, 90), (left + 70, 200), (170, 160, 140), -1)
        cv2.rectangle(top, (left, 90), (left + 70, 200), (88, 88, 86), 5)
        cv2.line(top, (left + 35, 90), (left + 35, 200), (88, 88, 86), 3)
    return _sprite(cv2.copyMakeBorder(
        np.dstack([top, np.ones((height, width, 1), np.float32)]), 2, 2, 2, 2,
        cv2.BORDER_CONSTANT))


def _roof_shadow(ground: np.ndarray) -> None:
    """Darken the ground under and beside the roof."""
    alpha = np.zeros((ROOF_SIZE[1] + 120, ROOF_SIZE[0] + 120, 4), np.float32)
    alpha[60:-60, 60:-60, 3] = 0.6
    alpha = cv2.GaussianBlur(alpha, (0, 0), 14)
    _stamp(ground, alpha, (ROOF_CENTRE[0] + 26, ROOF_CENTRE[1] + 30))
