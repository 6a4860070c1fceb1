"""Short videos with boxes, made from photographs: a camera flies over one, and the scene may cut.

Held-out photographs become held-out video: the target moves, grows, turns and blurs, leaves with a
cut to another picture, and comes back elsewhere in the image. Videos of any kind get another light,
poorer copies, and cuts from one to others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection

import cv2
import numpy as np

from siamx_ros.training.pictures import PictureSet

VIEW = (384, 288)
"""Width and height of the images, pixels."""
SMALLEST, LARGEST = 14.0, 0.2
"""Targets: shortest side in pixels of the photograph, largest share of its area."""
NEIGHBOURS = 5
"""The cutaway shows one of the next so many photographs by name: they are often of one kind."""
PASSES = ((0, 36), (52, 66))
"""First and last frame (exclusive) of each stretch that shows the target; the rest is a cutaway."""
CUTS, CUT = 4, 15
"""Cuts to other videos at the end of each, and images after each cut."""
BRIGHTNESS, TINT = 0.7, 0.1
"""Largest change of all channels and of each, powers of two; see :func:`changing_light`."""


@dataclass(frozen=True)
class SyntheticVideo:
    """Images and boxes of one target.

    Attributes:
        images: H x W x 3 uint8 BGR each.
        boxes: N x 4 x, y, w, h in pixels; NaN where the target is not shown.
    """

    images: Collection[np.ndarray]
    boxes: np.ndarray


def make_synthetic_videos(pictures: PictureSet, count: int,
                          rng: np.random.Generator) -> list[SyntheticVideo]:
    """Videos over random boxed photographs, each interrupted by one over another.

    Returns:
        ``count`` videos; none if fewer than two photographs have a target of a size to fly over.
    """
    targets = boxed_targets(pictures)
    if len(targets) < 2:
        return []
    return [_video(targets, rng) for _ in range(count)]


def changing_light(count: int, rng: np.random.Generator) -> np.ndarray:
    """Gains of blue, green and red in ``count`` images, from 1 evenly to a random light.

    Tracks over photographs, and short videos, would else say that colours never change.
    """
    brightness, tint = rng.uniform(-BRIGHTNESS, BRIGHTNESS), rng.uniform(-TINT, TINT, 3)
    return 2.0 ** np.outer(np.linspace(0, 1, count), brightness + tint)


def lit(image: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """An image in the light of a row of :func:`changing_light`."""
    return np.rint((image * gain).clip(0, 255)).astype(np.uint8)


def poorer(video: SyntheticVideo, step: int) -> SyntheticVideo:
    """Every so many images of a video, made as much smaller."""
    images = [cv2.resize(image, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
              for image in video.images[::step]]
    return SyntheticVideo(images, video.boxes[::step] / step)


def cut_away(videos: list[tuple[int, SyntheticVideo]]) -> list[SyntheticVideo]:
    """Each video with cuts to some of the next ones of other scenes.

    They are moved so that their target stands where that of the video was last, in its size: a
    network that has learnt objects takes it for the target, unless likeness and colours speak.

    Args:
        videos: the scene of each, and the video, which begins with its target.
    """
    longer = []
    for number, (scene, video) in enumerate(videos):
        others = [other for its_scene, other in videos[number + 1:] + videos[:number]
                  if its_scene != scene][:CUTS]
        shown = np.isfinite(video.boxes).all(1)
        size, last = video.images[0].shape[1::-1], video.boxes[shown][-1]
        away = [image for other in others for image in _in_its_place(other, last, size)]
        absent = np.full((len(away), 4), np.nan)
        longer.append(SyntheticVideo([*video.images, *away], np.concatenate([video.boxes, absent])))
    return longer


def _video(targets: list[tuple[np.ndarray, np.ndarray]],
           rng: np.random.Generator) -> SyntheticVideo:
    chosen = rng.integers(len(targets))
    near = (chosen + rng.integers(1, min(NEIGHBOURS, len(targets) - 1) + 1)) % len(targets)
    (image, box), (other, elsewhere) = (
        (image, boxes[rng.integers(len(boxes))])
        for image, boxes in (targets[chosen], targets[near]))
    images, boxes, end = [], [], 0
    for begin, stop in PASSES:
        for shown, _ in _fly(other, elsewhere, begin - end, rng):
            images.append(shown)
            boxes.append(np.full(4, np.nan))
        for shown, place in _fly(image, box, stop - begin, rng):
            images.append(shown)
            boxes.append(place)
        end = stop
    return SyntheticVideo(images, np.array(boxes))


def boxed_targets(pictures: PictureSet) -> list[tuple[np.ndarray, np.ndarray]]:
    """Photographs and those of their boxes in them that are neither too small nor too large."""
    found = []
    for index, boxes in pictures.boxed:
        image, boxes = pictures.images[index], np.asarray(boxes, float)
        area = image.shape[0] * image.shape[1]
        fits = (boxes[:, 2:].min(1) >= SMALLEST) & (boxes[:, 2] * boxes[:, 3] <= LARGEST * area)
        fits &= ((boxes[:, :2] < image.shape[1::-1]) & (boxes[:, :2] + boxes[:, 2:] > 0)).all(1)
        if fits.any():
            found.append((image, boxes[fits]))
    return found


def _fly(image: np.ndarray, box: np.ndarray, count: int, rng: np.random.Generator):
    """``count`` views of a photograph and the box in each."""
    height, width = image.shape[:2]
    zoom = rng.uniform(1.0, 1.8) * min(VIEW[0] / width, VIEW[1] / height)
    common = walk(rng, count, 0.35)
    zooms = zoom * np.exp(np.stack([common + walk(rng, count, 0.15), common]))
    angles = np.deg2rad(walk(rng, count, 9.0))
    reach = rng.uniform(0.05, 0.28)
    drift = np.stack([walk(rng, count, reach * width), walk(rng, count, reach * height)], 1)
    gains, blurred = np.exp(walk(rng, count, 0.2)), rng.random() < 0.3
    for step in range(count):
        linear = np.diag(zooms[:, step]) @ _turn(angles[step])
        centre = box[:2] + box[2:] / 2
        room = np.maximum(np.array(VIEW) / 2 / zooms[:, step] - box[2:] / 2, 0)
        shift = np.array(VIEW) / 2 - linear @ (centre + np.clip(drift[step], -room, room))
        move = np.column_stack([linear, shift + linear @ (0.5, 0.5) - 0.5])  # of pixels' middles
        view = cv2.warpAffine(image, move, VIEW, borderMode=cv2.BORDER_REPLICATE)
        if blurred and rng.random() < 0.4:
            view = cv2.blur(view, (int(rng.integers(2, 8)), int(rng.integers(1, 4))))
        view = view * gains[step] + rng.normal(0, 4, view.shape)
        size = box[2:] * np.hypot(*linear)
        place = linear @ centre + shift - size / 2
        yield np.clip(view, 0, 255).astype(np.uint8), np.concatenate([place, size])


def walk(rng: np.random.Generator, count: int, deviation: float, pace: int = 10) -> np.ndarray:
    """A smooth random curve around 0 with a new random goal every ``pace`` frames."""
    goals = np.convolve(rng.normal(0, deviation, count // pace + 4), [0.25, 0.5, 0.25], 'valid')
    return np.interp(np.arange(count) / pace, np.arange(len(goals)), goals)


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def _in_its_place(other: SyntheticVideo, box: np.ndarray, size: tuple[int, int]):
    """The first images of a video, its target first moved to ``box``, in ``size`` (w, h)."""
    x, y, w, h = other.boxes[0]
    scale = float(np.sqrt(box[2] * box[3] / (w * h)))
    shift = box[:2] + box[2:] / 2 - scale * np.array([x + w / 2, y + h / 2])
    shift += scale / 2 - 0.5  # of pixels' middles
    move = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    for image in other.images[:CUT]:
        yield cv2.warpAffine(image, move, size, borderMode=cv2.BORDER_REFLECT_101)
