"""Ground truth of a replayed bag."""

from __future__ import annotations

from dataclasses import dataclass
import logging
from pathlib import Path
import re
from typing import Any, Callable, Sequence

import numpy as np

from siamx_ros.data.sequence import absent_as_nan, read_boxes
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.frame_table import FrameTable, nearest_frame
from siamx_ros.evaluation.bag.reader import Bag

LOGGER = logging.getLogger(__name__)
TRUTH_TYPES = (messages.DETECTIONS, messages.BOXES)
UNITS = {'nanoseconds': 1e9, 'microseconds': 1e6, 'milliseconds': 1e3}
"""Unit -> how many of it are a second."""
SEPARATORS = re.compile(r'[,;\s]+')


@dataclass(frozen=True)
class Truth:
    """Ground truth of N frames.

    Attributes:
        boxes: N x 4 x, y, w, h in pixels, NaN where the target is absent or nothing is known.
        labelled: N booleans: whether anything is known; labelled without a box means absent.
        unmatched: how many labels fit no frame, or less well than another one.
    """

    boxes: np.ndarray
    labelled: np.ndarray
    unmatched: int = 0

    @classmethod
    def unknown(cls, count: int) -> Truth:
        """No ground truth."""
        return cls(np.full((count, 4), np.nan), np.zeros(count, bool))


def truth_from_topic(bag: Bag, topic: str, table: FrameTable, identity: str = '',
                     same_bag: bool = True) -> Truth:
    """Match detections to frames: by equal header stamp, else the nearest within half a frame.

    Args:
        table: the frames.
        identity: take only detections with this id; '' for messages with at most one box.
        same_bag: whether the frames are in this bag, too.

    Raises:
        InputError: a message holds several boxes and no identity was given, there is no detection
            with that identity, or no label fits a frame.
    """
    if identity and bag.topics[topic] == messages.BOXES:
        raise InputError(f'the boxes of {topic} ({messages.BOXES}) have no ids: leave --truth-id '
                         'out')
    seen: set[str] = set()
    rotated: list[bool] = []

    def box_of(msg: Any) -> tuple[float, ...]:
        boxes = _boxes_of(msg, identity, topic)
        rotated.extend(map(messages.is_rotated, boxes))
        return messages.xywh_of(boxes[0]) if boxes else (np.nan,) * 4
    labels = _Labels(table, topic)
    for time, raw, connection in bag.messages(topic):
        msg = bag.decode(raw, connection)
        seen |= _ids(msg)
        stamp = time if table.unstamped else messages.nanoseconds(msg.header.stamp)
        labels.put(stamp, lambda: box_of(msg), time if same_bag else None)
    if identity and seen and identity not in seen:
        raise InputError(f'no detection of {topic} has the id {identity!r}; the ids there: '
                         f'{", ".join(map(repr, sorted(seen)))}')
    if any(rotated):
        LOGGER.warning('%d of the boxes of %s are rotated: the upright boxes around them count',
                       sum(rotated), topic)
    return labels.truth()


def truth_from_file(path: str | Path, table: FrameTable) -> Truth:
    """Read ``x,y,w,h`` a line for the frames in order, or ``stamp,x,y,w,h`` with seconds.

    NaN or zeros mean absent; stamps are matched as :func:`truth_from_topic` does.

    Raises:
        InputError: not readable, malformed, not one line per frame, or no stamp fits a frame.
    """
    stamped = _stamped_rows(Path(path))
    if stamped is None:
        rows = read_boxes(path)
        if len(rows) != len(table.stamps):
            raise InputError(
                f'{path} has {len(rows)} lines, the bag has {len(table.stamps)} frames')
        return Truth(rows, np.ones(len(rows), bool))
    labels = _Labels(table, str(path))
    for seconds, *xywh in stamped:
        labels.put(round(seconds * 1e9), lambda: xywh)
    return labels.truth()


