"""A target-specific classifier learnt while tracking, beside the network's frozen score.

Linear ridge regression from the network's search features to a Gaussian at the target: what sets
this target apart from this background, which training pairs could not tell. Solved exactly from
accumulated normal equations, so it is deterministic and costs the same in every frame.
"""

from __future__ import annotations

import numpy as np
import torch

from siamx_ros.model.network import STRIDE

DIMENSIONS = 32
"""Principal components of the features that are kept."""
REACH = 1
"""Neighbour cells on each side that a response sees: kernels of 3 x 3 cells."""
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


class RidgeFilter:
    """Responses of one target's classifier.

    Args:
        features: C x n x n features of a search patch around the target; their statistics set the
            basis for good.
    """

    def __init__(self, features: np.ndarray) -> None:
        flat = features.reshape(len(features), -1)
        self._mean = flat.mean(1, keepdims=True)
        deviation = flat.std(1, keepdims=True) + 1e-3
        centred = (flat - self._mean) / deviation
        axes = torch.linalg.eigh(
            torch.from_numpy(_product(centred, centred.T) / centred.shape[1]))[1].numpy()
        basis = axes[:, ::-1][:, :DIMENSIONS].T / deviation.T
        spread = np.sqrt(np.mean(_product(basis, flat - self._mean) ** 2))
        self._basis = (basis / spread).astype(np.float32)
        size = len(self._basis) * (2 * REACH + 1) ** 2 + 1
        self._normal = np.zeros((size, size), np.float32)
        self._wanted = np.zeros(size, np.float32)
        self._use(np.zeros(size, np.float32))

    def learn(self, features: np.ndarray, centre: tuple[float, float], size: tuple[float, float],
              rate: float) -> None:
        """Take in a patch; older ones fade by ``1 - rate``. Takes effect with :meth:`solve`.

        Args:
            features: C x n x n.
            centre: of the target, patch pixels.
            size: its width and height, patch pixels.
            rate: weight of this patch, 0 to 1.
        """
        wanted, weight = _wanted(features.shape[-1], centre, size)
        root = np.sqrt(weight)
        columns = self._columns(features, root)
        self._normal += rate * (_gram(columns) - self._normal)
        self._wanted += rate * (_product(columns, (root * wanted).ravel()) - self._wanted)

    def solve(self) -> None:
        """Recompute the weights from all that was learnt."""
        normal = torch.from_numpy(self._normal) + RIDGE * torch.eye(len(self._normal))
        wanted = torch.from_numpy(self._wanted)[:, None]
        factor = torch.linalg.cholesky(normal)
        self._use(torch.cholesky_solve(wanted, factor)[:, 0].numpy())

    def respond(self, features: np.ndarray) -> np.ndarray:
        """Response of every score-map cell, (n - 6) x (n - 6), about 0 (background) to 1."""
        cells = features.shape[-1]
        parts = _product(
            self._kernels, features.reshape(len(features), -1)).reshape(-1, cells, cells)
        inner, width = cells - 2 * MARGIN, 2 * REACH + 1
        response = np.full((inner, inner), self._offset, np.float32)
        for index, part in enumerate(parts):
            row, column = (MARGIN - REACH + shift for shift in divmod(index, width))
            response += part[row:row + inner, column:column + inner]
        return response

    def _use(self, weights: np.ndarray) -> None:
        """Respond by these weights of the components, from now on in terms of the features."""
        self._weights = weights
        self._kernels = _product(weights[:-1].reshape(-1, len(self._basis)), self._basis)
        self._offset = weights[-1] - float(_product(self._kernels, self._mean).sum())

    def _reduced(self, features: np.ndarray) -> np.ndarray:
        """Components of the features in the basis, DIMENSIONS x n x n."""
        flat = features.reshape(len(features), -1)
        return _product(self._basis, flat - self._mean).reshape(-1, *features.shape[1:])

    def _columns(self, features: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """One column a cell, times its weight: the components of its neighbourhood, and a one."""
        reduced = self._reduced(features)
        count, rows, cells = reduced.shape
        padded = np.pad(reduced, ((0, 0), (REACH, REACH), (REACH, REACH)))
        columns = np.empty((len(self._wanted), rows, cells), np.float32)
        for index, (dy, dx) in enumerate(np.ndindex(2 * REACH + 1, 2 * REACH + 1)):
            np.multiply(padded[:, dy:dy + rows, dx:dx + cells], weight,
                        out=columns[index * count:(index + 1) * count])
        columns[-1] = weight
        return columns.reshape(len(columns), -1)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrix product, by torch: numpy's library has threads of its own, which go on spinning
    for a while and take the cores away from the network."""
    return (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


def _gram(rows: np.ndarray) -> np.ndarray:
    """``rows @ rows.T``: what is the same on both sides of the diagonal is computed once."""
    half = len(rows) // 2
    first, second = rows[:half], rows[half:]
    gram = np.empty((len(rows), len(rows)), np.float32)
    gram[:half, :half] = _product(first, first.T)
    gram[half:, half:] = _product(second, second.T)
    gram[half:, :half] = _product(second, first.T)
    gram[:half, half:] = gram[half:, :half].T
    return gram


def _wanted(cells: int, centre: tuple[float, float],
            size: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """The wanted Gaussian and the weight of each feature cell, cells x cells."""
    place = np.arange(cells) * STRIDE + STRIDE - 0.5
    bumps = []
    for middle, side in zip(centre, size):
        spread = min(max(SPREAD * side, SPREAD_LIMITS[0]), SPREAD_LIMITS[1])
        bumps.append(np.exp(-0.5 * ((place - middle) / spread) ** 2))
    wanted = np.outer(bumps[1], bumps[0]).astype(np.float32)
    target = wanted > POSITIVE
    weight = np.where(target, POSITIVE_SHARE / max(1, target.sum()),
                      (1 - POSITIVE_SHARE) / max(1, (~target).sum()))
    return wanted, weight.astype(np.float32)
