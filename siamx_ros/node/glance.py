"""Whether images can be read while no target needs them. Imports no ROS."""

from __future__ import annotations

import math
from typing import Callable

from siamx_ros.errors import InputError
from siamx_ros.messages.frames import Frame
from siamx_ros.reduced_image import FLAGS, AnyImage

EVERY_S = 1.0
"""Seconds from one image that is looked at to the next."""


class Glance:
    """Decodes one image a second, coarsely; for the worker thread alone.

    Args:
        decode: as that of :class:`Session`.

    Attributes:
        failed: whether the last image that was looked at could not be read.
    """

    def __init__(self, decode: Callable[..., AnyImage]) -> None:
        self._decode, self._last, self.failed = decode, -math.inf, False

    def at(self, frame: Frame) -> str:
        """Why an image cannot be read; empty where it can, or is not looked at."""
        if frame.received - self._last < EVERY_S:
            return ''
        self._last = frame.received
        try:
            self._decode(frame, max(FLAGS))
        except InputError as error:
            self.failed = True
            return str(error)
        self.failed = False
        return ''
