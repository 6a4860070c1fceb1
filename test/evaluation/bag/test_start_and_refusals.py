"""The command evaluate-bag: recorded requests, and what cannot be used."""

import math
from pathlib import Path
import sys
from types import SimpleNamespace

from bag_command import RANDOM, evaluate, rewritten, summary
from command_line import refused, script
import numpy as np
import pytest

from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.first_box import first_box_of_topic
from siamx_ros.evaluation.bag.frame_table import BagFrame, ordered
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.writer import BagWriter, write_sequence
from siamx_ros.imaging import read_image


def request_bag(path, sequence, stamp_of=None, theta=0.0):
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
                request = messages.detection_message(stamp, 'camera', (10, 10, 16, 12), 1.0)
                request.bbox.center.theta = theta
                writer.write('/request', time + 1, request)
    return other


@pytest.mark.parametrize('stamp_of, frame', [(2, 2), (None, 4)])
def test_a_recorded_request(tmp_path, sequence, static, stamp_of, frame):
    bag = request_bag(tmp_path / 'plain', sequence, stamp_of)
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--init-topic', '/request', '--out', out) == 0
    assert summary(out)['start'] == {
        'frame': frame, 'box': [10.0, 10.0, 16.0, 12.0], 'from': '/request'}


def test_a_rotated_box_that_was_recorded_is_refused(tmp_path, sequence, static, capfd):
    bag = request_bag(tmp_path / 'plain', sequence, 2, theta=0.5)
    assert evaluate(bag, *RANDOM, '--init-topic', '/request') == 2
    assert 'the box of /request is rotated by 0.5 rad' in capfd.readouterr().err


def test_a_request_drawn_on_a_smaller_picture_is_scaled(sequence):
    image = read_image(sequence.frame_paths[0])
    height, width = image.shape[:2]
    request = SimpleNamespace(
        header=messages.header(0, ''), image_width=width // 2, image_height=height // 4,
        bbox=messages.detection_message(0, '', (5, 2, 8, 3), 1.0).bbox)
    bag = SimpleNamespace(topics={'/init': ''}, messages=lambda topic: [(1, None, None)],
                          decode=lambda *_: SimpleNamespace(request=[request]))
    table = ordered(np.arange(1, 4), np.arange(1, 4))
    index, box = first_box_of_topic(
        bag, '/init', table, lambda only: iter([BagFrame(int(only.argmax()), 0, image)]))
    assert (index, box.xywh) == (0, (10.0, 8.0, 16.0, 12.0))


def test_rotated_true_boxes_count_as_those_around_them(tmp_path, bag, static, caplog):
    def turned(number, message):
        for each in message.detections:
            each.bbox.center.theta = math.pi / 2
        return message
    path = rewritten(bag, tmp_path / 'turned', turned, messages.DETECTIONS)
    assert evaluate(path, *RANDOM, '--out', tmp_path / 'out') == 0
    assert 'of the boxes of /ground_truth are rotated' in caplog.text
    x, y, w, h = summary(tmp_path / 'out')['start']['box']
    assert (w, h) == (pytest.approx(12), pytest.approx(16)), '16 x 12, turned'
    assert (x, y) == (pytest.approx(6), pytest.approx(8))


