"""The command evaluate-bag on bags written from sequences."""

import dataclasses
import json
from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.config import ModelConfig
from siamx_ros.data.sequence import read_folder
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.reading import Bag
from siamx_ros.evaluation.bag.writing import BagWriter, write_sequence
from siamx_ros.evaluation.runner import run_sequence
from siamx_ros.evaluation.scores import score
from siamx_ros.evaluation.trackers import TrackerSpec

RANDOM = ('--weights', 'random', '--device', 'cpu', '--threads', '1')


def evaluate(bag, *arguments):
    return main(['evaluate-bag', str(bag), *map(str, arguments)])


def summary(folder):
    return json.loads((folder / 'summary.json').read_text())


@pytest.fixture
def sequence(dataset):
    return read_folder(dataset / 'interrupted')


@pytest.fixture
def bag(tmp_path, sequence):
    write_sequence(tmp_path / 'walk', sequence)
    return tmp_path / 'walk'


@pytest.fixture
def oracle(monkeypatch, trackers, sequence):
    """Trackers that are built know the truth."""
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Oracle(sequence.boxes_xywh))


@pytest.fixture
def static(monkeypatch, trackers):
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Static())


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('compressed', [True, False])
def test_offline_equals_the_folder(tmp_path, sequence, storage, compressed):
    """Every figure and every box, to the last bit, whatever way the images were stored."""
    write_sequence(tmp_path / 'walk', sequence, storage=storage, compressed=compressed)
    assert evaluate(tmp_path / 'walk', *RANDOM, '--out', tmp_path / 'out') == 0
    tracker = TrackerSpec('s', 'siamx', ModelConfig(weights='random', device='cpu')).build()
    run = run_sequence(tracker, sequence)
    expected = dataclasses.asdict(score(run))
    del expected['speed']
    assert summary(tmp_path / 'out')['figures']['metrics'] == expected
    rows = [line.split(',') for line in
            (tmp_path / 'out' / 'frames.csv').read_text().splitlines()[1:]]
    boxes = np.array([[float(cell) for cell in row[2:7]] for row in rows])
    np.testing.assert_array_equal(boxes[:, :4], run.boxes)
    np.testing.assert_array_equal(boxes[:, 4], run.confidence)


def test_twice_the_same_bytes(tmp_path, bag):
    for out in ('a', 'b'):
        assert evaluate(bag, *RANDOM, '--out', tmp_path / out) == 0
    files = [path.relative_to(tmp_path / 'a') for path in (tmp_path / 'a').rglob('*')
             if path.is_file() and path.name not in ('timing.json', 'latency.png')]
    assert {'frames.csv', 'summary.json', 'events.jsonl', 'timeline.png'} <= {
        path.name for path in files}
    for path in files:
        assert (tmp_path / 'a' / path).read_bytes() == (tmp_path / 'b' / path).read_bytes(), path


def test_an_oracle_scores_the_constants(tmp_path, bag, oracle):
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out') == 0
    figures = summary(tmp_path / 'out')['figures']
    assert figures['metrics']['auc'] == pytest.approx(20 / 21)
    assert figures['long_term']['f'] == 1
    assert figures['honesty'] == {
        'wrong_while_valid': 0, 'valid_while_absent': 0, 'false_lost': 0,
        'valid_and_right_time': pytest.approx(7 / 9),
        'longest_valid_run_s': pytest.approx(3 / 30)}
    losses = figures['losses']
    assert (losses['losses'], losses['losses_undetected'], losses['returns_missed']) == (1, 0, 0)
    assert losses['detection_delay_s'] == 0 and losses['time_to_relocalise_s'] == 0
    assert figures['frames']['labelled'] == 10 and figures['frames']['processed'] == 10
    events = [json.loads(line) for line in
              (tmp_path / 'out' / 'events.jsonl').read_text().splitlines()]
    assert [(event['frame'], event['state']) for event in events] == [
        (0, 'TRACKING'), (4, 'LOST'), (6, 'TRACKING')]


def test_the_results_bag_opens_beside_the_input(tmp_path, bag, oracle):
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out') == 0
    with Bag(bag) as recorded, Bag(tmp_path / 'out' / 'bag') as results:
        topic = recorded.find_topic('', messages.IMAGE_TYPES, 'images')
        stamps = set(recorded.frame_table(topic).stamps.tolist())
        targets = [results.decode(raw, connection)
                   for _, raw, connection in results.messages('/siamx_tracker/target')]
        statuses = [results.decode(raw, connection)
                    for _, raw, connection in results.messages('/siamx_tracker/status')]
        detections = [results.decode(raw, connection)
                      for _, raw, connection in results.messages('/siamx_tracker/detections')]
    assert {messages.nanoseconds(target.header.stamp) for target in targets} == stamps
    assert [target.valid for target in targets] == [True] * 4 + [False] * 2 + [True] * 4
    assert messages.xywh_of(targets[3].bbox) == (13, 10, 16, 12)
    assert [status.state for status in statuses] == [2, 4, 2]
    assert [len(each.detections) for each in detections] == [1, 1, 1, 1, 0, 0, 1, 1, 1, 1]


