"""What is learnt about one target beyond its template: extensions to the paper, each can be off.

A ridge classifier shares in the score map, colours in the confidence, and the error of the network
on the first image, where the box is known, is taken out of later boxes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Callable

import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.reduced_image import AnyImage
from siamx_ros.tracking.colour import ColourTemplate
from siamx_ros.tracking.decode import Candidate
from siamx_ros.tracking.ridge import RidgeFilter

FIRST_VIEWS = (
    (1.0, 0.0, 0.0), (1.0, -0.15, 0.1), (1.0, 0.12, -0.12), (0.85, 0.05, 0.05), (1.18, -0.05, 0.05))
"""Search windows on the first image: side, shift in x and y, relative to the normal side."""
FIRST_RATE = 0.2
RATE = 0.08
"""Weight of a new patch in the classifier: on the first image, later."""
MIN_RESPONSE = 0.25
"""The classifier learns from frames that it answers with at least this."""
TURNS = 12
"""Images in which everything is learnt once: a part of it in one image, nothing in most."""
COLOUR_TURN, TEACH_TURN, SOLVE_TURN = 2, 0, 1
"""In which of them colours learn, the classifier takes in an image and is solved."""
LARGEST_CORRECTION, LARGEST_SHIFT = 2.0, 0.5
"""Of the size, either way, and of the centre, relative to the size: beyond, the network saw
something else on the first image."""


@dataclass(frozen=True)
class View:
    """A search patch of the first image: its window, features, and the network's box there."""

    window: CropWindow
    features: np.ndarray
    predicted: BoundingBox


@dataclass(frozen=True)
class BoxCorrection:
    """Moves and resizes a predicted box, all relative to its size."""

    dx: float = 0.0
    dy: float = 0.0
    width: float = 1.0
    height: float = 1.0

    @classmethod
    def between(cls, predicted: list[BoundingBox], true: BoundingBox,
                strength: float) -> BoxCorrection:
        """Median over predictions of what would make each the true box.

        Args:
            strength: exponent of the change of size and weight of the shift, 0 (none) to 1 (all).
        """
        cx, cy = true.centre

        def limited(shift: float) -> float:
            return strength * min(max(shift, -LARGEST_SHIFT), LARGEST_SHIFT)

        def limited_ratio(ratio: float) -> float:
            return min(max(ratio, 1 / LARGEST_CORRECTION), LARGEST_CORRECTION) ** strength

        return cls(
            limited(median((cx - box.centre[0]) / box.w for box in predicted)),
            limited(median((cy - box.centre[1]) / box.h for box in predicted)),
            limited_ratio(median(true.w / box.w for box in predicted)),
            limited_ratio(median(true.h / box.h for box in predicted)))

    def __call__(self, box: BoundingBox) -> BoundingBox:
        cx, cy = box.centre
        return BoundingBox.from_centre(
            cx + self.dx * box.w, cy + self.dy * box.h, box.w * self.width, box.h * self.height)


class OnlineModel:
    """The extensions of one target; a part whose weight is 0 is left out.

    Args:
        config: ``online_weight`` and ``box_correction``.
        image: the first image, H x W x 3 uint8 BGR.
        box: the given box, image pixels.
        views: patches of the first image (see :data:`FIRST_VIEWS`), the first one centred.
    """

    def __init__(self, config: TrackerConfig, image: np.ndarray, box: BoundingBox,
                 views: list[View]) -> None:
        self._online_weight = config.online_weight
        self._correction = BoxCorrection.between(
            [view.predicted for view in views], box, config.box_correction)
        self._ridge = self._colour = None
        self._taken, self._unsolved = 0, False
        self._left: Callable[[], None] | None = None
        if self._online_weight:
            self._ridge = RidgeFilter(views[0].features)
            for index, view in enumerate(views):
                self._teach(view.features, view.window, box, FIRST_RATE if index else 1.0)
            self._ridge.solve()
            self._colour = ColourTemplate(image, box)

    def fuse(self, scores: np.ndarray,
             features: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Network scores n x n with the classifier's share, and the classifier's responses."""
        if self._ridge is None:
            return scores, None
        self.catch_up()
        response = self._ridge.respond(features)
        share = self._online_weight
        return (1 - share) * scores + share * response.clip(0, 1), response

    def colour_similarity(self, image: AnyImage, box: BoundingBox) -> float:
        """Of the target's colours and those in a box, 0 to 1; 0 without the classifier."""
        return 0.0 if self._colour is None else self._colour.compare(image, box)

    def strangeness(self, similarity: float) -> float:
        """How much less than usual the colours are the target's, as doubt in its logit."""
        return 0.0 if self._colour is None else self._colour.strangeness(similarity)

    def corrected(self, candidate: Candidate) -> Candidate:
        """A candidate without the error that the network's boxes had on the first image."""
        return replace(candidate, box=self._correction(candidate.box))

    def learn(self, image: np.ndarray, box: BoundingBox, features: np.ndarray,
              candidate: Candidate) -> None:
        """Take in a frame: its box, and features of the window of ``candidate``.

        Only some frames teach, and each only one part: see :data:`TURNS`. What the classifier has
        to do is left to :meth:`catch_up`.
        """
        self.catch_up()
        self._taken += 1
        if self._colour is not None:
            self._colour.expect(candidate.colour)
        turn = self._taken % TURNS
        if self._ridge is None:
            return
        if turn == COLOUR_TURN:
            self._colour.learn(image, box)
        elif turn == TEACH_TURN and candidate.response >= MIN_RESPONSE:
            self._left = partial(self._teach, features, candidate.window, box, RATE)
            self._unsolved = True
        elif turn == SOLVE_TURN and self._unsolved:
            self._left = self._ridge.solve
            self._unsolved = False

    def catch_up(self) -> None:
        """Do what the last frame left to do, if that is not done yet.

        Nothing needs it before the next frame is answered: it can be done while the network
        searches that one on another device.
        """
        left, self._left = self._left, None
        if left is not None:
            left()

    def _teach(self, features: np.ndarray, window: CropWindow, box: BoundingBox,
               rate: float) -> None:
        inside = window.to_patch(box)
        self._ridge.learn(features, inside.centre, (inside.w, inside.h), rate)
