"""Ground truth and the first box of a replayed bag."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Sequence

import numpy as np

from siamx_ros.data.sequence import absent_as_nan, read_boxes
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.reading import Bag, FrameTable
from siamx_ros.geometry import BoundingBox

TRUTH_TYPES = (messages.DETECTIONS, messages.BOXES)


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


def truth_from_topic(bag: Bag, topic: str, table: FrameTable, identity: str = '') -> Truth:
    """Match detections to frames: by equal header stamp, else the nearest within half a frame.

    Args:
        bag: holds the topic.
        topic: of type Detection2DArray or BoundingBox2DArray.
        table: the frames.
        identity: take only detections with this id; '' for messages with at most one box.

    Raises:
        InputError: a message holds several boxes and no identity was given, or there is no
            detection with that identity.
    """
    if identity and bag.topics[topic] == messages.BOXES:
        raise InputError(f'the boxes of {topic} ({messages.BOXES}) have no ids: leave --truth-id '
                         'out')
    seen: set[str] = set()
    labels = _Labels(table)
    for time, raw, connection in bag.messages(topic):
        msg = bag.decode(raw, connection)
        seen |= _ids(msg)
        stamp = time if table.unstamped else messages.nanoseconds(msg.header.stamp)
        if labels.belongs(stamp):
            labels.put(stamp, _box_of(msg, identity, topic))
    if identity and seen and identity not in seen:
        raise InputError(f'no detection of {topic} has the id {identity!r}; the ids there: '
                         f'{", ".join(map(repr, sorted(seen)))}')
    return labels.truth()


def truth_from_file(path: str | Path, table: FrameTable) -> Truth:
    """Read ``x,y,w,h`` a line for the frames in order, or ``stamp,x,y,w,h`` with seconds.

    NaN or zeros mean absent; stamps are matched as :func:`truth_from_topic` does.

    Raises:
        InputError: not readable, malformed, or not one line per frame.
    """
    boxes = _stamped_rows(Path(path))
    if boxes is None:
        rows = read_boxes(path)
        if len(rows) != len(table.stamps):
            raise InputError(
                f'{path} has {len(rows)} lines, the bag has {len(table.stamps)} frames')
        return Truth(rows, np.ones(len(rows), bool))
    labels = _Labels(table)
    for seconds, *xywh in boxes:
        stamp = round(seconds * 1e9)
        if labels.belongs(stamp):
            labels.put(stamp, xywh)
    return labels.truth()


class _Labels:
    """Boxes with stamps on their way to the frames; of several for one frame the nearest stays."""

    def __init__(self, table: FrameTable) -> None:
        self._table, self._truth = table, Truth.unknown(len(table.stamps))
        self._distance = np.full(len(table.stamps), np.inf)
        self._unmatched = 0

    def belongs(self, stamp: int) -> bool:
        """Whether a frame lies within half an interval, and no label nearer to it was put."""
        index, off = self._nearest(stamp)
        fits = off <= self._table.interval / 2 and off < self._distance[index]
        self._unmatched += not fits
        return fits

    def put(self, stamp: int, box: Sequence[float]) -> None:
        """Label the nearest frame; what it was labelled with before fits less well."""
        index, off = self._nearest(stamp)
        self._unmatched += self._truth.labelled[index]
        self._distance[index], self._truth.labelled[index] = off, True
        self._truth.boxes[index] = box

    def truth(self) -> Truth:
        """All labels."""
        boxes = absent_as_nan(self._truth.boxes)
        return Truth(boxes, self._truth.labelled, int(self._unmatched))

    def _nearest(self, stamp: int) -> tuple[int, int]:
        """Index of the nearest frame and how far off it is, nanoseconds."""
        index = nearest_frame(self._table, stamp)
        return index, abs(int(self._table.stamps[index]) - stamp)


def nearest_frame(table: FrameTable, stamp: int) -> int:
    """Index of the frame whose stamp (nanoseconds) is nearest."""
    right = int(np.searchsorted(table.stamps, stamp))
    if right == 0 or right == len(table.stamps):
        return min(right, len(table.stamps) - 1)
    before, after = int(table.stamps[right - 1]), int(table.stamps[right])
    return right - 1 if stamp - before <= after - stamp else right


def first_box_of_truth(truth: Truth) -> tuple[int, BoundingBox]:
    """The first frame with a true box.

    Raises:
        InputError: there is none.
    """
    visible = np.isfinite(truth.boxes).all(1)
    if not visible.any():
        raise InputError('there is no ground truth to take the first box from: give --truth-topic, '
                         '--truth-file, --init-topic or --box x,y,w,h')
    index = int(np.argmax(visible))
    return index, BoundingBox.from_xywh(truth.boxes[index])


def first_box_of_topic(bag: Bag, topic: str, table: FrameTable) -> tuple[int, BoundingBox]:
    """The first recorded request: a Detection2D, or the service event of ``~/init``.

    Raises:
        InputError: the topic is missing, has another type or holds no request.
    """
    if topic not in bag.topics:
        raise InputError(
            f'{bag.path} has no topic {topic}; it has: {", ".join(sorted(bag.topics))}')
    for time, raw, connection in bag.messages(topic):
        for request in _requests(bag.decode(raw, connection)):
            stamp = messages.nanoseconds(request.header.stamp)
            if not stamp or table.unstamped:
                index = max(0, int(np.searchsorted(table.arrivals, time, 'right')) - 1)
            else:
                index = nearest_frame(table, stamp)
            return index, BoundingBox.from_xywh(messages.xywh_of(request.bbox))
    raise InputError(f'topic {topic} of {bag.path} holds no request with a box')


def _requests(msg: Any) -> Iterator[Any]:
    """The requests in a message: itself, or those of a service event."""
    candidates = [msg] if hasattr(msg, 'bbox') else getattr(msg, 'request', [])
    yield from (candidate for candidate in candidates if hasattr(candidate, 'bbox'))


def _ids(msg: Any) -> set[str]:
    """The ids of a message's detections; older vision_msgs have none."""
    return {getattr(each, 'id', '') for each in getattr(msg, 'detections', ())}


def _box_of(msg: Any, identity: str, topic: str) -> tuple[float, ...]:
    if hasattr(msg, 'detections'):
        boxes = [d.bbox for d in msg.detections if not identity or getattr(d, 'id', '') == identity]
    else:
        boxes = list(msg.boxes)
    if len(boxes) > 1:
        raise InputError(f'a message of {topic} holds {len(boxes)} boxes: name the target with '
                         '--truth-id')
    return messages.xywh_of(boxes[0]) if boxes else (np.nan,) * 4


def _stamped_rows(path: Path) -> np.ndarray | None:
    """Rows of five numbers, None if the first line does not hold five."""
    try:
        lines = path.read_text(encoding='utf-8').split('\n')
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'cannot read {path}: {error}') from None
    rows = [line.replace(',', ' ').split() for line in lines if line.strip()]
    if not rows or len(rows[0]) != 5:
        return None
    try:
        return np.array(rows, np.float64).reshape(len(rows), 5)
    except ValueError:
        raise InputError(f'{path} must hold five numbers stamp,x,y,w,h in every line') from None
