"""A first box that is a little off, the same one each time."""

from pathlib import Path

import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.commands import evaluate
from siamx_ros.data.inexact import DEVIATION, with_inexact_starts
from siamx_ros.data.sequence import Sequence
from siamx_ros.errors import InputError
from siamx_ros.evaluation.runner import first_visible

NAN = [np.nan] * 4


def sequence(name='a', boxes=(NAN, [100, 80, 40, 20], [102, 81, 40, 20])):
    boxes = np.array(boxes, float)
    return Sequence(name, tuple(Path(f'{i}.jpg') for i in range(len(boxes))), boxes)


def test_only_the_first_box_is_displaced():
    original = sequence()
    first, second = with_inexact_starts([original], 2)
    assert (first.name, second.name) == ('a~1', 'a~2')
    for each in (first, second):
        assert each.frame_paths == original.frame_paths
        np.testing.assert_array_equal(each.boxes_xywh[[0, 2]], original.boxes_xywh[[0, 2]])
        assert (each.boxes_xywh[1] != original.boxes_xywh[1]).all()
    assert not np.array_equal(first.boxes_xywh[1], second.boxes_xywh[1])
    np.testing.assert_array_equal(original.boxes_xywh[1], [100, 80, 40, 20])


def test_the_displacement_is_the_same_each_time_and_of_its_size():
    starts = np.array([s.boxes_xywh[1] for s in with_inexact_starts([sequence()], 500)])
    again = np.array([s.boxes_xywh[1] for s in with_inexact_starts([sequence()], 500)])
    np.testing.assert_array_equal(starts, again)
    size = np.log(starts[:, 2] / 40)
    np.testing.assert_allclose(starts[:, 2] / 40, starts[:, 3] / 20)
    shift = (starts[:, :2] + starts[:, 2:] / 2 - [120, 90]) / [40, 20]
    for deviate in (size, *shift.T):
        assert abs(deviate.mean()) < 0.003 and deviate.std() == pytest.approx(DEVIATION, rel=0.1)
    other = with_inexact_starts([sequence('b')], 1)[0].boxes_xywh[1]
    assert not np.array_equal(other, starts[0])


def test_a_target_that_is_never_there_is_refused_as_ever():
    first, = with_inexact_starts([sequence(boxes=(NAN, NAN))], 1)
    with pytest.raises(InputError, match='a~1 has no frame with a true box'):
        first_visible(first)


def test_the_command_runs_each_start(tmp_path, monkeypatch, capfd):
    """Sequences of two starts each in the table; official figures refuse it."""
    seen = []
    monkeypatch.setattr('siamx_ros.commands.evaluate.read_benchmark', lambda *_: [sequence()])
    monkeypatch.setattr('siamx_ros.evaluation.campaign.run_campaign',
                        lambda campaign: seen.extend(campaign.sequences) or {
                            'siamx': campaign.sequences})
    monkeypatch.setattr(evaluate, '_print_tables', lambda runs: None)
    assert main(['evaluate', str(tmp_path), '--trackers', 'siamx', '--inexact', '2']) == 0
    assert [each.name for each in seen] == ['a~1', 'a~2']
    assert main(['evaluate', str(tmp_path), '--inexact', '1', '--benchmark', 'otb']) == 2
    assert 'start from the true box' in capfd.readouterr().err
