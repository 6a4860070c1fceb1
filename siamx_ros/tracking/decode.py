"""From the network's maps to one candidate box (paper, Eq. 5 and 6; the tracker's penalties)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Sequence

import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox, CropWindow
from siamx_ros.model.network import STRIDE, map_size
from siamx_ros.tracking.confidence import USUAL_BACKWARD

PEAK_RADIUS = 4
"""Cells around the chosen one that count as the same peak."""
LOST_WINDOW_INFLUENCE = 0.001
"""Weight of the cosine window where the target may be anywhere in a region."""
SAME_BOX = 0.5
"""Intersection over union from which a box lies on that of another target."""
SMALLEST = 1e-3
"""Least width and height of a predicted box, patch pixels."""
SMALLEST_SCORE = 1e-6
"""Score by which another one is divided at least."""
EXCLUDED = 2.0
"""What is taken from the penalised score, 0 to 1, of a cell that is excluded."""


@dataclass(frozen=True)
class Candidate:
    """The best cell of one search window.

    Attributes:
        box: the cell's box in image pixels: centre and size as predicted, not smoothed.
        score: raw sigmoid of the network at the cell.
        size_rate: how far the tracked size follows ``box``, 0 to 1.
        peak_ratio: highest score outside the peak divided by the one at the cell.
        cell: (row, column) on the score map.
        window: the window that was searched.
        response: of the target's own classifier at the cell, 0 without one.
        merit: penalised score by which the cell was chosen, below 0 where all are excluded.
        colour: similarity of the colours in ``box`` and the target's, 0 where not computed.
        backward: see :class:`~siamx_ros.tracking.backward.BackwardCheck`; assumed where not known.
    """

    box: BoundingBox
    score: float
    size_rate: float
    peak_ratio: float
    cell: tuple[int, int]
    window: CropWindow
    response: float = 0.0
    merit: float = 0.0
    colour: float = 0.0
    backward: float = USUAL_BACKWARD


def cell_centres(cells: int, patch_side: int) -> np.ndarray:
    """Eq. (5): patch positions of the score-map cells, pixels, shape (cells,).

    Continuous patch pixels; cells counted from 0, the middle one at the middle of the patch.
    """
    return patch_side / 2 + (np.arange(cells) - cells // 2) * float(STRIDE)


def reach(window: CropWindow) -> float:
    """How far the outermost cells of a window lie from its middle, image pixels."""
    return map_size(window.patch_side) // 2 * STRIDE / max(window.scales)


class Weighed(NamedTuple):
    """What speaks for the cells of a window, n x n each.

    Attributes:
        scores: the network's, with the classifier's share.
        penalty: of a change of size or aspect, 0 to 1.
        merits: penalised scores with the cosine window, 0 to 1, by which a cell is chosen.
    """

    scores: np.ndarray
    penalty: np.ndarray
    merits: np.ndarray


def weigh(scores: np.ndarray, distances: np.ndarray, window: CropWindow, last: BoundingBox,
          config: TrackerConfig, window_influence: float) -> Weighed:
    """What speaks for each cell of a window.

    Args:
        scores: n x n, 0 to 1.
        distances: 4 x n x n as left, top, right, bottom in patch pixels.
        window: the searched window.
        last: the last box, image pixels; only its size matters.
        window_influence: weight of the cosine window.
    """
    width, height = np.maximum(distances[:2] + distances[2:], SMALLEST)
    before = window.to_patch(last)
    penalty = size_penalty(width, height, before.w, before.h, config.penalty_k)
    merits = (penalty * scores * (1 - window_influence)
              + cosine_window(len(scores), map_size(config.search_size)) * window_influence)
    return Weighed(scores, penalty, merits)


@lru_cache(maxsize=8)
def cosine_window(cells: int, whole: int) -> np.ndarray:
    """Outer product of two Hann windows, cells x cells.

    The middle of the one of ``whole`` cells, so that a smaller patch weighs its places alike; of
    the score map's own size, with an outer ring of zeros, where that is larger.
    """
    hann = np.hanning(max(cells, whole))
    cut = (len(hann) - cells) // 2
    hann = hann[cut:cut + cells]
    return np.outer(hann, hann)


def size_penalty(width: np.ndarray, height: np.ndarray, last_width: float, last_height: float,
                 strength: float) -> np.ndarray:
    """Penalty, 0 to 1, for a change of size or aspect against the last one; all in patch pixels."""
    change = _either_way(_mean_size(width, height) / _mean_size(last_width, last_height))
    aspect = _either_way((last_width / last_height) / (width / height))
    return np.exp(-(change * aspect - 1) * strength)


def choose(weighed: Weighed, distances: np.ndarray, window: CropWindow, size_lr: float,
           excluded: np.ndarray | None = None) -> Candidate:
    """Pick the cell with the best penalised score.

    Args:
        distances: 4 x n x n as left, top, right, bottom in patch pixels.
        window: the searched window.
        size_lr: how far the tracked size follows a sure box of the same size.
        excluded: n x n, true for cells that are not to be chosen while there are others, nor to
            count as a second peak; None for none.
    """
    scores, penalty, merits = weighed
    if excluded is not None:
        scores = np.where(excluded, 0, scores)
        merits = np.where(excluded, merits - EXCLUDED, merits)
    row, column = divmod(int(merits.argmax()), scores.shape[1])
    score = float(scores[row, column])
    return Candidate(
        box=box_at(distances, (row, column), window), score=score,
        size_rate=float(penalty[row, column]) * score * size_lr,
        peak_ratio=_peak_ratio(scores, row, column), cell=(row, column), window=window,
        merit=float(merits[row, column]))


def box_at(distances: np.ndarray, cell: tuple[int, int], window: CropWindow) -> BoundingBox:
    """Eq. (6) for a cell: its box in image pixels, at least a thousandth of a patch pixel wide."""
    row, column = cell
    grid = cell_centres(distances.shape[-1], window.patch_side)
    left, top, right, bottom = distances[:, row, column].tolist()
    return window.to_image(BoundingBox.from_centre(
        float(grid[column]) + (right - left) / 2, float(grid[row]) + (bottom - top) / 2,
        max(left + right, SMALLEST), max(top + bottom, SMALLEST)))


def cells_on(boxes: Sequence[BoundingBox], distances: np.ndarray,
             window: CropWindow) -> np.ndarray | None:
    """Cells whose box is about the same as one of ``boxes``; None for none.

    Args:
        boxes: image pixels.
        distances: 4 x n x n as left, top, right, bottom in patch pixels.
        window: the searched window.

    Returns:
        n x n, true for those cells.
    """
    near = [window.to_patch(box) for box in boxes if box.iou(window.box) > 0]
    if not near:
        return None
    grid = cell_centres(distances.shape[-1], window.patch_side)
    left, top, right, bottom = distances
    x0, y0, x1, y1 = grid - left, grid[:, None] - top, grid + right, grid[:, None] + bottom
    area = (left + right) * (top + bottom)
    same = np.zeros(area.shape, bool)
    for box in near:
        width = np.minimum(x1, box.x + box.w) - np.maximum(x0, box.x)
        height = np.minimum(y1, box.y + box.h) - np.maximum(y0, box.y)
        both = np.maximum(width, 0) * np.maximum(height, 0)
        same |= both >= np.maximum(SAME_BOX * (area + box.area - both), SMALLEST)
    return same if same.any() else None


def cell_nearest(point: tuple[float, float], cells: int, window: CropWindow) -> tuple[int, int]:
    """(row, column) of the score-map cell nearest to a point of the image, pixels."""
    place = window.to_patch(BoundingBox.from_centre(*point, 1.0, 1.0)).centre
    grid = cell_centres(cells, window.patch_side)
    return int(np.abs(grid - place[1]).argmin()), int(np.abs(grid - place[0]).argmin())


def smoothed_size(last: BoundingBox, candidate: Candidate) -> tuple[float, float]:
    """The next size: the released tracker smooths twice, ``w + rate^2 (w_predicted - w)``."""
    rate = candidate.size_rate ** 2
    return (last.w + rate * (candidate.box.w - last.w), last.h + rate * (candidate.box.h - last.h))


def without_peak(weighed: Weighed, cell: tuple[int, int]) -> Weighed:
    """The same with a cell and those around it as if they were excluded."""
    around = _around(cell)
    scores, merits = weighed.scores.copy(), weighed.merits.copy()
    scores[around] = 0
    merits[around] -= EXCLUDED
    return weighed._replace(scores=scores, merits=merits)


def _around(cell: tuple[int, int]) -> tuple[slice, slice]:
    """What counts as one peak with a cell."""
    rows, columns = (slice(max(0, index - PEAK_RADIUS), index + PEAK_RADIUS + 1) for index in cell)
    return rows, columns


def _peak_ratio(scores: np.ndarray, row: int, column: int) -> float:
    rest = scores.copy()
    rest[_around((row, column))] = 0
    return float(rest.max() / max(scores[row, column], SMALLEST_SCORE))


def _mean_size(width, height):
    pad = (width + height) / 2
    return np.sqrt((width + pad) * (height + pad))


def _either_way(ratio: np.ndarray) -> np.ndarray:
    return np.maximum(ratio, 1 / ratio)
