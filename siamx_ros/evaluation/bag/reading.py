"""Reading bags (mcap and sqlite3, ROS 2 and ROS 1) without ROS, frame by frame and in order."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
import hashlib
from pathlib import Path
import struct
from typing import Any, Iterator

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.messages.conversions import image_from_compressed, image_from_msg


@dataclass(frozen=True)
class FrameTable:
    """The images of one topic, ordered by their header stamps.

    Attributes:
        stamps: header stamps in nanoseconds, strictly increasing.
        arrivals: when each was recorded, nanoseconds.
        numbers: the position of each among the topic's messages as recorded.
        duplicates: messages left out because an earlier one has the same stamp.
        reordered: messages recorded after one with a later stamp.
        unstamped: whether the headers hold no time and the recording times are used instead.
    """

    stamps: np.ndarray
    arrivals: np.ndarray
    numbers: np.ndarray
    duplicates: int = 0
    reordered: int = 0
    unstamped: bool = False

    @property
    def interval(self) -> float:
        """Median time between frames, nanoseconds; 0 of fewer than two."""
        return float(np.median(np.diff(self.stamps))) if len(self.stamps) > 1 else 0.0


@dataclass(frozen=True)
class BagFrame:
    """One image; ``image`` is None where ``problem`` says why it cannot be decoded."""

    index: int
    stamp: int
    image: np.ndarray | None
    frame_id: str = ''
    problem: str = field(default='')


class Bag:
    """A bag that is open for reading; use it in a ``with`` statement.

    Args:
        path: folder with metadata.yaml, or a single .mcap, .db3 or .bag file.

    Raises:
        InputError: there is no bag, or it is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise InputError(f'there is no bag {self.path}')
        store = messages.typestore()
        with _foreign_bytes(self.path):
            from rosbags.highlevel import AnyReader
            self._reader = AnyReader([self.path], default_typestore=store)
            self._reader.open()

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    @property
    def topics(self) -> dict[str, str]:
        """Topic -> type."""
        return {connection.topic: connection.msgtype for connection in self._reader.connections}

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
        connections = [c for c in self._reader.connections if c.topic == topic]
        with _foreign_bytes(self.path):
            for connection, time, raw in self._reader.messages(connections=connections):
                yield time, raw, connection

    def decode(self, raw: bytes, connection: Any) -> Any:
        """The message in raw bytes.

        Raises:
            InputError: the bytes do not hold such a message.
        """
        with _foreign_bytes(self.path, f'a message of {connection.topic}'):
            return self._reader.deserialize(raw, connection.msgtype)

    def frame_table(self, topic: str) -> FrameTable:
        """Stamps and order of all images of a topic.

        Raises:
            InputError: there is none.
        """
        arrivals, stamps = [], []
        for time, raw, _ in self.messages(topic):
            arrivals.append(time)
            with _foreign_bytes(self.path, f'a header of {topic}'):
                stamps.append(self._stamp(raw))
        if not arrivals:
            raise InputError(f'{self.path} has no image on topic {topic}')
        unstamped = not any(stamps)
        times = np.array(arrivals if unstamped else stamps, np.int64)
        unique, numbers = np.unique(times, return_index=True)
        reordered = int((times < np.maximum.accumulate(times)).sum())
        return FrameTable(unique, np.array(arrivals, np.int64)[numbers], numbers,
                          len(times) - len(unique), reordered, unstamped)

    def frames(self, topic: str, table: FrameTable) -> Iterator[BagFrame]:
        """The images in the order of ``table``; as many are held as were recorded out of order."""
        rank = {int(number): index for index, number in enumerate(table.numbers)}
        waiting: dict[int, tuple[bytes, Any]] = {}
        following = 0
        for number, (_, raw, connection) in enumerate(self.messages(topic)):
            if number in rank:
                waiting[rank[number]] = raw, connection
            while following in waiting:
                yield self._frame(following, int(table.stamps[following]), *waiting.pop(following))
                following += 1

    def _stamp(self, raw: bytes) -> int:
        """Header stamp of a message whose first field is a header, without decoding the rest."""
        if not self._reader.is2:
            return struct.unpack_from('<I', raw, 4)[0] * 10**9 + struct.unpack_from('<I', raw, 8)[0]
        order = '<' if raw[1] & 1 else '>'
        seconds, rest = struct.unpack_from(f'{order}iI', raw, 4)
        return seconds * 10**9 + rest

    def _frame(self, index: int, stamp: int, raw: bytes, connection: Any) -> BagFrame:
        try:
            msg = self.decode(raw, connection)
            compressed = connection.msgtype == messages.IMAGE_TYPES[1]
            image = image_from_compressed(msg) if compressed else image_from_msg(msg)
        except InputError as error:
            return BagFrame(index, stamp, None, problem=str(error))
        return BagFrame(index, stamp, image, msg.header.frame_id)


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
def _foreign_bytes(path: Path, what: str = 'the bag') -> Iterator[None]:
    """Turn whatever a bag reader raises about damaged bytes into one sentence.

    The formats are read by a library that raises many kinds of errors on damaged files, so all are
    caught here, named, and passed on.
    """
    try:
        yield
    except (InputError, KeyboardInterrupt, GeneratorExit):
        raise
    except Exception as error:
        hint = ''
        if 'magic' in str(error):
            hint = '; the file was cut short, try the tool `mcap recover`'
        elif path.is_dir() and not (path / 'metadata.yaml').exists():
            hint = '; metadata.yaml is missing, name the .mcap or .db3 file itself'
        raise InputError(f'{what} of {path} cannot be read: {error or type(error).__name__}{hint}'
                         ) from error
