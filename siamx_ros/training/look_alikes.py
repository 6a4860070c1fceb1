"""Others of the target's kind that pass behind it in a video, or stay beside it.

They are cut from photographs in ellipses, which leaves enough of an object to be taken for one.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Sequence

import cv2
import numpy as np

from siamx_ros.training.synthetic_video import SyntheticVideo, walk

ALIKE = 8
"""Of so many others, the most alike in shape, some are taken."""
HUE, LIGHT = 12.0, 0.2
"""Largest change of a copy of the target: hue in degrees of OpenCV, and share of its lightness."""
TALLER, LEANER = 0.1, 1.4
"""Heights differ from the target's by this share, shapes by at most this factor of the width."""
FAR = (1.5, 3.0)
"""How far from the target one comes from that passes it, widths of the target."""
NEAR = (0.8, 1.2)
"""How far one is that stays beside it, widths of the target."""
SWAY = 0.15
"""Deviation from such a path, widths and heights of the target."""
SOFT = 0.1
"""Width of an ellipse's edge, share of its shorter side."""


def with_look_alikes(video: SyntheticVideo, others: Sequence[np.ndarray],
                     rng: np.random.Generator) -> SyntheticVideo:
    """A video with one to three look-alikes behind its target: copies of it, and others.

    Args:
        video: its target is shown in the first image.
        others: objects, H x W x 3 uint8 BGR each; those of about its shape are taken. May be empty.
    """
    target = cut_out(video.images[0], video.boxes[0])
    alike = sorted(others, key=lambda other: abs(math.log(_slimness(other) / _slimness(target))))
    looks = [_changed(target, rng), *(alike[index] for index in rng.permutation(
        min(ALIKE, len(alike)))[:2])]
    shown = rng.permutation(len(looks))[:rng.integers(1, len(looks) + 1)]
    people = [_path(looks[index], len(video.images), rng) for index in shown]
    images = [image if np.isnan(box).any() else _painted(image, box, people, step)
              for step, (image, box) in enumerate(zip(video.images, video.boxes))]
    return SyntheticVideo(images, video.boxes)


def cut_out(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """What of a box (x, y, w, h in pixels) lies in the image, at least one pixel of it."""
    rows, columns = (slice(max(0, min(int(low), limit - 1)), max(1, int(low) + 1, int(low + side)))
                     for low, side, limit in zip(box[1::-1], box[:1:-1], image.shape))
    return image[rows, columns]


class _LookAlike(NamedTuple):
    """How one looks, and N x 2 places of its centre, widths and heights of the target from it."""

    look: np.ndarray
    height: float
    places: np.ndarray


def _slimness(look: np.ndarray) -> float:
    return look.shape[0] / look.shape[1]


def _changed(look: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same from the other side, in somewhat other colours."""
    hsv = cv2.cvtColor(np.ascontiguousarray(look[:, ::-1]), cv2.COLOR_BGR2HSV).astype(float)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-HUE, HUE)) % 180
    hsv[..., 2] *= 1 + rng.uniform(-LIGHT, LIGHT)
    return cv2.cvtColor(hsv.clip(0, 255).astype(np.uint8), cv2.COLOR_HSV2BGR)


def _path(look: np.ndarray, count: int, rng: np.random.Generator) -> _LookAlike:
    side = rng.choice([-1, 1])
    if rng.random() < 0.5:
        along = side * np.linspace(-rng.uniform(*FAR), rng.uniform(*FAR), count)
    else:
        along = side * rng.uniform(*NEAR) + walk(rng, count, SWAY)
    return _LookAlike(look, 1 + rng.uniform(-TALLER, TALLER),
                      np.stack([along, walk(rng, count, SWAY)], 1))


def _painted(image: np.ndarray, box: np.ndarray, people: list[_LookAlike],
             step: int) -> np.ndarray:
    """An image with look-alikes behind the target in ``box``."""
    canvas = image.astype(np.float32)
    for person in people:
        height = person.height * box[3]
        wide = height * person.look.shape[1] / person.look.shape[0]
        size = np.array([min(max(wide, box[2] / LEANER), box[2] * LEANER), height])
        corner = box[:2] + box[2:] / 2 + person.places[step] * box[2:] - size / 2
        scale = size / person.look.shape[1::-1]
        move = np.column_stack([np.diag(scale), corner + scale / 2 - 0.5])
        there = cv2.warpAffine(person.look, move, image.shape[1::-1], flags=cv2.INTER_AREA,
                               borderMode=cv2.BORDER_REPLICATE)
        canvas += _ellipse(image, corner, size) * (there - canvas)
    canvas += _ellipse(image, box[:2], box[2:]) * (image - canvas)
    return np.rint(canvas).astype(np.uint8)


def _ellipse(image: np.ndarray, corner: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Opacity, H x W x 1: 1 within the ellipse of a box, 0 outside, with a soft edge."""
    y, x = np.ogrid[:image.shape[0], :image.shape[1]]
    middle = corner + size / 2 - 0.5
    radius = np.hypot((x - middle[0]) / size[0], (y - middle[1]) / size[1]) * 2
    return np.clip((1 - radius) / SOFT, 0, 1).astype(np.float32)[..., None]