@pytest.mark.parametrize('arguments, sentence', [
    (['--truth-topic', '/truth'], 'has no topic /truth for the ground truth; of that type: '
                                  '/ground_truth'),
    (['--image-topic', '/ground_truth'], 'is of type vision_msgs/msg/Detection2DArray'),
    (['--image-topic', '/depth'], 'has no topic /depth for the images'),
    (['--truth-file', 'none.txt'], 'cannot read none.txt'),
    (['--init-topic', '/request'], 'has no topic /request'),
    (['--box', '1,2,3'], 'a box is four numbers'),
    (['--box', '1,2,3,4', '--box-frame', '10'], 'no frame 10'),
    (['--box-frame', '0'], '--box-frame belongs to --box'),
    (['--box-frame', '3', '--init-topic', '/request'], '--box-frame belongs to --box'),
    (['--box', '1,2,3,4', '--init-topic', '/request'], 'give --box or --init-topic, not both'),
    (['--truth-file', 'a.txt', '--truth-topic', '/ground_truth'], 'give --truth-file or a topic'),
    (['--truth-file', 'a.txt', '--truth-bag', 'walk'], 'give --truth-file or a topic'),
    (['--truth-file', 'a.txt', '--truth-id', 'car'], 'give --truth-file or a topic'),
    (['--truth-id', 'cra'],
     "no detection of /ground_truth has the id 'cra'; the ids there: 'target'"),
    (['--mode', 'fast'], '--mode must be offline, realtime, live or lockstep'),
    (['--node', '/siamx_tracker'], '--node and --node-image belong to --mode live or lockstep'),
    (['--mode', 'live', '--tracker', 'kcf'], "has no tracker 'kcf'"),
    (['--mode', 'live', '--node-image', '/image'], '--node-image belongs to --node'),
    (['--mode', 'live', '--node', 'siamx_tracker'], '--node must be a full name'),
    (['--mode', 'live', '--node', '/{x}'], '--node must be a full name'),
    (['--mode', 'live', '--node', '/a', '--node-image', 'a b'], '--node-image must be the name'),
    (['--mode', 'live', '--node', '/siamx_tracker'], 'runs with settings of its own'),
    (['--mode', 'live', '--tracking.momentum_gate', 'confidence'],
     'momentum_gate cannot be given to the node'),
    (['--mode', 'live', '--latency', '5'], '--latency belongs to --mode realtime'),
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


@pytest.mark.parametrize('arguments', [
    ['--truth-id', 'nobody'], ['--weights', 'nope'], ['--image-topic', '/depth'],
    ['--tracker', 'csrt'], ['--mode', 'live'], ['--video', 'x.mpg'], ['--video', 'none/x.mp4'],
    ['--box', '-90,-90,91,91']])
def test_overwrite_deletes_nothing_for_a_run_that_cannot_start(
        tmp_path, bag, monkeypatch, capfd, arguments):
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--out', out) == 0
    monkeypatch.delattr('cv2.TrackerCSRT', raising=False)
    monkeypatch.setitem(sys.modules, 'siamx_ros.client.player', None)  # as without ROS
    before = sorted(out.rglob('*'))
    assert evaluate(bag, *RANDOM, '--out', out, '--overwrite', *arguments) == 2
    assert 'error: ' in capfd.readouterr().err
    assert before and sorted(out.rglob('*')) == before


@pytest.mark.parametrize('given, sentence', [
    ((), 'give --truth-topic, --truth-file, --init-topic or --box'),
    (('--truth-id', 'car', '--box', '4,10,16,12'), 'no topic /ground_truth for the ground truth')])
def test_a_bag_without_truth(tmp_path, sequence, capfd, given, sentence):
    write_sequence(tmp_path / 'bare', sequence, truth_topic='')
    assert evaluate(tmp_path / 'bare', *RANDOM, *given) == 2
    assert sentence in capfd.readouterr().err


@pytest.mark.parametrize('mode', ['live', 'lockstep'])
def test_live_modes_without_ros_are_one_sentence(bag, capfd, monkeypatch, mode):
    for name in ('siamx_ros.client.player', 'siamx_ros.client.probe'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, 'rclpy', None)
    assert evaluate(bag, *RANDOM, '--mode', mode) == 2
    error = capfd.readouterr().err
    assert f'--mode {mode} needs ROS 2 with rclpy' in error and 'Traceback' not in error


def test_the_script_is_the_command():
    refused(script('evaluate_bag', 'no_such_bag'), 'there is no bag no_such_bag')


def test_earlier_results_stay_until_the_new_ones_are_whole(tmp_path, bag, monkeypatch, caplog):
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--out', out) == 0
    before = (out / 'summary.json').read_bytes()

    def broken(folder, *_):
        (folder / 'frames.csv').write_text('half')
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr('siamx_ros.evaluation.bag.folder.write_replay', broken)
        for _ in range(2):
            assert evaluate(bag, *RANDOM, '--out', out, '--overwrite') == 130
    assert (out / 'summary.json').read_bytes() == before
    assert (out / '.siamx_new' / 'frames.csv').read_text() == 'half'
    assert f'the earlier results stay; what was written instead is in {out}' in caplog.text
    assert evaluate(bag, *RANDOM, '--out', out, '--overwrite', '--box', '5,10,16,12') == 0
    assert (out / 'summary.json').read_bytes() != before and not (out / '.siamx_new').exists()
    assert [path.name for path in tmp_path.iterdir() if 'out' in path.name] == ['out']


@pytest.mark.parametrize('inside', ['.', 'plots'])
def test_results_can_be_replaced_from_within(tmp_path, bag, monkeypatch, capfd, inside):
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--out', out) == 0
    before = (out / 'summary.json').read_bytes()
    monkeypatch.chdir(out / inside)
    there = Path('..') if inside == 'plots' else Path('.')
    assert evaluate(bag, *RANDOM, '--out', there, '--overwrite', '--box', '5,10,16,12') == 0
    assert f'wrote {there / "summary.json"}' in capfd.readouterr().err
    assert (out / 'summary.json').read_bytes() != before and (out / 'plots').is_dir()


def test_without_matplotlib_a_replay_with_results_does_not_begin(
        tmp_path, bag, monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    assert evaluate(bag, *RANDOM, '--out', tmp_path / 'out') == 1
    assert "needs the Python package 'matplotlib'" in capfd.readouterr().err
    assert not (tmp_path / 'out').exists()
