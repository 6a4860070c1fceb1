"""A target that turns in the image plane, or whose camera rolls: its first image, rolled.

The network answers a template weakly once the target is turned far enough. How it looks then is
known from the first image: rolled in steps of :data:`STEP`, that gives the template, and is what
the backward check searches.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from siamx_ros import imaging
from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.model.inference import Engine, Template
from siamx_ros.patch_geometry import rolled_size
from siamx_ros.tracking.backward import BackwardCheck
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.states import AMBIGUOUS_RATIO

STEP = 45
"""Degrees from one roll to the next."""
TURNS = 360 // STEP
FINEST = 120.0
"""Geometric mean of the target's sides in the kept first image, pixels, at most."""
WIDEST = 1024
"""Side of a rolled first image, pixels, at most."""
LEAST = 0.5
"""Confidence from which another roll is believed, where the target is seen rolled already; one that
was upright must reach ``recover_threshold``."""
CERTAIN = 0.97
"""Confidence from which another roll is believed whatever speaks for the last one: an upright
target may look less like it, too."""
REST = 1
"""Doubtful images in which an upright target is not looked for rolled, after one in which it was in
vain: each look takes a search."""
STAYS, UPRIGHT = 0.05, 0.1
"""What speaks for the roll of the last image, and for none, as additional confidence."""


class View(NamedTuple):
    """The target as it looks in one roll: as a template, and in its first image."""

    template: Template
    backward: BackwardCheck


class RolledViews:
    """The first image of one target in all rolls, each encoded when it is asked for.

    Args:
        engine: of the tracker.
        image: the first image, H x W x 3 uint8 BGR.
        box: of the target there, image pixels.
        fill: colour outside of images, BGR.
        config: settings of the tracker.
        upright: the target as it is in the first image.

    Attributes:
        config: settings of the tracker, which may change.
        turn: in which roll the target was seen last, counter-clockwise steps of :data:`STEP`
            degrees; 0 for upright.
    """

    def __init__(self, engine: Engine, image: np.ndarray, box: BoundingBox,
                 fill: tuple[float, float, float], config: TrackerConfig, upright: View) -> None:
        self._engine, self._fill, self.config = engine, fill, config
        longer = max(box.w, box.h)
        seen = engine.geometry.search_window(BoundingBox(0, 0, longer, longer), config.steady_size)
        self._scale = min(1.0, FINEST / math.sqrt(box.w * box.h), WIDEST / seen.width)
        self._side = math.ceil(seen.width * self._scale)
        self._size = box.w * self._scale, box.h * self._scale
        self._pixels = _around(image, box, seen.width * math.sqrt(2), self._scale, fill)
        self._views = {0: upright}
        self.turn = self._rest = self._looks = 0
        self._sense = 1

    def __getitem__(self, turn: int) -> View:
        """The target rolled by so many steps, modulo a full turn."""
        turn %= TURNS
        if turn not in self._views:
            self._views[turn] = self._made(turn)
        return self._views[turn]

    def others(self) -> list[int]:
        """Rolls that may follow that of the last image: the nearest ones, and none.

        They take turns in being the first, and begin with the one that goes on turning.
        """
        nearest = [(self.turn + step) % TURNS for step in (self._sense, -self._sense)]
        turns = list(dict.fromkeys([nearest[0], *([0] if self.turn else []), nearest[1]]))
        first = self._looks % len(turns)
        self._looks += 1
        return turns[first:] + turns[:first]

    def may_turn(self, candidate: Candidate, confidence: float) -> bool:
        """Whether to look for other rolls, after what was seen in that of the last image.

        Where two peaks are about as high, the question is which of them is the target.
        """
        if confidence >= self.config.recover_threshold:
            return False
        if not self.turn and self._rest:
            self._rest -= 1
            return False
        return bool(self.turn) or (confidence >= self.config.gone_threshold
                                   and candidate.peak_ratio < AMBIGUOUS_RATIO)

    def turn_to(self, turn: int) -> None:
        """Note in which roll the target was seen, after at least one other was looked at, too."""
        self._rest = 0 if turn or self.turn else REST
        if turn != self.turn:
            self._sense = 1 if (turn - self.turn) % TURNS <= TURNS // 2 else -1
            self._looks = 0
        self.turn = turn

    def merit(self, turn: int, confidence: float) -> float:
        """By which rolls are compared."""
        if confidence >= CERTAIN:
            return confidence + STAYS + UPRIGHT
        return confidence + STAYS * (turn == self.turn) + UPRIGHT * (turn == 0)

    def believed_from(self) -> float:
        """The confidence that another roll must reach."""
        return LEAST if self.turn else self.config.recover_threshold

    def _made(self, turn: int) -> View:
        angle, middle = turn * STEP, self._side / 2
        turned = cv2.getRotationMatrix2D(
            ((self._pixels.shape[1] - 1) / 2, (self._pixels.shape[0] - 1) / 2), angle, 1.0)
        turned[:, 2] += (self._side - np.array(self._pixels.shape[1::-1])) / 2
        image = cv2.warpAffine(self._pixels, turned, (self._side, self._side),
                               flags=cv2.INTER_LINEAR, borderValue=self._fill)
        box = BoundingBox.from_centre(middle, middle, *rolled_size(*self._size, angle))
        crop, geometry = imaging.CROPS[self.config.crop], self._engine.geometry
        template = self._engine.embed(crop(image, geometry.template_window(box), self._fill))
        window = geometry.search_window(box, self.config.steady_size)
        return View(template, BackwardCheck(
            self._engine, crop(image, window, self._fill), window, box, self.config.crop,
            self._fill))


def _around(image: np.ndarray, box: BoundingBox, side: float, scale: float,
            fill: tuple[float, float, float]) -> np.ndarray:
    """The square around a box, ``side`` image pixels wide, at a scale of at most 1."""
    if scale < 1:
        across, down = (scale if round(length * scale) else 1 / length  # a thin image keeps a line
                        for length in image.shape[1::-1])
        image = cv2.resize(image, None, fx=across, fy=down, interpolation=cv2.INTER_AREA)
    cells, (x, y) = math.ceil(side * scale), box.centre
    shift = np.array([[1.0, 0.0, (cells - 1) / 2 - (x * scale - 0.5)],
                      [0.0, 1.0, (cells - 1) / 2 - (y * scale - 0.5)]])
    return cv2.warpAffine(image, shift, (cells, cells), borderValue=fill)
