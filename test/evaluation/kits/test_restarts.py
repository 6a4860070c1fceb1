"""VOT short-term: restarts, accuracy, robustness, EAO; long-term against the package."""

from dataclasses import replace

import numpy as np
import pytest

from siamx_ros.data.sequence import Sequence, read_folder
from siamx_ros.evaluation.kits import restarts
from siamx_ros.evaluation import results
from siamx_ros.evaluation.kits.restarts import region_overlap
from siamx_ros.evaluation.long_term import long_term_figures

from siamx_ros.evaluation.scores import score
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import TrackState

SIZE = (200, 150)
BOX = np.array([10.0, 20, 30, 40])


def coded(text):
    """Overlaps and codes from letters: I start, F failure, . skipped, digits overlap in tenths."""
    codes = {'I': restarts.INIT, 'F': restarts.FAILED, '.': restarts.SKIPPED}
    return (np.array([int(c) / 10 if c.isdigit() else 0.0 for c in text]),
            np.array([codes.get(c, restarts.TRACKED) for c in text]))


def test_overlap_of_boxes_and_polygons():
    assert region_overlap(BOX, BOX, SIZE) == 1
    assert region_overlap(BOX, BOX + [15, 0, 0, 0], SIZE) == pytest.approx(1 / 3)
    diamond = np.array([25.0, 20, 40, 40, 25, 60, 10, 40])
    assert region_overlap(diamond, BOX, SIZE) == pytest.approx(0.5)
    assert region_overlap(diamond[[6, 7, 4, 5, 2, 3, 0, 1]], BOX, SIZE) == pytest.approx(0.5)
    assert region_overlap(BOX, np.full(4, np.nan), SIZE) == 0
    assert region_overlap(BOX, BOX + [30, 0, 0, 0], SIZE) == 0


def test_only_what_is_inside_the_image_counts():
    half_out = np.array([-15.0, 20, 30, 40])
    assert region_overlap(half_out, np.array([0.0, 20, 15, 40]), SIZE) == 1
    assert region_overlap(half_out, np.array([-15.0, 20, 15, 40]), SIZE) == 0


def test_polygon_overlap_against_counting_points():
    random = np.random.default_rng(2)
    for _ in range(20):
        angles = np.sort(random.uniform(0, 2 * np.pi, 4))
        polygon = np.stack([40 + 30 * np.cos(angles), 40 + 25 * np.sin(angles)], 1)
        box = np.array([*random.uniform(5, 40, 2), *random.uniform(10, 60, 2)])
        x, y = np.meshgrid(np.arange(0, 60, 0.1) + 0.05, np.arange(0, 60, 0.1) + 0.05)
        inside = np.ones_like(x, bool)
        for a, b in zip(polygon, np.roll(polygon, -1, 0)):
            inside &= (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) >= 0
        in_box = (x >= box[0]) & (x < box[0] + box[2]) & (y >= box[1]) & (y < box[1] + box[3])
        expected = (inside & in_box).sum() / (inside | in_box).sum()
        assert region_overlap(polygon.reshape(8), box, (60, 60)) == pytest.approx(expected, abs=.01)


def test_restarts_five_frames_after_a_failure(tmp_path, write, trackers):
    """The target jumps away at frame 4: lost there, started again at 9."""
    boxes = np.array([[4.0, 4, 10, 10]] * 4 + [[40.0, 30, 10, 10]] * 8)
    sequence = read_folder(write(tmp_path / 's', boxes))
    run = restarts.run_with_restarts(trackers.Static(), sequence)
    assert run.codes.tolist() == [1, -1, -1, -1, 2, 0, 0, 0, 0, 1, -1, -1]
    assert restarts.overlaps(run, sequence, (64, 48))[[1, 10]].tolist() == [1, 1]


