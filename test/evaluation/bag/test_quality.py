"""Figures about knowing that the target is lost, by hand, and the real-time schedule."""

import math

import numpy as np
import pytest

from siamx_ros.control.camera_model import CameraModel
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import quality
from siamx_ros.evaluation.bag.quality import Track
from siamx_ros.evaluation.bag.replay import LatencyModel, schedule
from siamx_ros.evaluation.long_term import long_term_figures
from siamx_ros.records import TrackState

T, L, R = TrackState.TRACKING, TrackState.LOST, TrackState.RELOCALISED
HERE, AWAY = (0.0, 0, 10, 10), (50.0, 50, 10, 10)
GONE = (math.nan,) * 4


def track(rows, period=0.5):
    """Rows of (truth, box, state, valid, confidence)."""
    truth, boxes, states, valid, confidence = zip(*rows)
    return Track(np.arange(len(rows)) * period, np.array(truth), np.array(boxes),
                 np.array(confidence, float), np.array(states), np.array(valid, bool))


LOSS = track([
    (HERE, HERE, T, 1, .9), (HERE, AWAY, T, 1, .9), (HERE, AWAY, T, 1, .8), (HERE, AWAY, L, 0, .2),
    (HERE, HERE, R, 0, .7), (HERE, HERE, T, 1, .9),
    (GONE, HERE, T, 1, .9), (GONE, HERE, L, 0, .1), (GONE, AWAY, R, 0, .6),
    (HERE, AWAY, L, 0, .1), (HERE, HERE, L, 0, .3), (HERE, HERE, T, 1, .9)])


def test_losses_by_hand():
    figures = quality.losses(LOSS)
    assert figures['losses'] == 2 and figures['losses_undetected'] == 0
    assert figures['detection_delay_frames'] == pytest.approx((2 + 1) / 2)
    assert figures['detection_delay_s'] == pytest.approx(0.75)
    assert figures['returns'] == 2 and figures['returns_missed'] == 0
    assert figures['time_to_relocalise_s'] == pytest.approx((2.0 + 1.0) / 2)


@pytest.mark.parametrize('unlabelled, counts', [
    ([], (2, 2, 1)), ([4], (2, 1, 1)), ([8], (2, 1, 0)), (range(12), (2, 0, math.nan))])
def test_relocalisations_count_everywhere_and_are_judged_where_there_is_a_label(unlabelled, counts):
    labelled = np.ones(12, bool)
    labelled[list(unlabelled)] = False
    got = quality.relocalisations(LOSS, labelled)
    assert got == pytest.approx(dict(zip(
        ('relocalisations', 'relocalisations_labelled', 'wrong_relocalisations'), counts)),
        nan_ok=True)


def test_validity_errors_by_hand():
    figures = quality.validity_errors(LOSS)
    assert figures['wrong_while_valid'] == pytest.approx(2 / 9)
    assert figures['valid_while_absent'] == pytest.approx(1 / 3)
    assert figures['false_lost'] == pytest.approx(1 / 9)
    assert figures['valid_and_right_time'] == pytest.approx(3 / 9)


def test_a_loss_that_is_never_noticed_and_never_returns():
    rows = [(HERE, HERE, T, 1, 1), (GONE, HERE, T, 1, 1), (GONE, HERE, T, 1, 1)]
    figures = quality.losses(track(rows))
    assert (figures['losses'], figures['losses_undetected'], figures['returns']) == (1, 1, 0)
    assert math.isnan(figures['detection_delay_s'])
    figures = quality.losses(track([*rows, (HERE, AWAY, L, 0, 0)]))
    assert (figures['returns'], figures['returns_missed']) == (1, 1)


@pytest.mark.parametrize('last_seen, time', [(HERE, 0.5), (AWAY, 1.0)])
def test_the_time_to_come_back_is_without_the_absence(last_seen, time):
    """Also where the box had slipped off before the target left."""
    rows = [(HERE, HERE, T, 1, 1), (HERE, last_seen, T, 1, 1), *[(GONE, AWAY, L, 0, 0)] * 4,
            (HERE, AWAY, L, 0, 0), (HERE, HERE, T, 1, 1)]
    assert quality.losses(track(rows))['time_to_relocalise_s'] == pytest.approx(time)


def test_a_target_that_is_not_found_and_then_leaves_is_missed():
    rows = [(HERE, HERE, T, 1, 1), *[(HERE, AWAY, L, 0, 0)] * 3, (GONE, AWAY, L, 0, 0)]
    figures = quality.losses(track(rows))
    assert (figures['losses'], figures['returns'], figures['returns_missed']) == (1, 1, 1)


