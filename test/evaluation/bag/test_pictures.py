"""Pictures in a bag that are cut short, of more bits or of another size, and dropped targets."""

from dataclasses import replace
import json

from bag_command import RANDOM, evaluate, rewritten, rows, summary
import cv2
from exif import oriented
import numpy as np
import pytest

from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.frame_table import frame_table, frames
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.writer import write_sequence
from siamx_ros.evaluation.trackers import TrackerSpec
from siamx_ros.imaging import read_image
from siamx_ros.messages.conversions import image_from_msg
from siamx_ros.records import TrackState


def cut(encode, share=0.6):
    """Cuts images 3 and 4 of CompressedImage messages in two, at a share of their bytes."""
    def change(number, message):
        data = encode(cv2.imdecode(message.data, cv2.IMREAD_COLOR))
        message.data = data[:int(len(data) * share)] if number in (3, 4) else data
    return change


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_pictures_that_are_cut_short_are_counted_and_named(
        tmp_path, bag, oracle, caplog, suffix):
    path = rewritten(bag, tmp_path / 'b', cut(lambda image: cv2.imencode(suffix, image)[1]))
    out = tmp_path / 'out'
    assert evaluate(path, *RANDOM, '--out', out) == 0
    figures = summary(out)['figures']
    assert (figures['frames']['unreadable'], figures['frames']['processed']) == (2, 8)
    events = [json.loads(line) for line in (out / 'events.jsonl').read_text().splitlines()]
    assert [e['frame'] for e in events if e['event'] == 'unreadable'] == [3, 4]
    assert f'2 of the 10 images of {path} are not scored, the first is number 3, ' in caplog.text
    assert 'is cut short' in caplog.text


def test_a_replay_starts_on_the_first_picture_that_can_be_read(
        tmp_path, bag, oracle, caplog, capfd):
    def first_cut(number, message):
        message.data = message.data[:200] if number < 2 else message.data
        return message
    path = rewritten(bag, tmp_path / 'b', first_cut)
    assert evaluate(path, *RANDOM, '--out', tmp_path / 'out') == 0
    assert summary(tmp_path / 'out')['start']['frame'] == 2
    assert 'not started on image 0: ' in caplog.text
    assert evaluate(path, *RANDOM, '--box', '4,10,16,12') == 2
    assert 'give the target on another one, with --box x,y,w,h --box-frame N' in \
        capfd.readouterr().err
    path = rewritten(bag, tmp_path / 'none', lambda number, message: setattr(
        message, 'data', message.data[:200]))
    assert evaluate(path, *RANDOM) == 2
    assert 'none of the images with a true box can be read' in capfd.readouterr().err


def test_a_picture_that_exif_data_turn_is_written_as_it_is_shown(tmp_path, sequence):
    images = [read_image(path) for path in sequence.frame_paths]
    for path in sequence.frame_paths:
        jpeg = cv2.imencode('.jpg', read_image(path))[1].tobytes()
        path.with_suffix('.jpg').write_bytes(oriented(jpeg))
    turned = replace(sequence, frame_paths=tuple(
        path.with_suffix('.jpg') for path in sequence.frame_paths))
    write_sequence(tmp_path / 'turned', turned)
    with Bag(tmp_path / 'turned') as bag:
        topic = bag.find_topic('', messages.IMAGE_TYPES, 'images')
        shown = [each.image for each in frames(bag, topic, frame_table(bag, topic))]
    assert shown[0].shape[:2] == images[0].shape[1::-1]
    for path, image in zip(turned.frame_paths, shown):
        np.testing.assert_array_equal(image, read_image(path))


def test_results_lie_beside_a_recording_by_another_clock(tmp_path, bag, oracle):
    def since_boot(number, message):
        message.header.stamp = messages.time_from(100 * 10**9 + number * 33_000_000)
    kinds = (*messages.IMAGE_TYPES, messages.DETECTIONS)
    path = rewritten(bag, tmp_path / 'b', since_boot, *kinds)
    assert evaluate(path, *RANDOM, '--out', tmp_path / 'out') == 0
    with Bag(path) as recorded, Bag(tmp_path / 'out' / 'bag') as results:
        topic = recorded.find_topic('', messages.IMAGE_TYPES, 'images')
        assert [time for time, *_ in results.messages('/siamx_tracker/target')] == [
            time for time, *_ in recorded.messages(topic)]


@pytest.mark.parametrize('bits', [10, 14, 16])
def test_pictures_of_more_bits_are_seen_as_the_node_sees_them(tmp_path, sequence, bits):
    """Spread over eight bits, so that the target does not drown in black."""
    write_sequence(tmp_path / 'plain', sequence, compressed=False)
    grey = [cv2.cvtColor(read_image(file), cv2.COLOR_BGR2GRAY) for file in sequence.frame_paths]

    def widened(number, message):
        values = grey[number].astype(np.uint16) << (bits - 8)
        message.encoding, message.step = 'mono16', 2 * message.width
        message.data = values.reshape(-1).view(np.uint8)

    path = rewritten(tmp_path / 'plain', tmp_path / 'b', widened)
    with Bag(path) as bag:
        topic = bag.find_topic('', messages.IMAGE_TYPES, 'the images')
        seen = [frame.image for frame in frames(bag, topic, frame_table(bag, topic))]
        as_node = [image_from_msg(bag.decode(raw, c)) for _, raw, c in bag.messages(topic)]
    for image, expected, plain in zip(seen, as_node, grey):
        np.testing.assert_array_equal(image, expected)
        assert image.std() >= 0.5 * plain.std()


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

    def halved(number, message):
        if number == 5:
            message.height //= 2
            message.data = message.data[:len(message.data) // 2]
    return rewritten(tmp_path / 'plain', tmp_path / 'resized', halved)


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
