"""A target-specific classifier learnt while tracking, beside the network's frozen score.

Linear ridge regression from the network's search features to a Gaussian at the target: what sets
this target apart from this background, which training pairs could not tell. Solved exactly from
accumulated normal equations, so it is deterministic and costs the same in every frame.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from siamx_ros.model.network import STRIDE

DIMENSIONS = 32
"""Principal components of the features that are kept."""
REACH = 1
"""Neighbour cells on each side that a response sees."""
NEAR = 2 * REACH + 1
"""Side of that neighbourhood: kernels of 3 x 3 cells."""
MARGIN = 3
"""Feature cells outside the score map on each side."""
SPREAD = 0.2
"""Deviation of the wanted Gaussian, relative to the target's size."""
SPREAD_LIMITS = (6.0, 40.0)
"""The same, patch pixels."""
POSITIVE = 0.1
"""Wanted value from which a cell counts as target."""
POSITIVE_SHARE = 0.3
"""Weight of all target cells together; background gets the rest."""
RIDGE = 0.01
LEAST_SPREAD = 1e-3
"""Of features and components by which they are divided: an empty picture has none."""


class RidgeFilter:
    """Responses of one target's classifier.

    Args:
        features: C x n x n features of a search patch around the target; their statistics set the
            basis for good. All is fastest where the channels of a cell lie side by side in memory.
    """

    def __init__(self, features: np.ndarray) -> None:
        flat = _by_cells(features)
        self._mean = flat.mean(0)
        deviation = flat.std(0) + LEAST_SPREAD
        centred = (flat - self._mean) / deviation
        axes = torch.linalg.eigh(
            torch.from_numpy(_product(centred.T, centred) / len(centred)))[1].numpy()
        basis = axes[:, ::-1][:, :DIMENSIONS] / deviation[:, None]
        spread = np.sqrt(np.mean(_product(flat - self._mean, basis) ** 2))
        self._basis = (basis / max(spread, LEAST_SPREAD)).astype(np.float32)
        size = self._basis.shape[1] * NEAR ** 2 + 1
        self._normal = np.zeros((size, size), np.float32)
        self._wanted = np.zeros(size, np.float32)
        self._use(np.zeros(size, np.float32))

    def learn(self, features: np.ndarray, centre: tuple[float, float], size: tuple[float, float],
              rate: float) -> None:
        """Take in a patch; older ones fade by ``1 - rate``. Takes effect with :meth:`solve`.

        Args:
            centre: of the target, patch pixels.
            size: its width and height, patch pixels.
            rate: weight of this patch, 0 to 1.
        """
        reduced = self._reduced(features)
        lesson = _lesson(len(reduced), centre, size)
        for total, new in ((self._normal, _normal_matrix(reduced, lesson)),
                           (self._wanted, _normal_vector(reduced, lesson))):
            total *= 1 - rate
            new *= rate
            total += new

    def solve(self) -> None:
        """Recompute the weights from all that was learnt."""
        normal = torch.from_numpy(self._normal.copy())
        normal.diagonal().add_(RIDGE)
        wanted = torch.from_numpy(self._wanted)[:, None]
        self._use(torch.cholesky_solve(wanted, torch.linalg.cholesky(normal))[:, 0].numpy())

    def respond(self, features: np.ndarray) -> np.ndarray:
        """Response of every score-map cell, (n - 6) x (n - 6), about 0 (background) to 1."""
        cells = features.shape[-1]
        parts = _product(_by_cells(features), self._kernels.T)
        parts = parts.reshape(cells, cells, NEAR, NEAR).transpose(2, 3, 0, 1)
        inner, start = cells - 2 * MARGIN, MARGIN - REACH
        kernel_row, kernel_column, row, column = parts.strides
        moved = np.lib.stride_tricks.as_strided(
            parts[:, :, start:, start:], (NEAR, NEAR, inner, inner),
            (kernel_row + row, kernel_column + column, row, column), writeable=False)
        return moved.sum((0, 1)) + np.float32(self._offset)

    def _use(self, weights: np.ndarray) -> None:
        """Respond by these weights of the components, from now on in terms of the features."""
        self._weights = weights
        self._kernels = _product(weights[:-1].reshape(NEAR ** 2, -1), self._basis.T)
        self._offset = weights[-1] - float((self._kernels @ self._mean).sum())

    def _reduced(self, features: np.ndarray) -> np.ndarray:
        """Components of the features in the basis, n x n x DIMENSIONS."""
        components = _product(_by_cells(features), self._basis) - self._mean @ self._basis
        return components.reshape(*features.shape[1:], -1)


class _Lesson(NamedTuple):
    """What is wanted at the cells of a patch and at those around it.

    Attributes:
        wanted: (n + 2) x (n + 2), a Gaussian at the target.
        target: rows and columns in it of those that count as target.
        weights: of each background cell and of each target cell.
    """

    wanted: np.ndarray
    target: tuple[np.ndarray, np.ndarray]
    weights: tuple[float, float]