def test_calibration_by_hand():
    rows = [(HERE, HERE, T, 1, 0.95)] * 3 + [(HERE, AWAY, T, 1, 0.95)] + [(HERE, AWAY, L, 0, 0.0)]
    figures = quality.calibration(track(rows))
    assert figures['error'] == pytest.approx((4 * 0.2 + 0) / 5)
    assert [row['frames'] for row in figures['bins']] == [1] + [0] * 8 + [4]


def test_bearing_by_hand():
    boxes = [(90.0, 0, 20, 10), (190.0, 0, 20, 10), (90.0, 0, 20, 10)]
    rows = [((90.0, 0, 20, 10), box, T, 1, 1) for box in boxes]
    matrix = np.array([[100, 0, 99.5], [0, 100, 50], [0, 0, 1]])
    figures = quality.bearing(track(rows), CameraModel(200, 100, matrix, np.zeros(0)))
    assert figures['bearing_error_median_deg'] == pytest.approx(0)
    assert figures['bearing_error_p95_deg'] == pytest.approx(0.9 * 45)
    assert figures['bearing_jitter_deg'] == pytest.approx(45)


def test_empty_tracks_give_nan():
    empty = Track(*(np.zeros((0, 4)) if i in (1, 2) else np.zeros(0, bool if i == 5 else float)
                    for i in range(6)))
    assert math.isnan(quality.validity_errors(empty)['wrong_while_valid'])
    assert math.isnan(quality.long_term(empty)['f'])
    assert math.isnan(quality.validity_errors(empty)['longest_valid_run_s'])
    assert all(map(math.isnan, quality.losses(empty).values()))


def test_the_schedule_against_a_step_by_step_simulation():
    """A mailbox of one frame, played millisecond by millisecond."""
    random = np.random.default_rng(3)
    for _ in range(50):
        arrivals = np.cumsum(random.integers(1, 40, 30)) * 1_000_000
        latencies = random.integers(0, 90, 7).astype(float).tolist()
        start = int(random.integers(0, 5))
        expected, mailbox, busy_until, taken = {}, None, None, 0
        for now in range(0, int(arrivals[-1]) + 10**9, 1_000_000):
            for index in np.flatnonzero(arrivals == now):
                if index >= start:
                    mailbox = int(index)
            while mailbox is not None and (busy_until is None or busy_until <= now):
                busy_until = now + int(latencies[taken % 7] * 1e6)
                expected[mailbox] = busy_until
                taken, mailbox = taken + 1, None
        assert schedule(arrivals, start, LatencyModel(latencies)) == expected


@pytest.mark.parametrize('values', [[], [-1.0], [math.nan], [math.inf]])
def test_bad_latencies(values):
    with pytest.raises(InputError, match='latency model'):
        LatencyModel(values)


def test_latencies_from_a_file(tmp_path):
    (tmp_path / 'l.txt').write_text('1.5\n2\n')
    assert LatencyModel.from_file(tmp_path / 'l.txt').milliseconds == [1.5, 2.0]


def slow_long_term(overlaps, confidences, visible, levels):
    """Precision and recall by looking at every frame for every threshold."""
    best = (-1, 0, 0)
    for level in levels:
        precisions, recalls = [], []
        for overlap, confidence, seen in zip(overlaps, confidences, visible):
            passing = [o * s for o, c, s in zip(overlap, confidence, seen) if c >= level]
            precisions.append(sum(passing) / len(passing) if passing else 1.0)
            recalls.append(sum(passing) / sum(seen))
        p, r = np.mean(precisions), np.mean(recalls)
        best = max(best, (2 * p * r / (p + r) if p + r else 0, p, r))
    return best


def test_long_term_figures_against_a_slow_implementation():
    random = np.random.default_rng(1)
    sizes = (20, 31)
    overlaps = [random.random(n) for n in sizes]
    confidences = [np.round(random.random(n), 1) for n in sizes]
    visible = [random.random(n) > 0.3 for n in sizes]
    got = long_term_figures(overlaps, confidences, visible)
    expected = slow_long_term(overlaps, confidences, visible,
                              [-math.inf, *sorted({*np.concatenate(confidences)}), math.inf])
    assert (got['f'], got['pr'], got['re']) == pytest.approx(expected)


def test_long_term_by_hand():
    """A confident false alarm costs precision; silence about it does not."""
    overlap, seen = np.array([1.0, 1, 0]), np.array([True, True, False])
    quiet = long_term_figures([overlap], [np.array([.9, .9, .1])], [seen])
    assert (quiet['f'], quiet['threshold']) == (1, 0.9)
    loud = long_term_figures([overlap], [np.array([.9, .9, .9])], [seen])
    assert (loud['pr'], loud['re']) == (pytest.approx(2 / 3), 1)