class _Labels:
    """Boxes with stamps on their way to the frames; of several for one frame the nearest stays."""

    def __init__(self, table: FrameTable, source: str) -> None:
        self._table, self._truth = table, Truth.unknown(len(table.stamps))
        self._source, self._stamps = source, []
        self._distance = np.full(len(table.stamps), np.inf)
        self._outside = 0

    def put(self, stamp: int, box: Callable[[], Sequence[float]],
            recorded: int | None = None) -> None:
        """Label the frame within half an interval, unless a label nearer to it was put.

        Args:
            box: gives x, y, w, h; called only where the label counts.
            recorded: when the label was recorded, nanoseconds.
        """
        self._stamps.append(stamp)
        index = nearest_frame(self._table, stamp, recorded)
        off = abs(int(self._table.stamps[index]) - stamp)
        if off > self._table.interval / 2:
            self._outside += 1
        elif off < self._distance[index]:
            self._truth.boxes[index] = box()
            self._distance[index], self._truth.labelled[index] = off, True

    def truth(self) -> Truth:
        """All labels."""
        labelled, count = self._truth.labelled, len(self._stamps)
        if self._outside == count > 0:
            raise InputError(f'none of the {count} labels in {self._source} fits an image: '
                             f'{self._times()}')
        if 2 * self._outside > count:
            LOGGER.warning('%d of the %d labels in %s fit no image: %s', self._outside, count,
                           self._source, self._times())
        return Truth(
            absent_as_nan(self._truth.boxes), labelled, count - int(labelled.sum()))

    def _times(self) -> str:
        """Between which times labels and images lie, and what the labels' might be instead."""
        first, last = min(self._stamps) / 1e9, max(self._stamps) / 1e9
        begin, end = self._table.stamps.min() / 1e9, self._table.stamps.max() / 1e9
        said = (f'their stamps run from {first:.3f} to {last:.3f} s, those of the images from '
                f'{begin:.3f} to {end:.3f} s')
        for unit, factor in UNITS.items():
            if last > 100 * end and begin <= last / factor <= end + 1:
                return f'{said}; they look like {unit}, give seconds'
        if not any(stamp % 10**9 for stamp in self._stamps) and 0 <= first < last <= len(
                self._distance):
            return f'{said}; they look like numbers of images, give a line x,y,w,h for every image'
        if 0 <= first and last < begin and last <= end - begin + 1:
            return f'{said}; they look like times since the first image, add {begin:.3f} to each'
        return said


def _ids(msg: Any) -> set[str]:
    """The ids of a message's detections; older vision_msgs have none."""
    return {getattr(each, 'id', '') for each in getattr(msg, 'detections', ())}


def _boxes_of(msg: Any, identity: str, topic: str) -> list[Any]:
    """The BoundingBox2D of the target in a message; none where it is absent."""
    if hasattr(msg, 'detections'):
        boxes = [d.bbox for d in msg.detections if not identity or getattr(d, 'id', '') == identity]
    else:
        boxes = list(msg.boxes)
    if len(boxes) > 1:
        raise InputError(f'a message of {topic} holds {len(boxes)} boxes: name the target with '
                         '--truth-id')
    return boxes


def _stamped_rows(path: Path) -> np.ndarray | None:
    """Rows of five numbers, None if the first line does not hold five."""
    try:
        lines = path.read_text(encoding='utf-8-sig').split('\n')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'cannot read {path}: {error}') from None
    rows = [SEPARATORS.split(line.strip()) for line in lines if line.strip()]
    if not rows or len(rows[0]) != 5:
        return None
    try:
        numbers = np.array(rows, np.float64).reshape(len(rows), 5)
    except ValueError:
        raise InputError(f'{path} must hold five numbers stamp,x,y,w,h in every line') from None
    finite = np.isfinite(numbers[:, 0])
    if not finite.all():
        raise InputError(f'{path}: a stamp must be a number of seconds, got '
                         f'{rows[int(np.argmin(finite))][0]}')
    return numbers