def test_simulated_real_time_misses_frames(tmp_path, bag, static):
    """At 30 Hz, 80 ms for each frame: 0, then 2 (arrived 66.7), 4 (of 146.7: 133.3), 7, 9."""
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--mode', 'realtime', '--latency', '80', '--out', out) == 0
    rows = [line.split(',') for line in (out / 'frames.csv').read_text().splitlines()[1:]]
    assert [int(row[0]) for row in rows if row[-1] == ''] == [0, 2, 4, 7, 9]
    assert {row[-1] for row in rows} == {'', 'overwritten'}
    frames = summary(out)['figures']['frames']
    assert (frames['processed'], frames['overwritten']) == (5, 5)
    assert frames['age_p50_ms'] >= 80
    assert summary(out)['figures']['at_arrival']['frames'] == 7
    assert summary(out)['figures']['metrics']['frames'] == 3  # of 2, 4, 7, 9; 4 is absent


def test_no_latency_misses_nothing_and_equals_offline(tmp_path, bag, oracle):
    assert evaluate(bag, *RANDOM, '--mode', 'realtime', '--latency', '0', '--out',
                    tmp_path / 'a') == 0
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'b') == 0
    a, b = summary(tmp_path / 'a')['figures'], summary(tmp_path / 'b')['figures']
    assert a['metrics'] == b['metrics'] and a['losses'] == b['losses']
    assert a['at_arrival']['auc'] == pytest.approx(20 / 21)


def test_a_late_result_is_scored_against_the_frame_that_arrives(tmp_path, bag, oracle):
    """With 20 ms at 30 Hz every box is one frame old when the next image is there."""
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--mode', 'realtime', '--latency', '20', '--out', out) == 0
    figures = summary(out)['figures']
    assert figures['metrics']['auc'] == pytest.approx(20 / 21)
    one_late, two_late = (16 - 3) / (16 + 3), (16 - 9) / (16 + 9)  # at 6, the box of 3 is held
    steps = np.arange(21) / 20
    expected = (6 * np.mean(one_late > steps) + np.mean(two_late > steps)) / 7
    assert figures['at_arrival']['auc'] == pytest.approx(expected)
    assert figures['at_arrival']['valid_while_absent'] == 0.5  # at 4, the result of 3


def test_criteria_decide_the_exit_status(tmp_path, bag, oracle, capfd):
    path = tmp_path / 'criteria.yaml'
    path.write_text('metrics.auc: {min: 0.9}\nhonesty.false_lost: {max: 0.0}\n')
    assert evaluate(bag, *RANDOM, '--criteria', path, '--out', tmp_path / 'out') == 0
    assert 'pass  metrics.auc >= 0.9' in capfd.readouterr().out
    path.write_text('metrics.auc: {min: 0.99}\n')
    assert evaluate(bag, *RANDOM, '--criteria', path) == 1
    assert 'FAIL  metrics.auc >= 0.99' in capfd.readouterr().out
    assert [each['passed'] for each in summary(tmp_path / 'out')['criteria']] == [True, True]
    path.write_text('losses.time_to_relocalise_s: {max: 1}\nmetrics.aux: {max: 1}\n')
    assert evaluate(bag, *RANDOM, '--criteria', path) == 2
    assert "no figure 'metrics.aux'" in capfd.readouterr().err


def test_truth_from_a_file_equals_the_topic(tmp_path, bag, dataset, static):
    path = dataset / 'interrupted' / 'groundtruth.txt'
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'a') == 0
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'b', '--truth-file', path) == 0
    assert summary(tmp_path / 'a')['figures'] == summary(tmp_path / 'b')['figures']


def test_a_given_box_and_no_truth(tmp_path, sequence, static):
    write_sequence(tmp_path / 'bare', sequence, truth_topic='')
    out = tmp_path / 'out'
    assert evaluate(tmp_path / 'bare', *RANDOM, '--box', '4,10,16,12', '--box-frame', '3',
                    '--out', out) == 0
    got = summary(out)
    assert got['start'] == {'frame': 3, 'box': [4.0, 10.0, 16.0, 12.0], 'from': 'given'}
    assert got['figures']['metrics']['auc'] is None
    assert got['figures']['frames']['before_init'] == 3


