"""One pass over a sequence, and its figures."""

import math
import struct
import zlib

import numpy as np
import pytest

from siamx_ros.data.sequence import read_folder
from siamx_ros.errors import InputError
from siamx_ros.evaluation.runner import run_sequence
from siamx_ros.evaluation.scores import mean_scores, score
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import TrackState


@pytest.fixture
def moving(dataset):
    return read_folder(dataset / 'moving')


@pytest.fixture
def changed(moving, trackers):
    """Runs a tracker that knows where the target moves, and answers with what a function says."""
    return lambda change: run_sequence(trackers.Changed(moving.boxes_xywh, change), moving)


def test_an_oracle_is_perfect_and_absent_frames_do_not_count(dataset, trackers):
    sequence = read_folder(dataset / 'interrupted')
    run = run_sequence(trackers.Oracle(sequence.boxes_xywh), sequence)
    scores = score(run)
    assert scores.frames == 7  # ten, without the first and two absent ones
    assert scores.auc == pytest.approx(20 / 21)
    assert (scores.success, scores.precision, scores.normalised_precision) == (1, 1, 1)
    assert (scores.wrong_while_valid, scores.false_lost) == (0, 0)
    assert run.states[4] == TrackState.LOST and not run.valid[4]


def test_a_static_tracker_by_hand(moving, trackers):
    scores = score(run_sequence(trackers.Static(), moving))
    overlap = [(16 - 3 * i) / (16 + 3 * i) if 3 * i < 16 else 0 for i in range(1, 10)]
    assert scores.success == pytest.approx(sum(value > 0.5 for value in overlap) / 9)
    assert scores.precision == pytest.approx(6 / 9)  # 3, 6, ... 27 pixels
    assert scores.normalised_precision == pytest.approx(1 / 9)  # 3/16 only
    assert scores.wrong_while_valid == pytest.approx(sum(value < 0.1 for value in overlap) / 9)
    assert scores.auc == pytest.approx(np.mean(
        [[value > step / 20 for step in range(21)] for value in overlap]))


def test_the_initial_frame_is_not_scored(changed, trackers):
    """A tracker that is wrong on every update scores zero although its first box is right."""
    assert score(changed(lambda index, _: trackers.said(BoundingBox(50, 40, 3, 3)))).auc == 0


def test_starts_on_the_first_visible_frame(tmp_path, write, trackers):
    boxes = np.array([[np.nan] * 4, [4, 4, 10, 10], [5, 4, 10, 10]])
    sequence = read_folder(write(tmp_path / 's', boxes))
    run = run_sequence(trackers.Static(), sequence)
    assert run.start == 1 and np.isnan(run.boxes[0]).all()
    assert list(run.counts) == [False, False, True]
    assert score(run).frames == 1 and math.isnan(score(run).valid_while_absent)


def test_images_go_in_as_bgr_in_order_with_the_true_box(moving, trackers):
    seen = []

    class Spy(trackers.Static):
        def init(self, image, box, stamp=None):
            seen.append((image.shape, box.xywh))
            return super().init(image, box)

        def update(self, image, stamp=None):
            seen.append(tuple(image[14, 26]))
            return super().update(image)
    run_sequence(Spy(), moving)
    assert seen[0] == ((48, 64, 3), (4, 10, 16, 12))
    assert seen[3] == (200, 30, 90) or seen[3] == (40, 200, 240)
    assert len(seen) == 10


def test_a_tracker_that_gives_up_scores_zero_from_then_on(changed, trackers):
    run = changed(lambda index, result: result if index < 5 else trackers.said(
        None, TrackState.UNINITIALISED, 0.0, False))
    assert score(run).success == pytest.approx(4 / 9)
    assert score(run).wrong_while_valid == 0
    assert len(run.update_seconds) == 5


def test_false_lost(changed, trackers):
    run = changed(lambda _, result: trackers.said(result.box, TrackState.LOST, 0.0, False))
    assert score(run).false_lost == 1


