"""What to take from a bag before replaying it: images, truth, camera and the first box."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.frames import FrameTable, frame_table
from siamx_ros.evaluation.bag.reading import Bag
from siamx_ros.evaluation.bag.truth import (
    TRUTH_TYPES, Truth, first_box_of_topic, first_box_of_truth, truth_from_file, truth_from_topic)
from siamx_ros.geometry import BoundingBox

TRUTH_TOPIC = '/ground_truth'
"""Read without being named, where a bag has it."""
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'


@dataclass(frozen=True)
class Wanted:
    """What the user asked for; empty values are found out from the bag.

    Attributes:
        image_topic: of the images.
        truth_topic, truth_bag, truth_id: where detections of the true target are, in which bag if
            not in the same, and with which id if several are in a message.
        truth_file: a text file instead.
        init_topic: a recorded request for the first box.
        box, box_frame: the first box itself, and the frame it lies on.
    """

    image_topic: str = ''
    truth_topic: str = ''
    truth_bag: Path | None = None
    truth_id: str = ''
    truth_file: Path | None = None
    init_topic: str = ''
    box: BoundingBox | None = None
    box_frame: int = 0


@dataclass(frozen=True)
class Prepared:
    """What was found.

    Attributes:
        topic, table: the images.
        truth, truth_source: ground truth and where it is from; '' without any.
        start, box, box_source: the first box, the index of its frame, and where it is from.
        camera: focal length and principal point (fx, cx) in pixels; None if unknown.
    """

    topic: str
    table: FrameTable
    truth: Truth
    truth_source: str
    start: int
    box: BoundingBox
    box_source: str
    camera: tuple[float, float] | None


def prepare(bag: Bag, wanted: Wanted) -> Prepared:
    """Find everything a replay needs.

    Raises:
        InputError: there are no images, no truth and no box to start from, or something that was
            named is not there.
    """
    topic = bag.find_topic(wanted.image_topic, messages.IMAGE_TYPES, 'the images')
    table = frame_table(bag, topic)
    truth, truth_source = _truth(bag, table, wanted)
    start, box, box_source = _first_box(bag, table, truth, wanted)
    return Prepared(topic, table, truth, truth_source, start, box, box_source, _camera(bag))


def _truth(bag: Bag, table: FrameTable, wanted: Wanted) -> tuple[Truth, str]:
    if wanted.truth_file is not None:
        return truth_from_file(wanted.truth_file, table), wanted.truth_file.name
    asked = wanted.truth_topic or wanted.truth_bag is not None or wanted.truth_id
    if not asked and TRUTH_TOPIC not in bag.topics:
        return Truth.unknown(len(table.stamps)), ''
    with ExitStack() as stack:
        source = bag
        if wanted.truth_bag is not None:
            source = stack.enter_context(Bag(wanted.truth_bag))
        topic = source.find_topic(
            wanted.truth_topic or TRUTH_TOPIC, TRUTH_TYPES, 'the ground truth')
        same_bag = wanted.truth_bag is None
        return truth_from_topic(source, topic, table, wanted.truth_id, same_bag), topic


def _first_box(bag: Bag, table: FrameTable, truth: Truth,
               wanted: Wanted) -> tuple[int, BoundingBox, str]:
    if wanted.box is not None:
        if not 0 <= wanted.box_frame < len(table.stamps):
            raise InputError(f'there is no frame {wanted.box_frame} for the first box: the bag has '
                             f'frames 0 to {len(table.stamps) - 1}')
        return wanted.box_frame, wanted.box, 'given'
    if wanted.init_topic:
        return *first_box_of_topic(bag, wanted.init_topic, table), wanted.init_topic
    return *first_box_of_truth(truth), 'truth'


def _camera(bag: Bag) -> tuple[float, float] | None:
    """fx and cx of the bag's only camera."""
    topics = [topic for topic, kind in bag.topics.items() if kind == CAMERA_INFO]
    if len(topics) != 1:
        return None
    for _, raw, connection in bag.messages(topics[0]):
        info = bag.decode(raw, connection)
        matrix = info.k if hasattr(info, 'k') else info.K  # ROS 1 names it so
        return (float(matrix[0]), float(matrix[2])) if matrix[0] > 0 else None
    return None
