"""The box with which the replay of a bag starts, and its image."""

from __future__ import annotations

import logging
from typing import Any, Callable, Iterator

import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.frame_table import BagFrame, FrameTable, nearest_frame
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.truth import Truth
from siamx_ros.geometry import BoundingBox

LOGGER = logging.getLogger(__name__)
Images = Callable[[np.ndarray], Iterator[BagFrame]]
"""N booleans -> the images of these frames."""


def first_box_of_truth(truth: Truth, images: Images) -> tuple[int, BoundingBox]:
    """The first frame with a true box whose image can be read.

    Raises:
        InputError: there is none.
    """
    visible = np.isfinite(truth.boxes).all(1)
    if not visible.any():
        raise InputError('there is no ground truth to take the first box from: give --truth-topic, '
                         '--truth-file, --init-topic or --box x,y,w,h')
    for frame in images(visible):
        if frame.image is not None:
            return frame.index, BoundingBox.from_xywh(truth.boxes[frame.index])
        LOGGER.warning('not started on image %d: %s', frame.index, frame.problem)
    raise InputError('none of the images with a true box can be read')


def first_box_of_topic(bag: Bag, topic: str, table: FrameTable,
                       images: Images) -> tuple[int, BoundingBox]:
    """The first recorded request: a Detection2D, or the service event of ``~/init``.

    Raises:
        InputError: the topic is missing, has another type or holds no request, or the box of the
            first one is rotated.
    """
    if topic not in bag.topics:
        raise InputError(
            f'{bag.path} has no topic {topic}; it has: {", ".join(sorted(bag.topics))}')
    for time, raw, connection in bag.messages(topic):
        for request in _requests(bag.decode(raw, connection)):
            stamp = messages.nanoseconds(request.header.stamp)
            if not stamp or table.unstamped:
                before = np.where(table.recorded <= time, table.recorded, 0)
                index = int(np.argmax(before))
            else:
                index = nearest_frame(table, stamp, time)
            if messages.is_rotated(request.bbox):
                raise InputError(
                    f'the box of {topic} is rotated by {request.bbox.center.theta:g} rad, which is '
                    'not supported: give --box x,y,w,h')
            return index, _on_image(request, index, table, images)
    raise InputError(f'topic {topic} of {bag.path} holds no request with a box')


def _on_image(request: Any, index: int, table: FrameTable,
              images: Images) -> BoundingBox:
    """The box of a request, which may have been drawn on the image at another scale."""
    x, y, w, h = messages.xywh_of(request.bbox)
    shown = getattr(request, 'image_width', 0), getattr(request, 'image_height', 0)
    frame = next(images(np.arange(len(table.stamps)) == index)) if all(shown) else None
    if frame is not None and frame.image is not None:
        height, width = frame.image.shape[:2]
        fx, fy = width / shown[0], height / shown[1]
        x, y, w, h = x * fx, y * fy, w * fx, h * fy
    return BoundingBox(x, y, w, h)


def _requests(msg: Any) -> Iterator[Any]:
    """The requests in a message: itself, or those of a service event."""
    candidates = [msg] if hasattr(msg, 'bbox') else getattr(msg, 'request', [])
    yield from (candidate for candidate in candidates if hasattr(candidate, 'bbox'))
