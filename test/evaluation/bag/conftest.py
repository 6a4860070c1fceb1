"""A bag of a written sequence."""

import pytest

from siamx_ros.evaluation.bag.writer import write_sequence


@pytest.fixture
def bag(tmp_path, sequence):
    write_sequence(tmp_path / 'walk', sequence)
    return tmp_path / 'walk'