def test_a_dropped_target_is_a_failure(tmp_path, write, trackers):
    """Its box was right; the new start has its burn-in, and the run says so when read back."""
    class GivesUp(trackers.Oracle):
        def init(self, image, box, stamp=None):
            self.left = 3
            return trackers.said(box)

        def update(self, image, stamp=None):
            self.left -= 1
            return trackers.said(BoundingBox(4, 4, 10, 10)) if self.left else trackers.said(
                BoundingBox(4, 4, 10, 10), TrackState.UNINITIALISED, 0.0, False)
    sequence = read_folder(write(tmp_path / 's', np.tile([4.0, 4, 10, 10], (12, 1))))
    run = restarts.run_with_restarts(GivesUp(sequence.boxes_xywh), sequence)
    results.write_run(tmp_path / 'out', run)
    codes = [1, -1, -1, 2, 0, 0, 0, 0, 1, -1, -1, 2]
    assert run.codes.tolist() == codes
    assert results.read_run(tmp_path / 'out', 's').codes.tolist() == codes
    overlap = restarts.overlaps(run, sequence, (64, 48))
    assert restarts.figures([overlap], [run.codes])['failures'] == 2
    assert restarts.accuracy(overlap, run.codes) == 0


@pytest.mark.parametrize('first, given', [
    ([-12.0, 4, 20, 10], (0, 4, 8, 10)), ([-8.5, 4, 20, 10], (-8.5, 4, 20, 10))])
def test_a_start_more_than_half_outside_is_clipped(tmp_path, write, trackers, first, given):
    """The tracker would refuse it; what it is scored against stays."""
    boxes = np.array([first] * 3)
    sequence = replace(
        read_folder(write(tmp_path / 's', np.tile([4.0, 4, 9, 9], (3, 1)))), boxes_xywh=boxes)
    run = restarts.run_with_restarts(trackers.Static(), sequence)
    np.testing.assert_array_equal(run.boxes, [given] * 3)
    np.testing.assert_array_equal(run.truth, boxes)
    assert run.codes.tolist() == [restarts.INIT, restarts.TRACKED, restarts.TRACKED]


def test_starts_and_what_they_skip_are_not_scored(tmp_path, write, trackers):
    """The target is elsewhere from the second frame on: all that was tracked is wrong."""
    boxes = np.array([[4.0, 4, 9, 9], *[[40.0, 30, 9, 9]] * 6])
    run = restarts.run_with_restarts(
        trackers.Static(), replace(read_folder(write(tmp_path / 's', boxes)), boxes_xywh=boxes))
    assert run.codes.tolist() == [
        restarts.INIT, restarts.FAILED, *[restarts.SKIPPED] * 4, restarts.INIT]
    assert run.counts.tolist() == [False, True, *[False] * 5]
    assert score(run).auc == 0 and score(run).frames == 1


def test_accuracy_without_the_burn_in():
    overlap, codes = coded('I99999999924F....I5')
    assert restarts.accuracy(overlap, codes) == pytest.approx((0.2 + 0.4) / 2)
    assert restarts.accuracy(*coded('I999F')) == 0


def test_expected_overlap_by_hand():
    """A stretch of two that failed goes on as zeros; one of three counts for two lengths."""
    curve = restarts.expected_overlap_curve(*map(list, zip(coded('I64F....I82'), coded('I8642'))))
    assert np.isnan(curve[0])
    by_hand = [np.mean([6, 8, 8]), np.mean([5, 5, 7]), np.mean([10 / 3, 6]), np.mean([10 / 4, 5])]
    np.testing.assert_allclose(curve[1:], np.array(by_hand) / 10)


def test_figures_of_a_perfect_tracker_and_weights():
    long = coded('I' + '9' * 400)
    long[0][1:] = 1.0
    figures = restarts.figures([long[0]], [long[1]])
    assert figures == {'EAO': 1, 'accuracy': 1, 'failures': 0, 'failures %': 0}
    failing = coded('I' + '5' * 98 + 'F')
    figures = restarts.figures([long[0], failing[0]], [long[1], failing[1]])
    assert figures['accuracy'] == pytest.approx((401 * 1 + 100 * 0.5) / 501)
    assert figures['failures'] == pytest.approx(100 / 501)
    assert figures['failures %'] == pytest.approx(100 / 501)


