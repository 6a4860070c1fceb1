"""Forward-backward consistency: is the target found in its first image by what is followed now?

What is followed becomes a template, and the first image is searched with it. Something else is
answered there weakly, or beside the target, although the target's template answers to it now.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np

from siamx_ros import imaging
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Engine
from siamx_ros.model.network import STRIDE, map_size
from siamx_ros.reduced_image import AnyImage
from siamx_ros.tracking.confidence import USUAL_BACKWARD
from siamx_ros.tracking.decode import cell_centres

NEAR_CENTRE = 0.25
"""Cells count that are no farther from the target's centre than this share of its size."""


class BackwardCheck:
    """The first image of one target, to be searched with what is followed later.

    Args:
        engine: of the tracker.
        patch: search patch of the first image, S x S x 3 uint8 BGR.
        window: from which it was cut.
        box: of the target there, image pixels.
        crop: how patches are cut (:data:`imaging.CROPS`).
        fill: colour outside of images, BGR.

    Attributes:
        first: what the network is to compare with of that patch.
        near: n x n, true for score-map cells at the target.
        score: of what is followed, as it was searched for last, 0 to 1.
    """

    def __init__(self, engine: Engine, patch: np.ndarray, window: CropWindow, box: BoundingBox,
                 crop: str, fill: tuple[float, float, float]) -> None:
        self._geometry, self.first = engine.geometry, engine.encode_search(patch)
        self._crop, self._fill = imaging.CROPS[crop], fill
        self.near = _cells_near_centre(window, box)
        self.score = USUAL_BACKWARD

    def template_patch(self, image: AnyImage, box: BoundingBox) -> np.ndarray:
        """What a box shows now, as the patch of a template."""
        return self._crop(image, self._geometry.template_window(box), self._fill)


def backward_scores(engine: Engine, image: AnyImage,
                    questions: Sequence[tuple[BackwardCheck, BoundingBox]]) -> list[float]:
    """The network's scores at targets in their first images, for what boxes show now.

    Args:
        image: H x W x 3 uint8 BGR, or blocks of it.
        questions: a target's first image, and a box in image pixels, each.
    """
    if not questions:
        return []
    scores = engine.scores_of_many([(check.template_patch(image, box), check.first)
                                    for check, box in questions])
    return [float(each[check.near].max()) for each, (check, _) in zip(scores, questions)]


def _cells_near_centre(window: CropWindow, box: BoundingBox) -> np.ndarray:
    """n x n, true for cells at the middle of a box: at least for the nearest ones."""
    inside = window.to_patch(box)
    grid = cell_centres(map_size(window.patch_side), window.patch_side)
    along, down = (np.abs(grid - place) <= max(STRIDE, NEAR_CENTRE * side) for place, side in zip(
        inside.centre, (inside.w, inside.h)))
    return np.outer(down, along)
