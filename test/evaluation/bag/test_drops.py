"""After the target was dropped nothing is in hand: by a time-out, or images of another size."""

from dataclasses import replace
import json

from bag_command import RANDOM, evaluate, rows, summary
import numpy as np
import pytest

from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.writer import BagWriter, write_sequence
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.records import TrackState

GIVEN_UP = 3


@pytest.fixture
def gives_up(monkeypatch, trackers, sequence):
    """A tracker that is right, and drops the target on frame GIVEN_UP with its box."""
    monkeypatch.setattr(TrackerSpec, 'build', lambda self: trackers.Changed(
        sequence.boxes_xywh, lambda index, result: result if index < GIVEN_UP else replace(
            result, state=TrackState.UNINITIALISED, valid=False)))


@pytest.fixture
def resized(tmp_path, sequence):
    """A bag whose images change their size at frame 5."""
    write_sequence(tmp_path / 'plain', sequence, compressed=False)
    with Bag(tmp_path / 'plain') as bag, BagWriter(tmp_path / 'resized') as writer:
        for topic, kind in bag.topics.items():
            writer.add_topic(topic, kind)
            for number, (time, raw, connection) in enumerate(bag.messages(topic)):
                msg = bag.decode(raw, connection)
                if kind == messages.IMAGE_TYPES[0] and number == 5:
                    msg = replace(msg, height=msg.height // 2, data=msg.data[:len(msg.data) // 2])
                writer.write(topic, time, msg)
    return tmp_path / 'resized'


def test_a_dropped_box_is_not_in_hand_later(tmp_path, bag, gives_up):
    """With 20 ms of 33 the drop of frame 3 is known when frame 4 arrives; the box would fit."""
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--mode', 'realtime', '--latency', '20', '--out', out) == 0
    overlap = np.array([13 / 19, 13 / 19, 13 / 19, 0, 0, 0, 0])  # of 1, 2, 3, 6, ... 9
    figures = summary(out)['figures']['at_arrival']
    assert figures['frames'] == 7
    assert figures['auc'] == pytest.approx(np.mean(overlap[:, None] > np.arange(21) / 20))


def test_at_arrival_without_latency_is_what_was_said(tmp_path, bag, gives_up):
    out = tmp_path / 'out'
    assert evaluate(bag, *RANDOM, '--mode', 'realtime', '--latency', '0', '--out', out) == 0
    figures = summary(out)['figures']
    assert figures['at_arrival']['auc'] == figures['metrics']['auc'] > 0.3


@pytest.mark.parametrize('mode', [(), ('--mode', 'realtime', '--latency', '1')])
def test_images_of_another_size_drop_the_target(tmp_path, resized, mode):
    """As the node does; what was said until then is scored and written."""
    out = tmp_path / 'out'
    assert evaluate(resized, *RANDOM, '--out', out, '--video', tmp_path / 'v.avi', *mode) == 0
    states = [row[7:9] for row in rows(out)]
    assert states[5] == ['UNINITIALISED', 'IMAGE_SIZE_CHANGED']
    assert [row[-1] for row in rows(out)] == [''] * 6 + ['dropped'] * 4
    assert rows(out)[5][2:6] == ['nan'] * 4
    events = [json.loads(line) for line in (out / 'events.jsonl').read_text().splitlines()]
    assert (events[-1]['frame'], events[-1]['reason']) == (5, 'IMAGE_SIZE_CHANGED')
    frames = summary(out)['figures']['frames']
    assert (frames['processed'], frames['after_drop']) == (6, 4)
    assert summary(out)['figures']['metrics']['frames'] == 7
