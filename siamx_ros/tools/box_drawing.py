"""A box drawn by hand: mouse events in, box and the image it was drawn on out. Imports no ROS."""

from __future__ import annotations

from typing import Any

from siamx_ros.geometry import BoundingBox

MIN_SIDE = 4.0
"""Smaller boxes are slips of the hand, pixels."""


class BoxDrawing:
    """Two corners on one frame. The frame stays the same from the first corner to the second.

    Points outside the image count as its border.
    """

    def __init__(self) -> None:
        self.frame: Any = None
        self._size = (0, 0)
        self._corner: tuple[float, float] | None = None
        self._other: tuple[float, float] | None = None

    @property
    def active(self) -> bool:
        """Whether a first corner was given."""
        return self._corner is not None

    @property
    def box(self) -> BoundingBox | None:
        """The box as it is now, None while it has no extent."""
        if self._corner is None or self._other is None:
            return None
        (x0, y0), (x1, y1) = self._corner, self._other
        if abs(x1 - x0) < MIN_SIDE or abs(y1 - y0) < MIN_SIDE:
            return None
        return BoundingBox.from_corners(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def press(self, x: float, y: float, frame: Any, size: tuple[int, int]) -> None:
        """First corner, on a frame of a size (width, height)."""
        self.frame, self._size = frame, size
        self._corner = self._other = self._inside(x, y)

    def move(self, x: float, y: float) -> None:
        """The second corner so far."""
        if self.active:
            self._other = self._inside(x, y)

    def release(self, x: float, y: float) -> BoundingBox | None:
        """Second corner; None if the box is too small or was never begun."""
        self.move(x, y)
        box = self.box
        self._corner = self._other = self.frame = None
        return box

    def _inside(self, x: float, y: float) -> tuple[float, float]:
        return min(max(0.0, x), float(self._size[0])), min(max(0.0, y), float(self._size[1]))
