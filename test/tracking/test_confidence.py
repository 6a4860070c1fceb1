"""Calibrations as checkpoints bring them: what is no finite number is refused by a sentence."""

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


def test_whole_numbers_and_the_largest_are_taken():
    assert Calibration.from_dict({'score': 2, 'bias': -1.7e308}) == Calibration(2.0, bias=-1.7e308)
