"""Figures of one-pass benchmarks: constants, by hand, and slow second implementations."""

import math

import numpy as np
import pytest

from siamx_ros.evaluation.kits import one_pass
from siamx_ros.evaluation.kits.panoramas import panorama

SIZE = (320, 240)


@pytest.fixture
def pair():
    """Noisy integer boxes inside the image, and their truth."""
    random = np.random.default_rng(5)
    truth = np.column_stack([random.integers(1, 150, (60, 2)), random.integers(10, 60, (60, 2))])
    boxes = truth + np.column_stack([random.integers(-12, 12, (60, 2)),
                                     random.integers(-5, 5, (60, 2))])
    return boxes.astype(float), truth.astype(float)


def slow_iou(a, b):
    w = max(0, min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]))
    h = max(0, min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1]))
    return w * h / (a[2] * a[3] + b[2] * b[3] - w * h)


def slow_error(a, b, scale=(1, 1)):
    return math.hypot((a[0] + a[2] / 2 - b[0] - b[2] / 2) / scale[0],
                      (a[1] + a[3] / 2 - b[1] - b[3] / 2) / scale[1])


def test_otb_counts_frames_without_a_truth(pair):
    """Misses in success and hits in precision, as errors of -1 are in the kit."""
    truth = pair[1].copy()
    truth[50:] = np.nan
    assert one_pass.otb(pair[1], truth) == {'AUC': pytest.approx(50 / 60 * 20 / 21), 'P@20': 1}


def test_lasot_by_a_slow_implementation(pair):
    boxes, truth = pair
    absent = np.zeros(60, bool)
    absent[[7, 30, 31]] = True
    got = one_pass.lasot_total([one_pass.lasot(boxes, truth, absent)])
    success = precision = normalised = 0
    for index in range(60):
        box = truth[0] if index == 0 else boxes[index]
        if absent[index]:
            continue
        success += sum(slow_iou(box, truth[index]) > step / 20 for step in range(21)) / 21
        precision += slow_error(box, truth[index]) <= 20
        normalised += slow_error(box, truth[index], truth[index][2:]) <= 0.2
    assert got == {'AUC': pytest.approx(success / 60), 'P@20': pytest.approx(precision / 60),
                   'NP@0.2': pytest.approx(normalised / 60)}


def test_lasot_conventions():
    truth = np.array([[10.0, 10, 20, 20]] * 4)
    boxes = truth.copy()
    boxes[0] = [90, 90, 5, 5]      # the first frame is the truth
    boxes[2] = [50, 50, 0, 7]      # no box: the one before is repeated
    boxes[3] = np.nan
    assert one_pass.lasot(boxes, truth, None)['success'][10] == 1
    absent = np.array([False, False, True, True])
    assert one_pass.lasot(boxes, truth, absent)['success'][10] == 0.5  # of the whole length
    edge = truth.copy()
    edge[1] = [0, 10, 20, 20]      # not positive throughout: a miss, and a hit
    curves = one_pass.lasot(edge, edge, None)
    assert (curves['success'][0], curves['precision'][0]) == (0.75, 1)
    nothing = {name: np.zeros(51 if name != 'success' else 21) for name in curves}
    assert one_pass.lasot_total([curves, nothing]) == one_pass.lasot_total([curves])


def test_got10k_by_a_slow_implementation(pair):
    boxes, truth = pair
    absent = np.zeros(60, bool)
    absent[5] = True
    got = one_pass.got10k_total([one_pass.got10k_overlaps(boxes, truth, absent, SIZE),
                                 one_pass.got10k_overlaps(boxes[:9], truth[:9], None, SIZE)])

    def clip(box):
        x, y = max(0, box[0]), max(0, box[1])
        return [x, y, min(box[2], SIZE[0] - x), min(box[3], SIZE[1] - y)]
    overlaps = [slow_iou(clip(boxes[i]), clip(truth[i])) for i in range(1, 60) if i != 5]
    overlaps += [slow_iou(clip(boxes[i]), clip(truth[i])) for i in range(1, 9)]
    assert got == {
        'AO': pytest.approx(np.mean(overlaps)), 'SR0.5': np.mean([o > 0.5 for o in overlaps]),
        'SR0.75': np.mean([o > 0.75 for o in overlaps])}


def test_got10k_clips_the_corner_but_not_the_width():
    boxes = np.array([[0.0, 0, 9, 9], [-5, -5, 20, 20]])
    truth = np.array([[0.0, 0, 9, 9], [0, 0, 20, 20]])
    overlap = one_pass.got10k_overlaps(boxes, truth, None, SIZE)
    assert overlap.tolist() == [1.0]


def test_trackingnet_by_a_slow_implementation(pair):
    boxes, truth = pair
    boxes = boxes + 0.3
    got = one_pass.trackingnet(boxes, truth + 0.2)
    rounded = [truth[0], *np.round(boxes[1:])]
    overlap = [slow_iou(*row) for row in zip(rounded, truth)]
    error = [slow_error(*row) for row in zip(rounded, truth)]
    normalised = [slow_error(a, b, b[2:]) for a, b in zip(rounded, truth)]

    def area(curve):
        return sum((a + b) / 2 for a, b in zip(curve, curve[1:])) / 20
    steps = range(21)
    assert got['AUC'] == pytest.approx(area([np.mean([o >= s / 20 for o in overlap])
                                             for s in steps]))
    assert got['P'] == pytest.approx(area([np.mean([e <= 2.5 * s for e in error]) for s in steps]))
    assert got['NP'] == pytest.approx(
        area([np.mean([e <= np.linspace(0, 0.5, 21)[s] for e in normalised]) for s in steps]))


def test_a_box_across_the_border_of_a_panorama():
    truth = np.array([[300.0, 100, 40, 30]] * 2)  # of 320 columns: 20 lie on the left side
    boxes = truth - [320, 0, 0, 0]
    assert panorama(boxes, truth, SIZE) == {
        'S_dual': pytest.approx(20 / 21), 'P_dual': 1, 'NP_dual': 0, 'P_angle': 1}, (
        "the kit's normalised precision does not see across the border")
    assert panorama(truth, truth, SIZE)['NP_dual'] == 1
    off = truth + [40, 0, 0, 0]
    assert panorama(off, truth, SIZE)['P_angle'] == 0
    assert panorama(np.full((2, 4), np.nan), truth, SIZE)['P_dual'] == 0


def test_got10k_agrees_with_its_package(pair):
    metrics = pytest.importorskip('got10k.utils.metrics', reason='the package got10k is missing')
    boxes, truth = pair
    boxes[3] = [-5, -5, 30, 30]
    ours = one_pass.got10k_overlaps(boxes, truth, None, SIZE)
    theirs = metrics.rect_iou(boxes[1:].copy(), truth[1:].copy(), SIZE)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_otb_agrees_with_the_package_got10k(pair):
    """Theirs averages the success curve over 21 thresholds and counts every frame, too."""
    experiments = pytest.importorskip('got10k.experiments.otb', reason='no package got10k')
    boxes, truth = pair
    boxes[0] = truth[0]
    kit = experiments.ExperimentOTB.__new__(experiments.ExperimentOTB)
    kit.nbins_iou, kit.nbins_ce = 21, 51
    ious, errors = kit._calc_metrics(boxes, truth)
    success, precision = kit._calc_curves(ious, errors)
    ours = one_pass.otb(boxes, truth)
    assert ours['AUC'] == pytest.approx(success.mean(), abs=1e-6)
    assert ours['P@20'] == pytest.approx(precision[20], abs=1e-6)
