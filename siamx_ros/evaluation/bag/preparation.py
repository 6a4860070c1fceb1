"""What to take from a bag before replaying it: images, truth, camera and the first box."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
import logging
from pathlib import Path

from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.camera_info import FoundCamera, find_camera
from siamx_ros.evaluation.bag.first_box import first_box_of_topic, first_box_of_truth
from siamx_ros.evaluation.bag.frame_table import FrameTable, frame_table, frames
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.truth import (
    TRUTH_TYPES, Truth, truth_from_file, truth_from_topic)
from siamx_ros.geometry import BoundingBox
from siamx_ros.node_config import NodeConfig

LOGGER = logging.getLogger(__name__)
TRUTH_TOPIC = '/ground_truth'
"""Read without being named, where a bag has it."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for; empty values are found out from the bag.

    Attributes:
        truth_topic, truth_bag, truth_id: where detections of the true target are, in which bag if
            not in the same, and with which id if several are in a message.
        box, box_frame: the first box itself, and the frame it lies on.
        rectified: whether the images are, so that P of camera_info holds.
    """

    image_topic: str = ''
    truth_topic: str = ''
    truth_bag: Path | None = None
    truth_id: str = ''
    truth_file: Path | None = None
    init_topic: str = ''
    box: BoundingBox | None = None
    box_frame: int = 0
    rectified: bool = NodeConfig().image_rectified


@dataclass(frozen=True)
class Prepared:
    """What was found.

    Attributes:
        truth, truth_source: ground truth and where it is from; '' without any.
        start, box, box_source: the first box, the index of its frame, and where it is from.
    """

    topic: str
    table: FrameTable
    truth: Truth
    truth_source: str
    start: int
    box: BoundingBox
    box_source: str
    camera: FoundCamera


def prepare(bag: Bag, wanted: Wanted) -> Prepared:
    """Find everything a replay needs.

    Raises:
        InputError: there are no images, no truth and no box to start from, or something that was
            named is not there.
    """
    topic = bag.find_topic(wanted.image_topic, messages.IMAGE_TYPES, 'the images')
    table = frame_table(bag, topic)
    truth, truth_source = _truth(bag, table, wanted)
    start, box, box_source = _first_box(bag, topic, table, truth, wanted)
    camera = find_camera(bag, topic, table, rectified=wanted.rectified)
    return Prepared(topic, table, truth, truth_source, start, box, box_source, camera)


def _truth(bag: Bag, table: FrameTable, wanted: Wanted) -> tuple[Truth, str]:
    if wanted.truth_file is not None:
        return truth_from_file(wanted.truth_file, table), wanted.truth_file.name
    asked = wanted.truth_topic or wanted.truth_bag is not None or wanted.truth_id
    if not asked and TRUTH_TOPIC not in bag.topics:
        return Truth.unknown(len(table.stamps)), ''
    try:
        return _truth_from_topic(bag, table, wanted)
    except InputError as error:
        if asked or not (wanted.box or wanted.init_topic):
            raise
        LOGGER.warning('nothing is scored: %s', error)
        return Truth.unknown(len(table.stamps)), ''


def _truth_from_topic(bag: Bag, table: FrameTable, wanted: Wanted) -> tuple[Truth, str]:
    with ExitStack() as stack:
        source = bag
        if wanted.truth_bag is not None:
            source = stack.enter_context(Bag(wanted.truth_bag))
        topic = source.find_topic(
            wanted.truth_topic or TRUTH_TOPIC, TRUTH_TYPES, 'the ground truth')
        same_bag = wanted.truth_bag is None
        return truth_from_topic(source, topic, table, wanted.truth_id, same_bag), topic


def _first_box(bag: Bag, topic: str, table: FrameTable, truth: Truth,
               wanted: Wanted) -> tuple[int, BoundingBox, str]:
    images = partial(frames, bag, topic, table)
    if wanted.box is not None:
        if not 0 <= wanted.box_frame < len(table.stamps):
            raise InputError(f'there is no frame {wanted.box_frame} for the first box: the bag has '
                             f'frames 0 to {len(table.stamps) - 1}')
        return wanted.box_frame, wanted.box, 'given'
    if wanted.init_topic:
        return *first_box_of_topic(bag, wanted.init_topic, table, images), wanted.init_topic
    return *first_box_of_truth(truth, images), 'truth'
