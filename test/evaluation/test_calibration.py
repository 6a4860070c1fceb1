"""The fit of a confidence."""

import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.evaluation.calibration import BOUNDARY, fit


def answers(count=4000, seed=1):
    """Indicators whose log-odds of being right are known.

    They are 2 logit(score) + 3 response + logit(backward score) - 4.
    """
    rng = np.random.default_rng(seed)
    raw, backward = rng.uniform(0.05, 0.95, (2, count))
    response = rng.uniform(0, 1, count)
    odds = 2 * np.log(raw / (1 - raw)) + 3 * response + np.log(backward / (1 - backward)) - 4
    right = rng.random(count) < 1 / (1 + np.exp(-odds))
    others = rng.random((3, count))
    return np.column_stack([raw, *others[:2], response, others[2], backward]), right


def test_slopes_are_found_and_useless_indicators_ignored():
    indicators, right = answers(40000)
    calibration = fit(indicators, right)
    assert calibration.score == pytest.approx(2, rel=0.1)
    assert calibration.response == pytest.approx(3, rel=0.1)
    assert calibration.backward == pytest.approx(1, rel=0.1)
    assert abs(calibration.peak) < 0.25 and abs(calibration.similarity) < 0.25


def test_the_boundary_separates_right_from_wrong():
    indicators, right = answers()
    calibration = fit(indicators, right)
    sure = np.array([calibration(*row) for row in indicators]) >= BOUNDARY
    errors = (~sure[right]).mean(), sure[~right].mean()
    assert abs(errors[0] - errors[1]) < 0.06 and max(errors) < 0.25


@pytest.mark.parametrize('column, sign', [(1, 1), (2, -1), (3, -1), (4, -1)])
def test_an_indicator_never_counts_the_wrong_way(column, sign):
    """Here a high response, say, goes with wrong answers: it is left out, the rest is fitted."""
    indicators, right = answers()
    indicators[:, column] = indicators[:, 3] if sign > 0 else 1 - indicators[:, 3]
    if column != 3:
        indicators[:, 3] = np.random.default_rng(4).random(len(right))
    calibration = fit(indicators, right)
    assert list(vars(calibration).values())[column] == 0
    assert calibration.score > 1


def test_every_group_weighs_the_same():
    """A large group where the response says nothing does not hide that it does in a small one."""
    indicators, right = answers(400)
    rng = np.random.default_rng(2)
    noise = np.column_stack([np.full(40000, 0.5), rng.random((40000, 5))])
    both = np.concatenate([indicators, noise])
    verdicts = np.concatenate([right, rng.random(40000) < 0.5])
    alone = fit(both, verdicts).response
    grouped = fit(both, verdicts, groups=np.repeat([0, 1], [400, 40000])).response
    assert abs(alone) < 0.2 and grouped > 0.5


def test_wrong_ones_weigh_the_same_while_the_target_is_shown_and_absent():
    """Many answers while it is absent, which the score tells, do not hide what the others need."""
    rng = np.random.default_rng(5)
    right = np.repeat([True, False], [1000, 2100])
    absent = np.repeat([False, True], [1100, 2000])
    indicators = np.full((3100, 6), 0.5)
    indicators[:, 0] = np.where(absent, rng.uniform(0, 0.6, 3100), rng.uniform(0.4, 1, 3100))
    indicators[:, 5] = np.where(right | absent, rng.uniform(0.4, 1, 3100),
                                rng.uniform(0, 0.6, 3100))
    apart, mixed = fit(indicators, right, absent), fit(indicators, right)
    shown = ~right & ~absent
    wrong = [(np.array([each(*row) for row in indicators[shown]]) >= BOUNDARY).mean()
             for each in (apart, mixed)]
    assert apart.backward > 1.5 * mixed.backward and wrong[0] < 0.6 * wrong[1]


@pytest.mark.parametrize('value', [True, False])
def test_one_kind_of_answer_is_refused(value):
    with pytest.raises(InputError, match='right and wrong'):
        fit(np.full((5, 6), 0.5), np.full(5, value))
