"""Bags that are damaged, foreign or out of order, and the types in them."""

import re

import numpy as np
import pytest

from siamx_ros.data.sequence import read_folder
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.frame_table import frame_table, frames, nearest_frame
from siamx_ros.evaluation.bag.reader import Bag, bag_digest
from siamx_ros.evaluation.bag.truth import truth_from_file, truth_from_topic
from siamx_ros.evaluation.bag.writer import BagWriter, write_sequence
from siamx_ros.geometry import BoundingBox
from siamx_ros.imaging import read_image

SECOND = 10**9


def image(stamp, value=0, encoding='bgr8', cut=0):
    data = np.full(8 * 6 * 3, value, np.uint8)
    return messages.typestore().types[messages.IMAGE_TYPES[0]](
        header=messages.header(stamp, 'cam'), height=6, width=8, encoding=encoding,
        is_bigendian=0, step=24, data=data[:len(data) - cut])


def write(path, rows, truth=(), storage='mcap'):
    """rows: (recording time, image); truth: (stamp, list of (id, xywh))."""
    with BagWriter(path, storage) as writer:
        writer.add_topic('/image', messages.IMAGE_TYPES[0])
        writer.add_topic('/truth', messages.DETECTIONS)
        for time, message in rows:
            writer.write('/image', time, message)
        for stamp, boxes in truth:
            found = [messages.detection_message(stamp, 'cam', xywh, 1.0, identity)
                     for identity, xywh in boxes]
            writer.write('/truth', stamp, messages.detections_message(stamp, 'cam', found))
    return path


def values(bag, table):
    return [int(frame.image[0, 0, 0]) for frame in frames(bag, '/image', table)]


