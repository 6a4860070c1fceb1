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
        problem: why the last image that was looked at could not be read; empty where it could.
    """

    def __init__(self, decode: Callable[..., AnyImage]) -> None:
        self._decode, self._last, self.problem = decode, -math.inf, ''

    def at(self, frame: Frame) -> str:
        """The problem of an image, or of the last one that was looked at if it is not."""
        if frame.received - self._last < EVERY_S:
            return self.problem
        self._last, self.problem = frame.received, ''
        try:
            self._decode(frame, max(FLAGS))
        except InputError as error:
            self.problem = str(error)
        return self.problem