def test_doubt_while_the_box_is_right(changed, trackers):
    """UNCERTAIN is no false loss, but a robot stops on it; each stop counts once."""
    run = changed(lambda index, result: result if index not in (2, 3, 6) else trackers.said(
        result.box, TrackState.UNCERTAIN, 0.5, False))
    scores = score(run)
    assert scores.false_lost == 0
    assert scores.invalid_while_right == pytest.approx(3 / 9)
    assert scores.valid_drops == pytest.approx(100 * 2 / 9)
    run.boxes[6] += 100
    assert score(run).invalid_while_right == pytest.approx(2 / 8)
    assert score(run).valid_drops == pytest.approx(100 * 1 / 8)
    run.boxes[:] += 1000
    assert math.isnan(score(run).invalid_while_right) and math.isnan(score(run).valid_drops)


def test_a_frame_without_an_answer_hides_no_drop(changed):
    """As where images came while the tracker was busy."""
    run = changed(lambda _, result: result)
    run.states[3], run.valid[3:6], run.boxes[3] = TrackState.UNINITIALISED, False, np.nan
    assert score(run).valid_drops == pytest.approx(100 / 8)
    assert score(run).invalid_while_right == pytest.approx(2 / 8)


def test_valid_while_absent(dataset, trackers):
    """What stays valid without a target counts; where none is absent there is no figure."""
    runs = {name: run_sequence(trackers.Static(), read_folder(dataset / name))
            for name in ('interrupted', 'moving')}
    runs['interrupted'].valid[4] = False
    assert score(runs['interrupted']).valid_while_absent == 0.5
    assert math.isnan(score(runs['moving']).valid_while_absent)
    assert mean_scores([*runs.values()]).valid_while_absent == 0.5
    honest = read_folder(dataset / 'interrupted')
    assert score(run_sequence(trackers.Oracle(honest.boxes_xywh), honest)).valid_while_absent == 0


def test_a_withheld_truth_is_no_absence(tmp_path, write, trackers):
    boxes = np.array([[4.0, 4, 9, 9], *[[np.nan] * 4] * 2])
    run = run_sequence(trackers.Static(), read_folder(write(tmp_path / 's', boxes)))
    assert run.valid.all() and math.isnan(score(run).valid_while_absent)


def test_means_weigh_sequences_alike(dataset, trackers, tmp_path, write):
    long = np.tile([4.0, 10, 16, 12], (30, 1))
    runs = [run_sequence(trackers.Static(), read_folder(path))
            for path in (dataset / 'moving', write(tmp_path / 'still', long))]
    each = [score(run) for run in runs]
    mean = mean_scores(runs)
    assert mean.auc == pytest.approx((each[0].auc + each[1].auc) / 2)
    assert mean.frames == 9 + 29
    seconds = sum(run.update_seconds.sum() for run in runs)
    assert mean.speed == pytest.approx(38 / seconds)


def test_never_visible_is_refused(tmp_path, write, trackers):
    sequence = read_folder(write(tmp_path / 's', np.full((2, 4), np.nan)))
    with pytest.raises(InputError, match='no frame with a true box'):
        run_sequence(trackers.Static(), sequence)


def far_too_large(content):
    """A PNG file whose header gives 100,000 x 100,000 pixels."""
    header = content[12:16] + struct.pack('>II', 100000, 100000) + content[24:29]
    return content[:12] + header + struct.pack('>I', zlib.crc32(header)) + content[33:]


@pytest.mark.parametrize('damage', [lambda content: b'no image', far_too_large])
def test_an_unreadable_image_is_named(dataset, trackers, damage):
    path = dataset / 'moving' / 'img' / '00000004.png'
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match='00000004.png'):
        run_sequence(trackers.Static(), read_folder(dataset / 'moving'))


def test_a_single_frame_has_no_figures(tmp_path, write, trackers):
    scores = score(run_sequence(
        trackers.Static(), read_folder(write(tmp_path / 's', np.array([[4.0, 4, 9, 9]])))))
    assert scores.frames == 0 and math.isnan(scores.auc) and math.isnan(scores.speed)
