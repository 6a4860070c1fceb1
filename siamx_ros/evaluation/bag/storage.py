"""Opening the files of a bag with rosbags, whatever topics that nobody needs may hold."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Iterator

from siamx_ros.errors import InputError
from siamx_ros.files import refuse_pointer
from siamx_ros.imaging import natural_key

ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
"""First bytes of compressed data; a message of ROS 2 begins with a zero."""
FILE_SUFFIXES = ('.mcap', '.db3', '.bag')


def open_readers(path: Path, stack: ExitStack) -> list[Any]:
    """Readers of rosbags that are open until ``stack`` is closed; several for several files.

    Raises:
        InputError: a file stands in for another one, or was not closed by its recorder.
        Exception: whatever rosbags raises on files that it cannot read.
    """
    check_files(path)
    with _lenient():
        if path.suffix == '.bag':
            from rosbags.rosbag1 import Reader as Reader1
            return [stack.enter_context(Reader1(path))]
        from rosbags.rosbag2 import Reader, ReaderError
        try:
            return [stack.enter_context(Reader(path))]
        except ReaderError as error:
            if not path.is_dir() or 'Serialization format' not in str(error):
                raise
        return [stack.enter_context(Reader(file)) for file in _listed_files(path)]


def check_files(path: Path) -> None:
    """Refuse what only looks like the file of a bag.

    Raises:
        InputError: a Git LFS pointer, a compressed file, or a database that was not closed.
    """
    if path.name.endswith('.zstd'):
        raise InputError(f'{path} is a compressed file: name its folder with metadata.yaml, or '
                         'decompress it with `zstd -d`')
    for file in [path] if path.is_file() else sorted(path.iterdir()):
        if file.suffix not in (*FILE_SUFFIXES, '.yaml', '.zstd') or not file.is_file():
            continue
        refuse_pointer(file)
        journal = file.with_name(file.name + '-wal')
        if journal.is_file() and journal.stat().st_size:
            raise InputError(f'{file} was not closed by its recorder, messages are left in '
                             f'{journal.name}: run `sqlite3 {file.name} "PRAGMA wal_checkpoint"`')


def recorded(reader: Any, topic: str) -> Iterator[tuple[Any, int, bytes]]:
    """Connection, time and bytes of a topic's messages in the order in which they were recorded.

    The methods of rosbags give them by their times, which go back where the recorder's clock was
    set back.
    """
    storage = getattr(reader, 'storage', reader)
    for part in sorted(getattr(storage, 'storages', [storage]), key=lambda each: natural_key(
            Path(each.path))):
        connections = [each for each in part.connections if each.topic == topic]
        if not connections:
            continue
        if hasattr(part, 'messages_scan'):
            yield from part.messages_scan(connections)
        elif hasattr(part, 'dbconn'):
            yield from _rows(part.dbconn, {each.id: each for each in connections})
        else:
            yield from part.messages(connections)


def inflated(raw: bytes) -> bytes:
    """A message of ROS 2 as it was sent; a single file does not say that they are compressed."""
    if raw[:4] != ZSTD_MAGIC:
        return raw
    try:
        from compression import zstd
    except ImportError:
        from backports import zstd
    return zstd.decompress(raw)


def _rows(database: Any, connections: dict[int, Any]) -> Iterator[tuple[Any, int, bytes]]:
    places = ', '.join('?' * len(connections))
    for identity, time, data in database.execute(
            f'SELECT topic_id, timestamp, data FROM messages WHERE topic_id IN ({places}) '
            'ORDER BY id', tuple(connections)):
        yield connections[identity], time, data


def _listed_files(folder: Path) -> list[Path]:
    """The data files of a folder, in the order in which they were recorded."""
    import yaml
    listed = yaml.safe_load((folder / 'metadata.yaml').read_text(encoding='utf-8'))
    names = listed['rosbag2_bagfile_information']['relative_file_paths']
    return [folder / Path(name).name for name in names]


@contextmanager
def _lenient() -> Iterator[None]:
    """Let message definitions in formats that rosbags does not know count as missing.

    It looks at those of all topics when it opens a file, and refuses all for one of them.
    """
    import apsw
    from rosbags.interfaces import MessageDefinition, MessageDefinitionFormat
    from rosbags.rosbag2 import storage_mcap
    known = storage_mcap.get_msgdef

    def get_msgdef(schema: Any) -> MessageDefinition:
        try:
            return known(schema)
        except KeyError:
            return MessageDefinition(MessageDefinitionFormat.NONE, '')

    storage_mcap.get_msgdef = get_msgdef
    apsw.connection_hooks.append(_hide_unknown_definitions)
    try:
        yield
    finally:
        storage_mcap.get_msgdef = known
        apsw.connection_hooks.remove(_hide_unknown_definitions)


def _hide_unknown_definitions(database: Any) -> None:
    """In a database that was just opened, put a view of the known ones before their table."""
    database.execute(
        'CREATE TEMP VIEW message_definitions AS SELECT * FROM main.message_definitions '
        "WHERE encoding IN ('ros2msg', 'ros2idl') AND encoded_message_definition <> ''")
