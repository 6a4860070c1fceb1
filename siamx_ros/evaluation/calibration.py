"""Fitting a confidence to indicators that were seen with right and with wrong answers."""

from __future__ import annotations

import math

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.tracking.confidence import Calibration

BOUNDARY = 0.85
"""The confidence that stands for even odds: the paper's th separates right from wrong."""
INDICATORS = ('raw_score', 'peak_ratio', 'template_similarity', 'online_response',
              'colour_similarity')
"""Fields of a TrackResult that a calibration weighs, in the order of its call."""
SIGNS = np.array([1, -1, 1, 1, 1])
"""Whether more of an indicator may speak for (1) or against (-1) an answer. They depend on each
other: left free, one of them would take the wrong sign to make up for another's excess."""
RIDGE = 1e-4


def fit(indicators: np.ndarray, right: np.ndarray,
        groups: np.ndarray | None = None) -> Calibration:
    """Logistic regression, right and wrong answers weighing the same in every group.

    An indicator that would count the wrong way (:data:`SIGNS`) is left out.

    Args:
        indicators: N x 5, columns as :data:`INDICATORS`.
        right: N booleans.
        groups: N numbers of the kind of video an answer is from; None for one kind.

    Returns:
        A calibration whose confidence is ``BOUNDARY`` where right and wrong are equally likely.

    Raises:
        InputError: all answers are right, or all wrong.
    """
    right = np.asarray(right, bool)
    if right.all() or not right.any():
        raise InputError('a calibration needs right and wrong answers, got one kind only')
    raw = np.clip(indicators[:, 0], 1e-9, 1 - 1e-9)
    features = np.column_stack([np.log(raw / (1 - raw)), indicators[:, 1:], np.ones(len(right))])
    weight = _balanced(right, np.zeros(len(right)) if groups is None else groups)
    score, peak, similarity, response, colour, bias = _signed(features, right.astype(float), weight)
    return Calibration(
        score=score, peak=peak, similarity=similarity, response=response, colour=colour,
        bias=bias + math.log(BOUNDARY / (1 - BOUNDARY)))


def _balanced(right: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Weights of mean 1 that add up to the same for the right and the wrong ones of each group."""
    weight = np.zeros(len(right))
    for group in np.unique(groups):
        for kind in (right, ~right):
            chosen = kind & (groups == group)
            weight[chosen] = 1 / max(1, chosen.sum())
    return weight / weight.mean()


def _signed(features: np.ndarray, wanted: np.ndarray, weight: np.ndarray) -> list[float]:
    """The fit without the indicators that would take the wrong sign, the worst left out first."""
    used = np.ones(features.shape[1], bool)
    while True:
        coefficients = np.zeros(len(used))
        coefficients[used] = _newton(features[:, used], wanted, weight)
        effects = coefficients[:-1] * SIGNS * features[:, :-1].std(0)
        if effects.min() >= 0:
            return [float(value) for value in coefficients]
        used[effects.argmin()] = False


def _newton(features: np.ndarray, wanted: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Minimise the weighted cross-entropy with a small ridge; a few Newton steps reach it."""
    coefficients = np.zeros(features.shape[1])
    ridge = RIDGE * len(wanted) * np.eye(features.shape[1])
    ridge[-1, -1] = 0
    for _ in range(50):
        odds = 1 / (1 + np.exp(-np.clip(features @ coefficients, -30, 30)))
        gradient = features.T @ (weight * (odds - wanted)) + ridge @ coefficients
        curvature = (features * (weight * odds * (1 - odds))[:, None]).T @ features + ridge
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(coefficients)), gradient)
        coefficients -= step
        if np.abs(step).max() < 1e-9:
            break
    return coefficients
