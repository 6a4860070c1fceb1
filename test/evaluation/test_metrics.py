"""Measures against hand-computed cases and a slow second implementation."""

import math

import numpy as np
import pytest

from siamx_ros.evaluation import metrics
from siamx_ros.evaluation.runner import Run
from siamx_ros.evaluation.scores import score
from siamx_ros.geometry import iou_xywh
from siamx_ros.records import TrackState


def boxes(seed, count=200):
    random = np.random.default_rng(seed)
    return np.concatenate(
        [random.uniform(0, 60, (count, 2)), random.uniform(5, 60, (count, 2))], 1)


@pytest.mark.parametrize('overlap, thresholds', [
    pytest.param(1.0, 20, id='strict: a perfect tracker scores 20 of 21'),
    pytest.param(0.0, 0, id='nothing, not even at zero'),
    pytest.param(0.5, 10, id='0 to 0.45'), pytest.param(0.52, 11, id='0 to 0.5')])
def test_success_by_hand(overlap, thresholds):
    curve = metrics.success_curve(np.full(7, overlap))
    assert curve.tolist() == [1] * thresholds + [0] * (21 - thresholds)


def test_precision_includes_its_threshold():
    curve = metrics.precision_curve(np.array([20.0, 20.0001, 0.0, np.inf]))
    assert curve[20] == 0.5 and curve[0] == 0.25 and curve[21] == 0.75


def test_centre_errors_by_hand():
    truth = np.array([[0, 0, 10, 20.0], [0, 0, 10, 20]])
    mine = np.array([[3, 4, 10, 20.0], [np.nan] * 4])
    np.testing.assert_allclose(metrics.centre_errors(mine, truth), [5, np.inf])
    np.testing.assert_allclose(
        metrics.normalised_errors(mine, truth), [math.hypot(0.3, 0.2), np.inf])


def test_against_a_slow_second_implementation():
    mine, truth = boxes(1), boxes(2)
    overlap, pixels = iou_xywh(mine, truth), metrics.centre_errors(mine, truth)
    for index, (a, b) in enumerate(zip(mine, truth)):
        width = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
        height = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
        both = width * height
        assert overlap[index] == pytest.approx(both / (a[2] * a[3] + b[2] * b[3] - both))
        dx = a[0] + a[2] / 2 - b[0] - b[2] / 2
        dy = a[1] + a[3] / 2 - b[1] - b[3] / 2
        assert pixels[index] == pytest.approx(math.sqrt(dx * dx + dy * dy))
    for step in range(21):
        expected = sum(value > step / 20 for value in overlap) / len(overlap)
        assert metrics.success_curve(overlap)[step] == pytest.approx(expected)


def test_validity_errors_by_hand():
    overlap = np.array([np.nan, 0.05, 0.05, 0.1, 0.5, 0.49, 0.9])
    truth = np.tile([0.0, 0, 100, 100], (7, 1))
    run = Run.empty('seven', truth)
    run.boxes[:] = np.column_stack([np.zeros((7, 2)), 100 * overlap, np.full(7, 100)])
    run.valid[:] = [1, 1, 0, 1, 1, 1, 0]
    run.states[1:] = np.where([0, 1, 0, 1, 1, 0], TrackState.LOST, TrackState.TRACKING)
    scores = score(run)
    assert scores.wrong_while_valid == pytest.approx(1 / 6)
    assert scores.false_lost == pytest.approx(1 / 6)
    assert scores.invalid_while_right == 1 and math.isnan(scores.valid_while_absent)
    run.truth[1:3] = np.nan
    assert score(run).valid_while_absent == 0.5


def test_drops_of_validity_by_hand():
    """A drop counts on the first frame that is not valid, if its box is right."""
    valid = np.array([0, 1, 0, 0, 1, 0, 1, 0], bool)
    right = np.array([1, 1, 1, 1, 1, 0, 1, 1], bool)
    assert metrics.valid_drops(valid, right) == pytest.approx(100 * 2 / 7)
    assert metrics.valid_drops(np.ones(8, bool), right) == 0
    assert metrics.valid_drops(np.zeros(8, bool), right) == 0
    assert math.isnan(metrics.valid_drops(valid, np.zeros(8, bool)))
    assert math.isnan(metrics.valid_drops(np.zeros(0, bool), np.zeros(0, bool)))


def test_nothing_to_count_is_nan_and_left_out_of_means():
    assert math.isnan(metrics.share(np.zeros(0, bool)))
    assert np.isnan(metrics.success_curve(np.zeros(0))).all()
    assert metrics.mean_of([1.0, float('nan'), 3.0]) == 2.0
    assert math.isnan(metrics.mean_of([float('nan')]))
