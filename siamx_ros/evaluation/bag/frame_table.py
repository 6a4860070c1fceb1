"""The images of a bag in the order of their stamps, also where the clock was set meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
import logging
from typing import Any, Iterator

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.messages.conversions import image_from_compressed, image_from_msg
from siamx_ros.node_config import NodeConfig

LOGGER = logging.getLogger(__name__)
CLOCK_SET_NS = round(NodeConfig().stamp_jump * 1e9)
"""Stamps that go back by more than this mean a clock that was set back, as in the node."""
FASTEST_PLAYBACK = 100
"""Stamps that go on so many times faster than the recording do so because a clock was set."""
NOMINAL_INTERVAL_NS = 10**9 // 30
"""Between images that nothing tells the times of."""


@dataclass(frozen=True)
class FrameTable:
    """The images of one topic, ordered by their header stamps between settings of the clock.

    Attributes:
        stamps: header stamps in nanoseconds, strictly increasing within a section.
        recorded: when each was recorded, nanoseconds, by a clock that may have been set, too.
        arrivals: the same by a clock that is not set back.
        numbers: the position of each among the topic's messages as recorded.
        sections: for each how often the clock had been set back before it.
        duplicates: messages left out because an earlier one has the same stamp.
        reordered: messages recorded after one with a later stamp.
        unstamped: whether the headers tell no times and those of the recording are used instead.
    """

    stamps: np.ndarray
    recorded: np.ndarray
    arrivals: np.ndarray
    numbers: np.ndarray
    sections: np.ndarray
    duplicates: int = 0
    reordered: int = 0
    unstamped: bool = False

    @cached_property
    def interval(self) -> float:
        """Median time between frames, nanoseconds; 0 of fewer than two."""
        return float(np.median(np.diff(self.times))) if len(self.stamps) > 1 else 0.0

    @cached_property
    def jumps(self) -> list[int]:
        """Indices of the frames before which the clock was set back."""
        return (np.flatnonzero(np.diff(self.sections)) + 1).tolist()

    @cached_property
    def times(self) -> np.ndarray:
        """Stamps that go on where the clock was set: nanoseconds, strictly increasing.

        How long that took follows from the times of recording, or else from the usual interval.
        """
        steps, passed = np.diff(self.stamps), np.diff(self.arrivals)
        ahead = (passed > 0) & (steps > CLOCK_SET_NS) & (steps / FASTEST_PLAYBACK > passed)
        wrong = (np.diff(self.sections) > 0) | ahead
        usual = int(np.median(steps[~wrong])) if not wrong.all() else NOMINAL_INTERVAL_NS
        steps = np.where(wrong, np.where(passed > 0, passed, usual), steps)
        return self.stamps[0] + np.concatenate([[0], np.cumsum(steps)])

    def nearest(self, stamp: int) -> list[int]:
        """For each section the index of the frame whose stamp (nanoseconds) is nearest."""
        edges = [0, *self.jumps, len(self.stamps)]
        return [begin + _nearest(self.stamps[begin:end], stamp)
                for begin, end in zip(edges, edges[1:])]


@dataclass(frozen=True)
class BagFrame:
    """One image; ``image`` is None where ``problem`` says why it cannot be decoded."""

    index: int
    stamp: int
    image: np.ndarray | None
    frame_id: str = ''
    problem: str = ''


def frame_table(bag: Bag, topic: str) -> FrameTable:
    """Stamps and order of all images of a topic.

    Raises:
        InputError: there is none.
    """
    recorded, stamps = [], []
    for time, raw, connection in bag.messages(topic):
        recorded.append(time)
        stamps.append(bag.stamp(raw, connection))
    if not recorded:
        raise InputError(f'{bag.path} has no image on topic {topic}')
    table = ordered(np.array(stamps, np.int64), np.array(recorded, np.int64))
    for sentence in _remarkable(table):
        LOGGER.warning('%s of %s: %s', topic, bag.path, sentence)
    return table


def ordered(stamps: np.ndarray, recorded: np.ndarray) -> FrameTable:
    """Order messages by their stamps; where most of these say nothing, by the times of recording.

    Args:
        stamps, recorded: of the messages in the order of recording, nanoseconds.
    """
    times = next((times for times in (stamps, recorded) if _tell_apart(times)),
                 recorded[0] + np.arange(len(stamps)) * NOMINAL_INTERVAL_NS)
    sections, reordered = _sections(times)
    numbers = np.lexsort((times, sections))
    differs = (np.diff(times[numbers]) != 0) | (np.diff(sections[numbers]) != 0)
    numbers = numbers[np.concatenate([[True], differs])]
    return FrameTable(
        times[numbers], recorded[numbers], _going_on(recorded)[numbers], numbers,
        sections[numbers], len(times) - len(numbers), reordered, times is not stamps)


def frames(bag: Bag, topic: str, table: FrameTable,
           only: np.ndarray | None = None) -> Iterator[BagFrame]:
    """The images in the order of ``table``; as many are held as were recorded out of order.

    Args:
        only: N booleans; the others are neither decoded nor given.
    """
    rank = {int(number): index for index, number in enumerate(table.numbers)}
    waiting: dict[int, tuple[bytes, Any]] = {}
    following = 0
    for number, (_, raw, connection) in enumerate(bag.messages(topic)):
        if number in rank:
            waiting[rank[number]] = raw, connection
        while following in waiting:
            held = waiting.pop(following)
            if only is None or only[following]:
                yield _decoded(bag, following, int(table.stamps[following]), *held)
            following += 1


def nearest_frame(table: FrameTable, stamp: int, recorded: int | None = None) -> int:
    """Index of the frame whose stamp is nearest.

    Args:
        table: the frames.
        stamp: nanoseconds.
        recorded: when the message with this stamp was recorded, where that is known; it decides
            where a clock that was set back gave the same stamps twice.

    Raises:
        InputError: two frames fit, and nothing decides.
    """
    near = table.nearest(stamp)
    fitting = [i for i in near if abs(int(table.stamps[i]) - stamp) <= table.interval / 2]
    if len(fitting) < 2:
        return min(near, key=lambda i: abs(int(table.stamps[i]) - stamp))
    if recorded is None:
        raise InputError(f'the stamp {stamp / 1e9:.3f} s belongs to the images {fitting[0]} and '
                         f'{fitting[1]}, for the clock was set back while recording: give a line '
                         'x,y,w,h for every image')
    return min(fitting, key=lambda i: abs(int(table.recorded[i]) - recorded))


def _decoded(bag: Bag, index: int, stamp: int, raw: bytes, connection: Any) -> BagFrame:
    try:
        msg = bag.decode(raw, connection)
        compressed = connection.msgtype == messages.IMAGE_TYPES[1]
        image = image_from_compressed(msg) if compressed else image_from_msg(msg)
    except InputError as error:
        return BagFrame(index, stamp, None, problem=str(error))
    return BagFrame(index, stamp, image, msg.header.frame_id)


def _tell_apart(times: np.ndarray) -> bool:
    """Whether times are times of these messages: not zero throughout, nor mostly the same.

    Every message twice, as from two recordings, still tells the two of a pair from the others.
    """
    return times.any() and 2 * len(np.unique(times)) >= len(times)


def _going_on(times: np.ndarray) -> np.ndarray:
    """Times of a clock that goes on with the usual interval where it was set back."""
    steps = np.diff(times)
    back = steps < -CLOCK_SET_NS
    if back.any():
        steps[back] = max(0, int(np.median(steps[~back]))) if not back.all() else 0
    return times[0] + np.concatenate([[0], np.cumsum(steps)])


def _sections(times: np.ndarray) -> tuple[np.ndarray, int]:
    """For each message how often the clock was set back before, and how many came late."""
    sections, current, late, newest = [], 0, 0, int(times[0])
    for time in times.tolist():
        if time < newest - CLOCK_SET_NS:
            current, newest = current + 1, time
        late += time < newest
        newest = max(newest, time)
        sections.append(current)
    return np.array(sections), late


def _remarkable(table: FrameTable) -> Iterator[str]:
    """Sentences on what is unusual about the times of a topic's images."""
    if table.unstamped and _tell_apart(table.recorded):
        yield 'the stamps do not tell the images apart, the times of recording are used instead'
    elif table.unstamped:
        yield ('neither stamps nor times of recording tell the images apart, 30 images a second '
               'are assumed')
    for index in table.jumps:
        passed, step = np.diff(table.times)[index - 1], np.diff(table.stamps)[index - 1]
        yield (f'the clock was set back by {(passed - step) / 1e9:.3f} s before image {index}; '
               'images are taken as they were recorded, and the target counts as lost there')
    if table.duplicates:
        yield f'{table.duplicates} images are left out, an earlier one has the same stamp'


def _nearest(stamps: np.ndarray, stamp: int) -> int:
    right = int(np.searchsorted(stamps, min(max(stamp, int(stamps[0])), int(stamps[-1]))))
    if right == 0:
        return right
    before, after = int(stamps[right - 1]), int(stamps[right])
    return right - 1 if stamp - before <= after - stamp else right