def generated(seed):
    """Random runs: overlaps, codes, boxes and truth with whole pixels."""
    random = np.random.default_rng(seed)
    count = 330
    truth = np.tile(BOX, (count, 1))
    boxes = truth + np.column_stack([random.integers(-9, 9, (count, 2)), np.zeros((count, 2))])
    codes = np.full(count, restarts.TRACKED)
    codes[0] = restarts.INIT
    for failure in random.choice(np.arange(20, 300, 12), 3, replace=False):
        codes[failure] = restarts.FAILED
        codes[failure + 1:failure + 5] = restarts.SKIPPED
        codes[failure + 5] = restarts.INIT
    return boxes, codes, truth


def test_eao_and_accuracy_agree_with_vot_toolkit():
    supervised = pytest.importorskip('vot.analysis.supervised', reason='no package vot-toolkit')
    from vot.region import Rectangle, Special, calculate_overlaps
    ours, theirs, accuracies = [], [], []
    for seed in range(4):
        boxes, codes, truth = generated(seed)
        regions = [Rectangle(*box) if code == restarts.TRACKED else Special(int(code))
                   for box, code in zip(boxes, codes)]
        expected = calculate_overlaps(regions, [Rectangle(*row) for row in truth], SIZE)
        overlap = np.array([region_overlap(*row, SIZE) if code == restarts.TRACKED else 0.0
                            for *row, code in zip(truth, boxes, codes)])
        np.testing.assert_allclose(overlap, expected, atol=1e-6)
        ours.append((overlap, codes))
        fails, starts = supervised.locate_failures_inits(regions)
        theirs += [(expected[a:b], False) for a, b in zip(starts, fails)]
        theirs.append((expected[starts[-1]:], True))

        class Fake:
            size = SIZE

            def groundtruth(self, rows=truth):
                return [Rectangle(*row) for row in rows]
        accuracies.append(supervised.compute_accuracy(regions, Fake())[0])
        assert restarts.accuracy(overlap, codes) == pytest.approx(accuracies[-1], abs=1e-6)
    values, success = zip(*theirs)
    curve = supervised.compute_eao_curve(list(values), [1] * len(values), list(success))
    low, high = restarts.INTERVAL
    assert restarts.figures(*map(list, zip(*ours)))['EAO'] == pytest.approx(
        np.mean(curve[low:high + 1]), abs=1e-6)


def test_long_term_agrees_with_vot_toolkit():
    tpr = pytest.importorskip('vot.analysis.longterm', reason='no package vot-toolkit')
    from vot.region import Rectangle, Special
    random = np.random.default_rng(8)
    overlaps, confidences, visible, curves, regions = [], [], [], [], []
    for count in (60, 95):
        truth = np.tile(BOX, (count, 1))
        boxes = truth + np.column_stack([random.integers(-9, 9, (count, 2)), np.zeros((count, 2))])
        seen = random.random(count) > 0.25
        seen[0] = True
        overlaps.append(np.array([region_overlap(*row, SIZE) for row in zip(truth, boxes)]))
        confidences.append(random.random(count))
        visible.append(seen)
        regions.append(([Rectangle(*box) for box in boxes],
                        [Rectangle(*row) if s else Special(0) for row, s in zip(truth, seen)]))
    for scores in confidences:
        scores[0] = np.nan  # the initial frame
    levels = tpr.determine_thresholds(list(np.concatenate(confidences)), 100)
    for (mine, true), scores in zip(regions, confidences):
        curves.append(tpr.compute_tpr_curves(mine, list(scores), FakeSequence(true), levels))
    precision, recall = np.mean([c[0] for c in curves], 0), np.mean([c[1] for c in curves], 0)
    f = 2 * precision * recall / (precision + recall)
    assert long_term_figures(overlaps, confidences, visible)['f'] == pytest.approx(
        np.nanmax(f), abs=1e-6)


class FakeSequence:
    """What vot-toolkit asks of a sequence."""

    size = SIZE

    def __init__(self, regions):
        self.regions = regions

    def groundtruth(self, index=None):
        return self.regions if index is None else self.regions[index]

    def __len__(self):
        return len(self.regions)


def test_sequences_without_own_truth_use_the_boxes():
    sequence = Sequence('s', (), np.array([BOX]))
    np.testing.assert_array_equal(restarts.regions_of(sequence), [BOX])
