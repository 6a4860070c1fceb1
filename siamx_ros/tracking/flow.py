"""Did the target's pixels move to where it is seen now? Median Flow (Kalal et al., ICPR 2010).

A look that changes faster than the network can follow, as when a target turns over, makes its
confidence fall; from one image to the next, its pixels still go along. Where something else is
taken for it, or it is covered, they do not: they are not found again, or somewhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.inference import Patch

GRID, INNER = 10, 0.8
"""Points along each side of a box, and the share of the box that they cover."""
SEARCH = {'winSize': (11, 11), 'maxLevel': 3}
"""Of each point: pixels around it that are compared, and halvings of the patch."""
MOST_ERROR = 0.2
"""Median distance between a point and where it comes back to, in sizes of the target, up to which
points are found again."""
SMALLEST_GROWTH = 0.01
"""That of points which fell together, as a box has a size."""
LEAST_OVERLAP = 0.5
"""Intersection over union, from which on, of the box that the points lead to and the seen one."""


@dataclass(frozen=True)
class Sight:
    """What an image showed of the target: its search patch, S x S uint8, and its box in that."""

    grey: np.ndarray
    inside: BoundingBox

    @classmethod
    def of(cls, patch: Patch, window: CropWindow, box: BoundingBox) -> Sight:
        """Of the patch of a window, and a box in the image; a copy, whatever becomes of that."""
        return cls(_grey(patch), window.to_patch(box))


def is_carried(before: Sight | None, now: Sight | None) -> bool:
    """Whether the pixels of a box went to where the target is seen in the next image.

    What an image showed is None where it is not known.
    """
    if before is None or now is None:
        return False
    start, end = before.inside, now.inside
    points, guess = _grid(start), _grid(end)
    side = max(len(before.grey), len(now.grey))
    found, errors = _there_and_back(
        _extended(before.grey, side), _extended(now.grey, side), points, guess)
    size, error = math.sqrt(start.area), np.median(errors)
    if not error <= MOST_ERROR * size:  # infinite where most points are not found
        return False
    kept = errors <= error
    return _moved(start, points[kept], found[kept]).iou(end) >= LEAST_OVERLAP


def _there_and_back(first: np.ndarray, second: np.ndarray, points: np.ndarray,
                    guess: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points of the first patch are in the second, and how far from them those lead back.

    Args:
        first, second: h x w uint8.
        points, guess: N x 2 float32, x and y: in the first, and where to look in the second.

    Returns:
        N x 2 and N; infinite where a point is not found.
    """
    found, seen, _ = cv2.calcOpticalFlowPyrLK(
        first, second, points, guess.copy(), flags=cv2.OPTFLOW_USE_INITIAL_FLOW, **SEARCH)
    back, seen_back, _ = cv2.calcOpticalFlowPyrLK(  # not told the answer: where all went as guessed
        second, first, found, points + found - guess, flags=cv2.OPTFLOW_USE_INITIAL_FLOW, **SEARCH)
    errors = np.linalg.norm(back - points, axis=1)
    errors[(seen & seen_back).ravel() == 0] = np.inf
    return found, errors


def _moved(box: BoundingBox, points: np.ndarray, found: np.ndarray) -> BoundingBox:
    """A box moved by the median of its points' shifts, and grown by that of their distances."""
    shift_x, shift_y = np.median(found - points, axis=0)
    one, other = np.triu_indices(len(points), 1)
    before, after = (np.linalg.norm(each[one] - each[other], axis=1) for each in (points, found))
    growth = max(float(np.median(after / before)), SMALLEST_GROWTH)
    x, y = box.centre
    return BoundingBox.from_centre(
        x + float(shift_x), y + float(shift_y), box.w * growth, box.h * growth)


def _grid(box: BoundingBox) -> np.ndarray:
    """Points of the inner part of a box, N x 2 float32."""
    steps = np.linspace(-INNER / 2, INNER / 2, GRID)
    (x, y), across, down = box.centre, *np.meshgrid(steps * box.w, steps * box.h)
    return np.stack([x + across.ravel(), y + down.ravel()], 1).astype(np.float32)


def _extended(grey: np.ndarray, side: int) -> np.ndarray:
    """A patch with its edge repeated to the right and below: both must be of one size."""
    missing = side - len(grey)
    return cv2.copyMakeBorder(grey, 0, missing, 0, missing, cv2.BORDER_REPLICATE)


def _grey(patch: Patch) -> np.ndarray:
    """A patch, cut or still to be sampled, as S x S uint8."""
    if isinstance(patch, np.ndarray):
        return cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY)
    (x, y), (step_x, step_y) = patch.origin, patch.step
    return cv2.warpAffine(
        cv2.cvtColor(patch.pixels, cv2.COLOR_BGR2GRAY),
        np.array([[step_x, 0.0, x], [0.0, step_y, y]]), (patch.side, patch.side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
