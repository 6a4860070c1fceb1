"""Bags as they are found: with foreign topics, compressed, not fetched, not closed."""

import sqlite3

import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.frame_table import frame_table, frames
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.writer import write_sequence
from siamx_ros.imaging import read_image

STRING = messages.typestore().hash_rihs01('std_msgs/msg/String')
UNKNOWN = 'RIHS01_' + '0' * 64
PLUGINS = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
FOREIGN = {
    'checksum of another definition': ('std_msgs/msg/String', 'string data\nint32 n\n', STRING),
    'part that is not defined': ('my_msgs/msg/Thing', 'other_msgs/Part part\n', UNKNOWN),
    'no definition': ('my_msgs/msg/Thing', 'nothing that is known', UNKNOWN),
    'header of its own': (
        'my_msgs/msg/Thing', 'std_msgs/Header header\n' + '=' * 80 + '\nMSG: std_msgs/Header\n'
        'int64 number\n', UNKNOWN),
    'idl': ('my_msgs/msg/Thing', '=' * 80 + '\nIDL: my_msgs/msg/Thing\n'
            'module my { map<string, int32> x; };\n', UNKNOWN)}


def copied(source, path, storage='mcap', mode=None, foreign=None):
    """Write a bag anew: compressed, or with another topic in it."""
    writer = Writer(path, version=9, storage_plugin=PLUGINS[storage])
    if mode is not None:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with Bag(source) as bag, writer:
        if foreign:
            kind, definition, digest = foreign
            other = writer.add_connection('/other', kind, msgdef=definition, rihs01=digest)
            writer.write(other, 1, b'\x00\x01\x00\x00\x01\x00\x00\x00')
        for topic, kind in bag.topics.items():
            new = writer.add_connection(topic, kind, typestore=messages.typestore())
            for time, raw, _ in bag.messages(topic):
                writer.write(new, time, raw)
    return path


def check_images(path, sequence):
    with Bag(path) as bag:
        topic = bag.find_topic('', messages.IMAGE_TYPES, 'the images')
        found = list(frames(bag, topic, frame_table(bag, topic)))
    assert len(found) == len(sequence.frame_paths) == 10
    for frame, file in zip(found, sequence.frame_paths):
        np.testing.assert_array_equal(frame.image, read_image(file))


@pytest.mark.parametrize('storage', PLUGINS)
@pytest.mark.parametrize('foreign', FOREIGN)
def test_topics_that_nobody_needs_do_not_matter(tmp_path, bag, sequence, storage, foreign):
    copied(bag, tmp_path / 'b', storage, foreign=FOREIGN[foreign])
    check_images(tmp_path / 'b', sequence)
    with Bag(tmp_path / 'b') as opened:
        assert opened.topics['/other'] == FOREIGN[foreign][0]


def test_a_topic_that_is_needed_must_be_described(tmp_path, bag):
    definition = messages.DEFINITIONS[messages.BOXES].replace('boxes', 'others')
    digest = messages.typestore().hash_rihs01(messages.BOXES)
    copied(bag, tmp_path / 'b', foreign=FOREIGN['part that is not defined'])
    copied(bag, tmp_path / 'c', foreign=(messages.BOXES, definition, digest))
    for name in ('b', 'c'):
        with Bag(tmp_path / name) as opened:
            [(_, raw, connection)] = opened.messages('/other')
            with pytest.raises(InputError, match='a message of /other'):
                opened.decode(raw, connection)


@pytest.mark.parametrize('encoding', ['', 'unknown', 'protobuf'])
def test_definitions_that_the_recorder_left_out(tmp_path, bag, sequence, encoding):
    """As rosbag2 does where it finds no definition of a type."""
    path = copied(bag, tmp_path / 'b', 'sqlite3', foreign=FOREIGN['part that is not defined'])
    [file] = path.glob('*.db3')
    database = sqlite3.connect(file)
    with database:
        database.execute(
            "UPDATE message_definitions SET encoding = ?, encoded_message_definition = '' "
            "WHERE topic_type = 'my_msgs/msg/Thing'", (encoding,))
    database.close()
    check_images(path, sequence)
    check_images(file, sequence)
    with Bag(path) as opened:
        [(_, raw, connection)] = opened.messages('/other')
        with pytest.raises(InputError, match='does not say what the type my_msgs/msg/Thing of'):
            opened.decode(raw, connection)


def test_definitions_in_another_language(tmp_path, bag, sequence):
    path = copied(bag, tmp_path / 'b', foreign=FOREIGN['idl'])
    [file] = path.glob('*.mcap')
    data = file.read_bytes()
    assert data.count(b'ros2idl') or data.count(b'ros2msg')
    kind = b'\x11\x00\x00\x00my_msgs/msg/Thing\x07\x00\x00\x00ros2'
    assert data.count(kind)
    changed = data.replace(kind, kind[:-4] + b'json')
    file.write_bytes(changed)
    check_images(file, sequence)


def test_another_serialisation_of_another_topic(tmp_path, bag, sequence):
    path = copied(bag, tmp_path / 'b', foreign=FOREIGN['header of its own'])
    listing = path / 'metadata.yaml'
    text = listing.read_text()
    place = text.index('serialization_format: cdr', text.index('/other'))
    listing.write_text(text[:place] + 'serialization_format: json' + text[place + 25:])
    check_images(path, sequence)


@pytest.mark.parametrize('storage', PLUGINS)
@pytest.mark.parametrize('mode', [CompressionMode.MESSAGE, CompressionMode.FILE])
def test_compressed_bags(tmp_path, bag, sequence, storage, mode):
    path = copied(bag, tmp_path / 'b', storage, mode)
    check_images(path, sequence)
    [file] = [each for each in path.iterdir() if each.name != 'metadata.yaml']
    if mode == CompressionMode.MESSAGE:
        check_images(file, sequence)
    else:
        with pytest.raises(InputError, match='is a compressed file: name its folder'):
            Bag(file)


@pytest.mark.parametrize('name', ['b/b.mcap', 'b/metadata.yaml'])
def test_a_recording_that_was_not_fetched(tmp_path, bag, name):
    copied(bag, tmp_path / 'b')
    (tmp_path / name).write_text(
        'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n')
    for path in {tmp_path / 'b', tmp_path / name} - {tmp_path / 'b' / 'metadata.yaml'}:
        with pytest.raises(InputError, match='Git LFS pointer.*git lfs pull'):
            Bag(path)


def test_a_database_that_was_not_closed(tmp_path, sequence):
    write_sequence(tmp_path / 'b', sequence, storage='sqlite3')
    (tmp_path / 'b' / 'b.db3-wal').write_bytes(b'messages')
    with pytest.raises(InputError, match='was not closed by its recorder'):
        Bag(tmp_path / 'b')
    (tmp_path / 'b' / 'b.db3-wal').write_bytes(b'')
    check_images(tmp_path / 'b', sequence)


def test_what_is_no_recording_is_not_called_cut_short(tmp_path):
    (tmp_path / 'x.mcap').write_text('a text, not a recording\n' * 9)
    with pytest.raises(InputError, match='it is no mcap file') as caught:
        Bag(tmp_path / 'x.mcap')
    assert 'recover' not in str(caught.value)
    (tmp_path / 'folder').mkdir()
    with pytest.raises(InputError, match='a bag is a folder with metadata.yaml, or'):
        Bag(tmp_path / 'folder')
