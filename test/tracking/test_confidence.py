"""Calibrations as checkpoints bring them: what is no finite number is refused by a sentence."""

import math

import pytest

from siamx_ros.errors import InputError
from siamx_ros.tracking.confidence import Calibration


@pytest.mark.parametrize('value', [
    10**400, -10**400, float('nan'), float('inf'), '1', None, [1.0]],
    ids=['large', 'small', 'none', 'infinite', 'text', 'nothing', 'list'])
def test_what_is_no_finite_number(value):
    with pytest.raises(InputError, match='calibration holds bias=.*finite numbers') as refusal:
        Calibration.from_tables({'online': {'score': 2, 'bias': value}}, online=True)
    assert len(str(refusal.value)) < 250


def test_each_indicator_shares_in_the_logit_by_its_weight():
    weights = Calibration(score=2.0, bias=-0.5, peak=-1.5, similarity=0.75, response=0.3,
                          colour=1.25, backward=0.4)
    total = (2.0 * math.log(0.8 / 0.2) - 0.5 - 1.5 * 0.2 + 0.75 * 0.6 + 0.3 * 0.9 + 1.25 * 0.7
             + 0.4 * math.log(0.9 / 0.1))
    assert weights(0.8, 0.2, 0.6, 0.9, 0.7, 0.9) == pytest.approx(1 / (1 + math.exp(-total)))


def test_what_has_no_weight_may_be_unknown():
    assert Calibration(score=1.0)(0.5, math.nan, math.nan) == pytest.approx(
        Calibration(score=1.0)(0.5, 1.0, 1.0))


def test_whole_numbers_and_the_largest_are_taken():
    assert Calibration.from_dict({'score': 2, 'bias': -1.7e308}) == Calibration(2.0, bias=-1.7e308)
