"""Reading bags (mcap and sqlite3, ROS 2 and ROS 1) without ROS: topics, types and messages."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
import hashlib
from pathlib import Path
import struct
from typing import Any, Iterator

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.storage import FILE_SUFFIXES, inflated, open_readers, recorded

IDL_HEADING = '=' * 80 + '\nIDL: '
"""What comes before each definition where several were put together."""


class Bag:
    """A bag that is open for reading; use it in a ``with`` statement.

    Only the types of topics that are read are looked at.

    Args:
        path: folder with metadata.yaml, or a single .mcap, .db3 or .bag file.

    Raises:
        InputError: there is no bag, or it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise InputError(f'there is no bag {self.path}')
        messages.typestore()  # rosbags is missed here, with what to do
        self.is2 = self.path.suffix != '.bag'
        self._typestores: dict[tuple[Any, ...], Any] = {}
        self._stack = ExitStack()
        with self._stack, foreign_bytes(self.path):
            self._readers = open_readers(self.path, self._stack)
            self._stack = self._stack.pop_all()

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def topics(self) -> dict[str, str]:
        """Topic -> type."""
        return {connection.topic: connection.msgtype
                for reader in self._readers for connection in reader.connections}

    def find_topic(self, name: str, types: tuple[str, ...], purpose: str) -> str:
        """The topic ``name``, or the only one of the given types if no name is given.

        Raises:
            InputError: it is missing, of another type, or the choice is not unique.
        """
        topics = self.topics
        fitting = sorted(topic for topic, kind in topics.items() if kind in types)
        if name and name in topics and topics[name] not in types:
            raise InputError(f'topic {name} is of type {topics[name]}, {purpose} must be of '
                             f'{" or ".join(types)}')
        if name in fitting:
            return name
        if not name and len(fitting) == 1:
            return fitting[0]
        listed = ', '.join(fitting) or 'none'
        wanted = f'no topic {name}' if name else ('several topics' if fitting else 'no topic')
        raise InputError(f'{self.path} has {wanted} for {purpose}; of that type: {listed}')

    def messages(self, topic: str) -> Iterator[tuple[int, bytes, Any]]:
        """Recording time, raw bytes and connection of every message of a topic, as recorded."""
        with foreign_bytes(self.path):
            for reader in self._readers:
                for connection, time, raw in recorded(reader, topic):
                    yield time, inflated(raw) if self.is2 else raw, connection

    def decode(self, raw: bytes, connection: Any) -> Any:
        """The message in raw bytes.

        Raises:
            InputError: the bytes do not hold such a message, or its type is not known.
        """
        with foreign_bytes(self.path, f'a message of {connection.topic}'):
            store = self._typestore(connection)
            decoded = store.deserialize_cdr if self.is2 else store.deserialize_ros1
            return decoded(raw, connection.msgtype)

    def stamp(self, raw: bytes, connection: Any) -> int:
        """Header stamp in nanoseconds of a message that begins with a header; nothing is decoded.

        Raises:
            InputError: the bytes are too few.
        """
        with foreign_bytes(self.path, f'a header of {connection.topic}'):
            if not self.is2:
                seconds, rest = struct.unpack_from('<II', raw, 4)
            else:
                seconds, rest = struct.unpack_from('<iI' if raw[1] & 1 else '>iI', raw, 4)
        return seconds * 10**9 + rest

    def _typestore(self, connection: Any) -> Any:
        """The types that a topic's messages are made of, as its own definition says."""
        key = connection.msgtype, connection.msgdef, connection.digest
        if key not in self._typestores:
            self._typestores[key] = self._defined(connection)
        return self._typestores[key]

    def _defined(self, connection: Any) -> Any:
        from rosbags.interfaces import MessageDefinitionFormat as Format
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
        kind, definition = connection.msgtype, connection.msgdef
        if definition.format == Format.NONE or not definition.data.strip():
            known = messages.typestore()
            if not self.is2 or kind not in known.fielddefs:
                raise InputError(f'{self.path} does not say what the type {kind} of topic '
                                 f'{connection.topic} is made of')
            return known
        types = _from_idl(definition.data) if definition.format == Format.IDL else \
            get_types_from_msg(definition.data, kind)
        store = get_typestore(Stores.EMPTY)
        store.register(types)
        digest = store.hash_rihs01(kind) if self.is2 else store.generate_msgdef(kind)[1]
        if connection.digest not in ('', digest):
            raise InputError(f'{self.path} does not describe the type {kind} of topic '
                             f'{connection.topic} as it was recorded: its checksum differs')
        return store


def _from_idl(text: str) -> dict[str, Any]:
    from rosbags.typesys import get_types_from_idl
    types: dict[str, Any] = {}
    if not text.startswith(IDL_HEADING):
        return get_types_from_idl(text)
    for section in text.split(IDL_HEADING)[1:]:
        types.update(get_types_from_idl(section.partition('\n')[2]))
    return types


def bag_digest(path: str | Path) -> str:
    """SHA-256 over the data files of a bag, by name."""
    path = Path(path)
    digest = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(path.iterdir()):
        if file.is_file():
            digest.update(file.name.encode())
            with open(file, 'rb') as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
    return digest.hexdigest()


@contextmanager
def foreign_bytes(path: Path, what: str = 'the bag') -> Iterator[None]:
    """Turn whatever a bag reader raises about damaged bytes into one sentence.

    The formats are read by a library that raises many kinds of errors on damaged files, so all are
    caught here, named, and passed on.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        said = str(error).rstrip('.')
        if not said or isinstance(error, (KeyError, AssertionError)):
            said = f'{type(error).__name__} {said}'.strip()
        raise InputError(f'{what} of {path} cannot be read: {said}{_advice(path, said)}') from error


def _advice(path: Path, said: str) -> str:
    """What to do about an error of the reader; '' for nothing."""
    if 'end magic' in said:
        return '; the file was cut short, try the tool `mcap recover`'
    if 'magic is invalid' in said:
        return '; it is no mcap file'
    if not path.is_dir() or (path / 'metadata.yaml').exists():
        return ''
    if any(file.suffix in FILE_SUFFIXES for file in path.iterdir()):
        return '; metadata.yaml is missing, name the .mcap, .db3 or .bag file itself'
    return '; a bag is a folder with metadata.yaml, or a .mcap, .db3 or .bag file'