def test_an_annotated_video(tmp_path, bag, static):
    import cv2
    assert evaluate(bag, *RANDOM, '--video', tmp_path / 'v.avi') == 0
    video = cv2.VideoCapture(str(tmp_path / 'v.avi'))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 10
    assert round(video.get(cv2.CAP_PROP_FPS)) == 30


def test_several_runs_in_one_table(tmp_path, bag, static, capfd):
    for name in ('one', 'two'):
        assert evaluate(bag, *RANDOM, '--out', tmp_path / name) == 0
    capfd.readouterr()
    assert main(['report', str(tmp_path / 'one'), str(tmp_path / 'two')]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['run', 'one', 'two']
    assert lines[1].split()[2:] == lines[2].split()[2:]


def test_results_are_not_overwritten_unasked(tmp_path, bag, static, capfd):
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out') == 0
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out') == 2
    assert 'not empty' in capfd.readouterr().err
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out', '--overwrite') == 0
    (tmp_path / 'thesis').mkdir()
    (tmp_path / 'thesis' / 'a.txt').write_text('three years')
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'thesis', '--overwrite') == 2
    assert (tmp_path / 'thesis' / 'a.txt').exists()


def request_bag(path, sequence, stamp_of=None):
    """A bag with a recorded request for the box of frame 2, sent when frame 4 was recorded."""
    write_sequence(path, sequence, truth_topic='')
    with Bag(path) as bag:
        topic = bag.find_topic('', messages.IMAGE_TYPES, 'images')
        rows = [(time, bag.decode(raw, c)) for time, raw, c in bag.messages(topic)]
    other = path.with_name('request')
    with BagWriter(other) as writer:
        writer.add_topic(topic, messages.IMAGE_TYPES[1])
        writer.add_topic('/request', messages.DETECTION)
        for number, (time, message) in enumerate(rows):
            writer.write(topic, time, message)
            if number == 4:
                stamp = 0 if stamp_of is None else rows[stamp_of][0]
                writer.write('/request', time + 1, messages.detection_message(
                    stamp, 'camera', (10, 10, 16, 12), 1.0))
    return other


@pytest.mark.parametrize('stamp_of, frame', [(2, 2), (None, 4)])
def test_a_recorded_request(tmp_path, sequence, static, stamp_of, frame):
    bag = request_bag(tmp_path / 'plain', sequence, stamp_of)
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--init-topic', '/request', '--out', out) == 0
    assert summary(out)['start'] == {
        'frame': frame, 'box': [10.0, 10.0, 16.0, 12.0], 'from': '/request'}


@pytest.mark.parametrize('arguments, sentence', [
    (['--truth-topic', '/truth'], 'has no topic /truth for the ground truth; of that type: '
                                  '/ground_truth'),
    (['--image-topic', '/ground_truth'], 'is of type vision_msgs/msg/Detection2DArray'),
    (['--image-topic', '/depth'], 'has no topic /depth for the images'),
    (['--truth-file', 'none.txt'], 'cannot read none.txt'),
    (['--init-topic', '/request'], 'has no topic /request'),
    (['--box', '1,2,3'], 'a box is four numbers'),
    (['--box', '1,2,3,4', '--box-frame', '10'], 'no frame 10'),
    (['--mode', 'fast'], '--mode must be offline or realtime'),
    (['--mode', 'realtime'], '--latency belongs to --mode realtime'),
    (['--latency', '5'], '--latency belongs to --mode realtime'),
    (['--mode', 'realtime', '--latency=-5'], 'milliseconds >= 0'),
    (['--mode', 'realtime', '--latency', 'none.txt'], 'cannot read latencies from none.txt'),
    (['--tracker', 'siam'], "unknown tracker 'siam'"),
    (['--criteria', 'none.yaml'], 'cannot read settings from none.yaml')])
def test_bad_input_is_one_sentence(bag, capfd, arguments, sentence):
    assert evaluate(bag, *RANDOM, *arguments) == 2
    error = capfd.readouterr().err
    assert sentence in error and 'Traceback' not in error


def test_without_truth_or_box(tmp_path, sequence, capfd):
    write_sequence(tmp_path / 'bare', sequence, truth_topic='')
    assert evaluate(tmp_path / 'bare', *RANDOM) == 2
    assert 'give --truth-topic, --truth-file, --init-topic or --box' in capfd.readouterr().err


def test_the_script_is_the_command(repository):
    done = subprocess.run(
        [sys.executable, str(Path(repository) / 'scripts' / 'evaluate_bag'), 'no_such_bag'],
        text=True, capture_output=True, timeout=60)
    assert done.returncode == 2 and 'there is no bag no_such_bag' in done.stderr
