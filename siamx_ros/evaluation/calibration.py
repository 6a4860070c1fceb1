"""Fitting a confidence to indicators that were seen with right and with wrong answers."""

from __future__ import annotations

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.tracking.confidence import Calibration, logit

BOUNDARY = 0.85
"""The confidence that stands for even odds: the paper's th separates right from wrong."""
INDICATORS = ('raw_score', 'peak_ratio', 'template_similarity', 'online_response',
              'colour_similarity', 'backward_score')
"""Fields of a TrackResult that a calibration weighs, in the order of its call."""
SIGNS = np.array([1, -1, 1, 1, 1, 1])
"""Whether more of an indicator may speak for (1) or against (-1) an answer. They depend on each
other: left free, one of them would take the wrong sign to make up for another's excess."""
SCORES = [INDICATORS.index(name) for name in ('raw_score', 'backward_score')]
"""Indicators that are weighed by their logit."""
RIDGE = 1e-4
FEWEST = 6
"""Wrong answers of one kind in a group that are too few to weigh as much as the others."""


def fit(indicators: np.ndarray, right: np.ndarray, absent: np.ndarray | None = None,
        groups: np.ndarray | None = None) -> Calibration:
    """Logistic regression, right and wrong answers weighing the same in every group.

    So do those wrong ones that are given while the target is shown, and while it is absent: the
    latter are many, and easy.

    An indicator that would count the wrong way (:data:`SIGNS`) is left out.

    Args:
        indicators: N x 6, columns as :data:`INDICATORS`.
        right: N booleans.
        absent: N booleans, whether the target is not shown; None for always shown.
        groups: N numbers of the kind of video an answer is from; None for one kind.

    Returns:
        A calibration whose confidence is ``BOUNDARY`` where right and wrong are equally likely.

    Raises:
        InputError: all answers are right, or all wrong.
    """
    right = np.asarray(right, bool)
    if right.all() or not right.any():
        raise InputError('a calibration needs right and wrong answers, got one kind only')
    features = np.column_stack([indicators, np.ones(len(right))])
    features[:, SCORES] = np.vectorize(logit)(features[:, SCORES])
    weight = _balanced(right, np.zeros_like(right) if absent is None else absent,
                       np.zeros(len(right)) if groups is None else groups)
    *weights, bias = _signed(features, right.astype(float), weight)
    return Calibration(*weights, bias=bias + logit(BOUNDARY))


def _balanced(right: np.ndarray, absent: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Weights of mean 1 that add up to the same for the right and the wrong ones of each group."""
    weight = np.zeros(len(right))
    for group in np.unique(groups):
        inside = groups == group
        wrong = [kind & inside for kind in (~right & absent, ~right & ~absent)
                 if (kind & inside).sum() >= FEWEST] or [~right & inside]
        for chosen in wrong:
            weight[chosen] = 1 / max(1, chosen.sum())
        weight[right & inside] = len(wrong) / max(1, (right & inside).sum())
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