def test_header_stamps_decide_the_order(tmp_path):
    order = [3, 1, 2, 2, 5, 4]
    path = write(tmp_path / 'b', [
        ((index + 10) * SECOND, image(stamp * SECOND // 10, 10 * stamp + index))
        for index, stamp in enumerate(order)])
    with Bag(path) as bag:
        table = frame_table(bag, '/image')
        assert values(bag, table) == [11, 22, 30, 45, 54]  # the first of the two stamped 2
    assert (table.duplicates, table.reordered, table.unstamped) == (1, 4, False)
    assert not table.jumps
    assert list(table.stamps) == [stamp * SECOND // 10 for stamp in (1, 2, 3, 4, 5)]


def test_unreadable_images_are_named_and_passed_over(tmp_path):
    path = write(tmp_path / 'b', [
        (1, image(1, 1)), (2, image(2, 2, encoding='yuv999')), (3, image(3, 3, cut=5)),
        (4, image(4, 4))])
    with Bag(path) as bag:
        found = list(frames(bag, '/image', frame_table(bag, '/image')))
    assert [frame.image is None for frame in found] == [False, True, True, False]
    assert 'yuv999' in found[1].problem and 'truncated' in found[2].problem


@pytest.mark.parametrize('share', [0.0, 0.3, 0.95])
@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_a_truncated_bag_is_refused(tmp_path, dataset, share, storage):
    write_sequence(tmp_path / 'b', read_folder(dataset / 'moving'), storage=storage)
    [file] = [p for p in (tmp_path / 'b').iterdir() if p.suffix in ('.mcap', '.db3')]
    data = file.read_bytes()
    file.write_bytes(data[:int(len(data) * share)])
    with pytest.raises(InputError, match='cannot be read') as caught:
        with Bag(tmp_path / 'b') as bag:
            topic = bag.find_topic('', messages.IMAGE_TYPES, 'images')
            list(frames(bag, topic, frame_table(bag, topic)))
    if storage == 'mcap' and share > 0:
        assert 'mcap recover' in str(caught.value)


@pytest.mark.parametrize('name', ['x.mcap', 'x.db3', 'x.bag', 'x.txt'])
def test_foreign_files_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b'this is a text, not a bag' * 50)
    with pytest.raises(InputError, match='cannot be read'):
        Bag(tmp_path / name)


def test_a_folder_without_metadata_says_what_to_do(tmp_path, dataset):
    write_sequence(tmp_path / 'b', read_folder(dataset / 'moving'))
    (tmp_path / 'b' / 'metadata.yaml').unlink()
    with pytest.raises(InputError, match='name the .mcap, .db3 or .bag file itself'):
        Bag(tmp_path / 'b')
    [file] = (tmp_path / 'b').glob('*.mcap')
    with Bag(file) as bag:
        assert len(frame_table(bag, '/camera/image/compressed').stamps) == 10


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
@pytest.mark.parametrize('compressed', [True, False])
def test_images_come_back_as_they_went_in(tmp_path, dataset, storage, compressed):
    sequence = read_folder(dataset / 'moving')
    write_sequence(tmp_path / 'b', sequence, storage=storage, compressed=compressed)
    with Bag(tmp_path / 'b') as bag:
        topic = bag.find_topic('', messages.IMAGE_TYPES, 'images')
        table = frame_table(bag, topic)
        for frame in frames(bag, topic, table):
            np.testing.assert_array_equal(
                frame.image, read_image(sequence.frame_paths[frame.index]))
    assert table.interval == pytest.approx(SECOND / 30, abs=1)


def test_an_existing_bag_is_not_written_over(tmp_path):
    (tmp_path / 'b').mkdir()
    with pytest.raises(InputError, match='cannot write a bag'):
        BagWriter(tmp_path / 'b')
    with pytest.raises(InputError, match='mcap or sqlite3'):
        BagWriter(tmp_path / 'c', 'tape')


def test_digests(tmp_path):
    a = write(tmp_path / 'a', [(1, image(1, 1))])
    b = write(tmp_path / 'b', [(1, image(1, 2))])
    assert bag_digest(a) == bag_digest(a) != bag_digest(b)


def test_truth_is_matched_by_stamp_then_within_half_a_frame(tmp_path):
    rows = [(i * SECOND, image(i * SECOND)) for i in (1, 2, 3, 4)]
    path = write(tmp_path / 'b', rows, [
        (1 * SECOND, [('', (1, 1, 2, 2))]),
        (2 * SECOND + 400_000_000, [('', (2, 2, 2, 2))]),
        (3 * SECOND - 300_000_000, [('', (9, 9, 2, 2))]),  # nearer to 3, but 3 has an exact one
        (3 * SECOND, []),
        (9 * SECOND, [('', (5, 5, 2, 2))])])
    with Bag(path) as bag:
        truth = truth_from_topic(bag, '/truth', frame_table(bag, '/image'))
    assert list(truth.labelled) == [True, True, True, False]
    np.testing.assert_array_equal(truth.boxes[:2], [[1, 1, 2, 2], [2, 2, 2, 2]])
    assert np.isnan(truth.boxes[2:]).all()  # the third is labelled as absent
    assert truth.unmatched == 2


def test_of_several_labels_in_a_file_the_nearest_counts(tmp_path):
    """As of a topic: a hundred labels a second over ten images a second."""
    path = write(tmp_path / 'b', [(i, image(i)) for i in range(SECOND, 2 * SECOND, SECOND // 10)])
    labels = tmp_path / 'labels.txt'
    labels.write_text('\n'.join(f'{1 + i / 100:.2f},{i},5,2,2' for i in range(95)))
    with Bag(path) as bag:
        truth = truth_from_file(labels, frame_table(bag, '/image'))
    assert truth.boxes[:, 0].tolist() == list(range(0, 100, 10))
    assert truth.labelled.all() and truth.unmatched == 95 - 10


def test_several_boxes_need_an_id(tmp_path):
    path = write(tmp_path / 'b', [(1, image(1)), (3, image(3))],
                 [(1, [('a', (1, 1, 2, 2)), ('b', (3, 3, 2, 2))])])
    with Bag(path) as bag:
        table = frame_table(bag, '/image')
        with pytest.raises(InputError, match='--truth-id'):
            truth_from_topic(bag, '/truth', table)
        np.testing.assert_array_equal(
            truth_from_topic(bag, '/truth', table, 'b').boxes[0], [3, 3, 2, 2])
        with pytest.raises(InputError, match="has the id 'c'; the ids there: 'a', 'b'"):
            truth_from_topic(bag, '/truth', table, 'c')


def test_boxes_without_ids_have_none_to_ask_for(tmp_path):
    kind = messages.typestore().types[messages.BOXES]
    with BagWriter(tmp_path / 'b') as writer:
        writer.add_topic('/image', messages.IMAGE_TYPES[0])
        writer.add_topic('/truth', messages.BOXES)
        writer.write('/image', 1, image(1))
        writer.write('/truth', 1, kind(messages.header(1, 'cam'), [
            messages.builder().bounding_box(BoundingBox(1, 1, 2, 2))]))
    with Bag(tmp_path / 'b') as bag:
        table = frame_table(bag, '/image')
        np.testing.assert_array_equal(
            truth_from_topic(bag, '/truth', table).boxes, [[1, 1, 2, 2]])
        with pytest.raises(InputError, match='have no ids: leave --truth-id out'):
            truth_from_topic(bag, '/truth', table, 'a')


def test_stamped_rows(tmp_path):
    path = write(tmp_path / 'b', [(i * SECOND, image(i * SECOND)) for i in (1, 2, 3)])
    rows = tmp_path / 't.txt'
    rows.write_text('2.1,5,5,2,2\n9,1,1,1,1\n3,0,0,0,0\n')
    with Bag(path) as bag:
        table = frame_table(bag, '/image')
        truth = truth_from_file(rows, table)
        assert list(truth.labelled) == [False, True, True] and truth.unmatched == 1
        assert list(np.isfinite(truth.boxes[:, 0])) == [False, True, False]
        rows.write_text('2.1,5,5,2,2\n9,1,1,1\n')
        with pytest.raises(InputError, match='five numbers'):
            truth_from_file(rows, table)
        rows.write_text('5,5,2,2\n')
        with pytest.raises(InputError, match='1 lines, the bag has 3 frames'):
            truth_from_file(rows, table)
    assert [nearest_frame(table, round(s * 1e9)) for s in (0, 1.4, 1.5, 1.6, 9)] == [0, 0, 0, 1, 2]


@pytest.mark.parametrize('name', ['TrackedTarget', 'TrackerStatus'])
def test_our_types_are_those_of_the_package(repository, name):
    text = (repository / 'msg' / f'{name}.msg').read_text()
    fields = [' '.join(re.sub('#.*', '', line).split()) for line in text.splitlines()]
    fields = [line for line in fields if line and '=' not in line]
    assert messages.DEFINITIONS[f'siamx_ros/msg/{name}'].split('\n') == fields


def test_vision_types_are_those_of_the_overlay(repository):
    folder = repository / 'tools' / 'vision_msgs' / 'msg'
    for path in folder.glob('*.msg'):
        name = f'vision_msgs/msg/{path.stem}'
        if name in messages.DEFINITIONS:
            lines = [line.partition('#')[0].split() for line in path.read_text().splitlines()]
            fields = [' '.join(line).replace('vision_msgs/', '') for line in lines if line]
            ours = messages.DEFINITIONS[name].replace('vision_msgs/', '').split('\n')
            assert ours == fields, name