def _lesson(cells: int, centre: tuple[float, float], size: tuple[float, float]) -> _Lesson:
    """For a patch of cells x cells, with the target's centre and size in its pixels."""
    place = np.arange(-REACH, cells + REACH) * STRIDE + STRIDE - 0.5
    bumps = []
    for middle, side in zip(centre, size):
        spread = min(max(SPREAD * side, SPREAD_LIMITS[0]), SPREAD_LIMITS[1])
        bumps.append(np.exp(-0.5 * ((place - middle) / spread) ** 2))
    wanted = np.outer(bumps[1], bumps[0]).astype(np.float32)
    rows, columns = np.nonzero(wanted > POSITIVE)
    background = (1 - POSITIVE_SHARE) / max(1, wanted.size - len(rows))
    return _Lesson(wanted, (rows, columns), (background, POSITIVE_SHARE / max(1, len(rows))))


def _normal_matrix(reduced: np.ndarray, lesson: _Lesson) -> np.ndarray:
    """Sum over cells of weight times the outer product of what the cell sees with itself.

    A cell sees the components of its neighbourhood, 0 outside the patch, and a one. If all cells
    weighed the same, how two neighbours go together would depend on where they lie to each other
    alone: that is computed once for each such shift, and the few target cells are added.
    """
    cells, _, count = reduced.shape
    padded = np.pad(reduced, ((NEAR - 1,) * 2, (NEAR - 1,) * 2, (0, 0)))
    background, target = lesson.weights
    normal = np.empty((count * NEAR ** 2 + 1,) * 2, np.float32)
    shifted = _shifted_products(padded, cells)[_shifts()]
    normal[:-1, :-1] = shifted.transpose(0, 2, 1, 3).reshape(len(normal) - 1, -1)
    normal[:-1, -1] = normal[-1, :-1] = np.tile(reduced.sum((0, 1)), NEAR ** 2)
    normal[-1, -1] = lesson.wanted.size
    rows, columns = lesson.target
    near = np.lib.stride_tricks.sliding_window_view(padded, (NEAR, NEAR), (0, 1))[rows, columns]
    seen = np.ones((len(rows), len(normal)), np.float32)
    seen[:, :-1] = near.transpose(0, 2, 3, 1).reshape(len(rows), len(normal) - 1)
    rows_seen = torch.from_numpy(seen)
    return torch.from_numpy(normal).addmm_(
        rows_seen.T, rows_seen, beta=background, alpha=target - background).numpy()


def _shifted_products(padded: np.ndarray, cells: int) -> np.ndarray:
    """Sums of products of two cells' components, over all cells, for each shift between the two.

    Args:
        padded: components of cells x cells, with 2 REACH cells of zeros around.

    Returns:
        Shifts x components x components; shifts row by row from -2 REACH to 2 REACH.
    """
    side, count = padded.shape[1:]
    flat = torch.from_numpy(padded.reshape(-1, count))
    edge = NEAR - 1
    first, last = edge * side, (edge + cells) * side - edge
    here = flat[first:last].T
    reach = range(-edge, edge + 1)
    later = [here @ flat[first + row * side + column:last + row * side + column]
             for row in reach for column in reach if (row, column) >= (0, 0)]
    return torch.stack([*(each.T for each in later[:0:-1]), *later]).numpy()


@lru_cache(maxsize=1)
def _shifts() -> np.ndarray:
    """The number, in :func:`_shifted_products`, of the shift between any two neighbours."""
    places = np.array(list(np.ndindex(NEAR, NEAR)))
    shift = places[None] - places[:, None] + NEAR - 1
    return shift[..., 0] * (2 * NEAR - 1) + shift[..., 1]


def _normal_vector(reduced: np.ndarray, lesson: _Lesson) -> np.ndarray:
    """Sum over cells of weight times what is wanted there times what the cell sees."""
    cells, _, count = reduced.shape
    background, target = lesson.weights
    pull = background * lesson.wanted
    pull[lesson.target] *= target / background
    seen_from = np.lib.stride_tricks.sliding_window_view(pull, (NEAR, NEAR))[..., ::-1, ::-1]
    vector = _product(seen_from.reshape(cells ** 2, -1).T, reduced.reshape(-1, count))
    return np.append(vector.ravel(), pull.sum())


def _by_cells(features: np.ndarray) -> np.ndarray:
    """C x n x n features as a row a cell: a view where channels lie side by side in memory."""
    return features.transpose(1, 2, 0).reshape(-1, len(features))


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product, by torch: the libraries of numpy and OpenCV have threads of their own,
    which go on spinning for a while and take the cores away from the network."""
    return (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()
