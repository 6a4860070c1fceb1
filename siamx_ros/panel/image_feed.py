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
    compressed_size, image_from_compressed, image_from_msg)
from siamx_ros.panel.panel_config import PanelConfig

WAITING_IMAGES = 8
"""Images that may wait for the tracker's answer, and answers for their images."""
ANSWER_PATIENCE_S = 1.0
"""After so long without an answer, images are shown without one."""


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


@dataclass(frozen=True)
class Picture:
    """A JPEG, and width and height of the image that it was made of."""

    jpeg: bytes
    size: tuple[int, int]


class ImageFeed:
    """Brings images and answers together by their stamps; thread-safe.

    An image waits for its answer, so that the box lies where the target is, and an answer that is
    faster than its image for that; where the tracker is silent, images are shown as they come.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._early: OrderedDict[tuple[int, int], Any] = OrderedDict()
        self._shown: Shown | None = None
        self._count = 0
        self._answered_s = -math.inf

    def add(self, message: Any, now_s: float) -> bool:
        """Take an image; returns whether it is to be shown at once. ``now_s``: steady seconds."""
        with self._lock:
            target = self._early.pop(_key(message), None)
            if target is not None or now_s - self._answered_s > ANSWER_PATIENCE_S:
                self._show(message, target)
                return True
            _keep(self._waiting, message)
            return False

    def answer(self, target: Any, now_s: float) -> bool:
        """Take the tracker's answer; returns whether its image is now the one to show."""
        with self._lock:
            self._answered_s = now_s
            message = self._waiting.pop(_key(target), None)
            if message is None:
                _keep(self._early, target)
                return False
            self._show(message, target)
            return True

    def newest(self) -> Shown | None:
        """What to show now; None before the first image and after :meth:`clear`."""
        with self._lock:
            return self._shown

    def clear(self) -> None:
        """Forget all images, as when nobody looks."""
        with self._lock:
            self._waiting.clear()
            self._early.clear()
            self._shown = None

    def _show(self, message: Any, target: Any) -> None:
        """Show an image; those that wait longer have lost their turn."""
        for key in list(self._waiting):
            if key <= _key(message):
                del self._waiting[key]
        self._count += 1
        self._shown = Shown(self._count, message, target)


def to_picture(message: Any, config: PanelConfig) -> Picture:
    """Encode an image as the settings say; a JPEG that is not too wide is left as it is.

    Raises:
        InputError: the image cannot be read.
    """
    if hasattr(message, 'format'):
        data = bytes(message.data)
        width, height = compressed_size(data)
        if data[:2] == b'\xff\xd8' and 0 < width <= config.image_width:
            return Picture(data, (width, height))
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


def _keep(waiting: OrderedDict, message: Any) -> None:
    """Let a message wait; the oldest of too many is left out."""
    waiting[_key(message)] = message
    waiting.move_to_end(_key(message))
    while len(waiting) > WAITING_IMAGES:
        waiting.popitem(last=False)


def _key(message: Any) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec
