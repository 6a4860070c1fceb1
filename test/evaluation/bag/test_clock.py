"""Clocks that are set while recording, stamps that say nothing, and those of true boxes."""

import math

from bag_command import RANDOM, evaluate, rows, summary
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.frame_table import NOMINAL_INTERVAL_NS, nearest_frame, ordered
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.truth import truth_from_file
from siamx_ros.evaluation.bag.writer import BagWriter
from siamx_ros.evaluation.trackers import TrackerSpec

START, STEP = 1_700_000_000 * 10**9, 33_333_333
SECOND = 10**9


def restamped(source, path, stamp, time=lambda index: START + index * STEP, truth=True,
              storage='mcap', label=None):
    """A bag with other stamps and times of recording, each a function of the image's number."""
    with Bag(source) as bag, BagWriter(path, storage) as writer:
        for topic, kind in bag.topics.items():
            if kind == messages.DETECTIONS and not truth:
                continue
            writer.add_topic(topic, kind)
            for index, (_, raw, connection) in enumerate(bag.messages(topic)):
                message = bag.decode(raw, connection)
                given = label if label and kind == messages.DETECTIONS else stamp
                message.header.stamp = messages.time_from(given(index))
                writer.write(topic, time(index), message)
    return path


def set_back(index, seconds=1000):
    """The clock is set back before image 3."""
    return START + index * STEP - (seconds * SECOND if index >= 3 else 0)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('mode', [(), ('--mode', 'realtime', '--latency', '1')])
@pytest.mark.parametrize('recorder_too', [False, True])
def test_images_are_taken_as_recorded_where_the_clock_was_set_back(
        tmp_path, bag, oracle, caplog, storage, mode, recorder_too):
    path = restamped(bag, tmp_path / 'b', set_back, *[set_back] * recorder_too, storage=storage)
    assert evaluate(path, *RANDOM, '--out', tmp_path / 'out', *mode) == 0
    written = rows(tmp_path / 'out')
    assert [int(row[1]) for row in written] == [set_back(i) for i in range(10)]
    assert [row[8] for row in written].index('STAMP_JUMP') == 3, 'of a tracker that knows no clock'
    figures = summary(tmp_path / 'out')['figures']
    assert figures['frames']['stamp_jumps'] == 1
    assert figures['frames']['labelled'] == figures['frames']['processed'] == 10
    assert figures['validity']['longest_valid_run_s'] == pytest.approx(3 / 30, abs=1e-6)
    assert figures['metrics']['auc'] == pytest.approx(20 / 21)
    assert 'the clock was set back by 1000.0' in caplog.text and 'before image 3' in caplog.text


def test_the_target_counts_as_lost_where_the_clock_was_set_back(tmp_path, bag, monkeypatch):
    """As in the node, with the same reason."""
    lost = []
    build = TrackerSpec.build

    def watched(spec):
        tracker = build(spec)
        lose = tracker.lose
        monkeypatch.setattr(tracker, 'lose', lambda stamp: (lost.append(stamp), lose(stamp)))
        return tracker

    monkeypatch.setattr(TrackerSpec, 'build', watched)
    path = restamped(bag, tmp_path / 'b', set_back)
    assert evaluate(path, *RANDOM, '--out', tmp_path / 'out') == 0
    assert lost == [set_back(3) / 1e9]
    reasons = [row[8] for row in rows(tmp_path / 'out')]
    assert reasons[3] == 'STAMP_JUMP' and 'STAMP_JUMP' not in reasons[4:]


def test_the_tracker_is_closed_after_a_replay(tmp_path, bag, monkeypatch, trackers, sequence):
    built = [trackers.Oracle(sequence.boxes_xywh), trackers.Static()]
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: built[0])
    assert evaluate(bag, *RANDOM) == 0 and built[0].closed
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: built[1])
    assert evaluate(bag, *RANDOM, '--box', '-90,-90,91,91', '--image-topic', '/none') == 2
    assert built[1].closed


def test_a_node_is_not_asked_where_stamps_came_twice(tmp_path, bag, capfd, monkeypatch):
    path = restamped(bag, tmp_path / 'b', lambda index: START + (index % 5) * SECOND)
    from siamx_ros.evaluation.bag import evaluation
    with Bag(path) as opened:
        found = evaluation.prepare(opened, evaluation.Wanted())
        with pytest.raises(InputError, match='some stamps came twice'):
            evaluation._check_answerable(found.table)


def test_true_boxes_belong_to_their_side_of_a_clock_that_was_set(tmp_path, bag, oracle):
    """Stamps come twice; when a label was recorded says which image it belongs to."""
    path = restamped(bag, tmp_path / 'b', lambda index: START + (index % 5) * SECOND)
    assert evaluate(path, *RANDOM, '--out', tmp_path / 'out') == 0
    figures = summary(tmp_path / 'out')['figures']
    assert figures['frames']['labelled'] == 10 and figures['metrics']['auc'] > 0.95


@pytest.mark.parametrize('stamp, time', [
    (lambda index: START, None), (lambda index: 0, None), (lambda index: START, lambda _: START),
    (lambda index: START + index // 6 * SECOND, None)])
def test_stamps_that_say_nothing(tmp_path, bag, oracle, caplog, stamp, time):
    """Constant, zero, or whole seconds: no image is left out for that."""
    path = restamped(bag, tmp_path / 'b', stamp, *[time] * (time is not None))
    assert evaluate(path, *RANDOM, '--out', tmp_path / 'out', '--box', '4,10,16,12') == 0
    figures = summary(tmp_path / 'out')['figures']['frames']
    assert (figures['processed'], figures['duplicates'], figures['unstamped']) == (10, 0, True)
    assert 'tell the images apart' in caplog.text


def test_times_go_on_where_a_clock_was_set():
    """Back by a day, ahead from 1970 to today, and a pause, which is none of these."""
    recorded = np.array([0, 1, 2, 3, 4, 5, 65, 66]) * STEP
    stamps = np.array([1, 2, 3, 4, 5, 6, 66, 67]) * STEP
    stamps[2:4] += START
    stamps[4:] += START - 86400 * SECOND
    table = ordered(stamps, recorded)
    np.testing.assert_array_equal(table.stamps, stamps)
    np.testing.assert_array_equal(table.times, STEP + recorded)
    assert table.jumps == [4] and table.interval == STEP


def test_without_times_of_recording_the_usual_interval_counts():
    stamps = np.array([10, 11, 12, 1, 2, 3]) * SECOND
    table = ordered(stamps, np.zeros(6, np.int64))
    np.testing.assert_array_equal(table.times, np.arange(10, 16) * SECOND)
    table = ordered(np.zeros(3, np.int64), np.zeros(3, np.int64))
    np.testing.assert_array_equal(table.stamps, np.arange(3) * NOMINAL_INTERVAL_NS)


def test_a_late_image_is_no_clock_that_was_set():
    table = ordered(np.array([1, 2, 4, 3, 5, 1, 2]) * SECOND // 4, np.arange(7) * SECOND)
    assert table.numbers.tolist() == [0, 1, 3, 2, 4, 5, 6]
    assert table.jumps == [5] and table.reordered == 1


def test_a_stamp_of_two_images_needs_more():
    table = ordered(np.array([1, 2, 3, 1, 2]) * SECOND, np.array([11, 12, 13, 14, 15]) * SECOND)
    assert nearest_frame(table, 3 * SECOND) == 2
    assert nearest_frame(table, 2 * SECOND, 12 * SECOND) == 1
    assert nearest_frame(table, 2 * SECOND, 15 * SECOND) == 4
    with pytest.raises(InputError, match='belongs to the images 1 and 4, for the clock was set'):
        nearest_frame(table, 2 * SECOND)


LABELS = {
    'nanoseconds': (lambda i: START + i * STEP, 'look like nanoseconds, give seconds'),
    'microseconds': (lambda i: (START + i * STEP) // 1000, 'look like microseconds'),
    'milliseconds': (lambda i: (START + i * STEP) / 1e6, 'look like milliseconds'),
    'numbers': (lambda i: i, 'look like numbers of images, give a line x,y,w,h for every image'),
    'relative': (lambda i: i * STEP / SECOND, 'look like times since the first image, add 17000'),
    'another day': (lambda i: 1.8e9 + i, 'of the images from 1700000000.000 to 1700000000.300 s')}


@pytest.mark.parametrize('kind', LABELS)
@pytest.mark.parametrize('box', [(), ('--box', '4,10,16,12')])
def test_labels_that_fit_no_image_are_explained(tmp_path, bag, static, capfd, kind, box):
    stamp, sentence = LABELS[kind]
    labels = tmp_path / 'labels.txt'
    labels.write_text(''.join(f'{stamp(i)},4,10,16,12\n' for i in range(10)))
    assert evaluate(bag, *RANDOM, '--truth-file', labels, *box) == 2
    said = capfd.readouterr().err
    assert f'none of the 10 labels in {labels} fits an image' in said and sentence in said


def test_labels_that_nobody_asked_for_may_fit_no_image(tmp_path, bag, static, capfd, caplog):
    path = restamped(bag, tmp_path / 'b', lambda index: START + index * STEP, label=lambda _: 5)
    assert evaluate(path, *RANDOM) == 2
    assert 'none of the 10 labels' in capfd.readouterr().err
    assert evaluate(path, *RANDOM, '--box', '4,10,16,12') == 0
    assert 'nothing is scored: none of the 10 labels' in caplog.text


def test_most_labels_outside_are_reported(tmp_path, bag, static, caplog):
    """Numbers of images, where the stamps begin at zero: some fit by chance."""
    path = restamped(bag, tmp_path / 'b', lambda index: index * SECOND // 4, truth=False)
    labels = tmp_path / 'labels.txt'
    labels.write_text(''.join(f'{i},4,10,16,12\n' for i in range(10)))
    assert evaluate(path, *RANDOM, '--truth-file', labels) == 0
    assert '7 of the 10 labels' in caplog.text and 'numbers of images' in caplog.text


@pytest.mark.parametrize('stamp', ['nan', 'inf', '-inf'])
def test_stamps_that_are_no_numbers(tmp_path, bag, static, capfd, stamp):
    labels = tmp_path / 'labels.txt'
    labels.write_text(f'1700000000,4,10,16,12\n{stamp},4,10,16,12\n')
    assert evaluate(bag, *RANDOM, '--truth-file', labels) == 2
    said = capfd.readouterr().err
    assert f'a stamp must be a number of seconds, got {stamp}' in said


def test_labels_with_a_byte_order_mark_and_semicolons(tmp_path):
    table = ordered(np.array([1, 2]) * SECOND, np.array([1, 2]) * SECOND)
    labels = tmp_path / 'labels.txt'
    labels.write_bytes('\ufeff1;4;10;16;12\n2;nan;nan;nan;nan\n'.encode())
    truth = truth_from_file(labels, table)
    assert truth.labelled.all() and truth.boxes[0].tolist() == [4, 10, 16, 12]
    assert math.isnan(truth.boxes[1, 0])
