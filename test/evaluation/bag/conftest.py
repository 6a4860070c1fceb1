"""A bag of a written sequence, and trackers whose figures are known."""

import pytest

from siamx_ros.evaluation.bag.writer import write_sequence
from siamx_ros.evaluation.trackers import TrackerSpec


@pytest.fixture
def bag(tmp_path, sequence):
    write_sequence(tmp_path / 'walk', sequence)
    return tmp_path / 'walk'


@pytest.fixture
def oracle(monkeypatch, trackers, sequence):
    """Trackers that are built know the truth."""
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Oracle(sequence.boxes_xywh))
