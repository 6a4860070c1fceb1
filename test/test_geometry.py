"""Boxes as they are given."""

from __future__ import annotations

import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox


@pytest.mark.parametrize('given', [
    BoundingBox(1, 2, 3, 4), (1, 2, 3, 4), [1, 2, 3, 4], np.array([1, 2, 3, 4], np.uint8)])
def test_four_numbers_are_a_box(given):
    assert BoundingBox.of(given).xywh == (1, 2, 3, 4)


@pytest.mark.parametrize('given', [
    None, 7, 'abcd', '1234', ('1', '2', '3', '4'), (1, 2, 3), range(5), np.ones((2, 4)),
    (1, 2, None, 4)])
def test_anything_else_is_a_type_error(given):
    with pytest.raises(TypeError, match='must be a BoundingBox or four numbers'):
        BoundingBox.of(given)


def test_numbers_that_make_no_box_are_refused():
    with pytest.raises(InputError, match='positive'):
        BoundingBox.of((1, 2, 0, 4))
