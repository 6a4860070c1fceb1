"""The image to show: the newest one that the tracker has answered, as JPEG. Imports no ROS."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
import math
from threading import Lock
from typing import Any

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.messages.conversions import (
    compressed_size, image_from_compressed, image_from_msg, without_exif)
from siamx_ros.panel.panel_config import PanelConfig

ANSWER_PATIENCE_S = 1.0
"""How long an image waits for its answer; without any in time, images are shown as they come."""
WAITING_BYTES, WAITING_IMAGES = 128_000_000, 8
"""Images that wait may have so many bytes together, and these many may wait whatever their size."""
EARLY_ANSWERS = 8
"""Answers that may wait for their images."""


@dataclass(frozen=True)
class Shown:
    """An image and what the tracker said about it.

    Attributes:
        number: grows with every image that is shown.
        target: TrackedTarget with the stamp of the image, or None.
    """

    number: int
    message: Any
    target: Any = None


@dataclass
class _Arrival:
    """An image that may still be answered; ``message`` is None once it has lost its turn.

    It is kept then to tell a tracker that answers in time from one that does not.
    """

    message: Any
    size: int
    came_s: float


@dataclass(frozen=True)
class Picture:
    """A JPEG, and width and height of the image that it was made of."""

    jpeg: bytes
    size: tuple[int, int]


class ImageFeed:
    """Brings images and answers together by their stamps; thread-safe.

    An image waits for its answer, so that the box lies where the target is, and an answer that is
    faster than its image for that. Where no answer comes in time (the tracker is silent, too slow,
    or sees another camera), images are shown as they come, without a box.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._recent: OrderedDict[tuple[int, int], _Arrival] = OrderedDict()
        self._early: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._shown: Shown | None = None
        self._count = 0
        self._answered_s = -math.inf

    def add(self, message: Any, now_s: float) -> bool:
        """Take an image; returns whether it is to be shown at once. ``now_s``: steady seconds."""
        with self._lock:
            self._keep(message, now_s)
            target = self._early.pop(_key(message), None)
            if target is not None:
                self._answered_s = now_s
            elif now_s - self._answered_s <= ANSWER_PATIENCE_S:
                return False
            self._show(message, target)
            return True

    def answer(self, target: Any, now_s: float) -> bool:
        """Take the tracker's answer; returns whether its image is now the one to show."""
        with self._lock:
            arrival = self._recent.get(_key(target))
            if arrival is None:
                self._early[_key(target)] = target
                while len(self._early) > EARLY_ANSWERS:
                    self._early.popitem(last=False)
                return False
            self._answered_s = now_s
            if arrival.message is None:
                return False
            self._show(arrival.message, target)
            return True

    def newest(self) -> Shown | None:
        """What to show now; None before the first image and after :meth:`clear`."""
        with self._lock:
            return self._shown

    def clear(self) -> None:
        """Forget all images, as when nobody looks."""
        with self._lock:
            self._recent.clear()
            self._early.clear()
            self._shown = None

    def _keep(self, message: Any, now_s: float) -> None:
        """Let an image wait; those that have waited too long, or are too many, are left out."""
        recent, key = self._recent, _key(message)
        recent[key] = _Arrival(message, len(message.data), now_s)
        recent.move_to_end(key)
        while now_s - next(iter(recent.values())).came_s > ANSWER_PATIENCE_S:
            recent.popitem(last=False)
        size = sum(arrival.size for arrival in recent.values())
        while size > WAITING_BYTES and len(recent) > WAITING_IMAGES:
            size -= recent.popitem(last=False)[1].size

    def _show(self, message: Any, target: Any) -> None:
        """Show an image; older ones that wait have lost their turn, and it, too, once answered."""
        for key, arrival in self._recent.items():
            if key < _key(message) or key == _key(message) and target is not None:
                arrival.message = None
        self._count += 1
        self._shown = Shown(self._count, message, target)


def to_picture(message: Any, config: PanelConfig) -> Picture:
    """Encode an image as the settings say; a JPEG that is not too wide keeps its pixels.

    Raises:
        InputError: the image cannot be read.
    """
    if hasattr(message, 'format'):
        data = bytes(message.data)
        width, height = compressed_size(data)
        if data[:2] == b'\xff\xd8' and 0 < width <= config.image_width:
            return Picture(without_exif(data), (width, height))
        image = image_from_compressed(message)
    else:
        image = image_from_msg(message, config.image_encoding_override)
    height, width = image.shape[:2]
    if width > config.image_width:
        small = config.image_width, max(1, round(height * config.image_width / width))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode('.jpg', np.ascontiguousarray(image),
                              [cv2.IMWRITE_JPEG_QUALITY, config.jpeg_quality])
    if not done:
        raise InputError(f'an image of {width}x{height} pixels cannot be encoded as JPEG')
    return Picture(data.tobytes(), (width, height))


def _key(message: Any) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec
