"""The camera that took a bag's images, by the same rule as in the node."""

from __future__ import annotations

from dataclasses import dataclass
import logging
from typing import Any

from siamx_ros.control.camera_model import CameraModel
from siamx_ros.errors import InputError
from siamx_ros.evaluation.bag.frame_table import FrameTable, frames
from siamx_ros.evaluation.bag.reader import Bag

LOGGER = logging.getLogger(__name__)
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'
COMPRESSED = '/compressed'


@dataclass(frozen=True)
class FoundCamera:
    """What a bag says about the camera of its images.

    Attributes:
        model: its intrinsics; None without a calibration that is the images'.
        topic: where these are from; '' for nowhere.
        problem: why there are none although the bag has some; '' otherwise.
    """

    model: CameraModel | None = None
    topic: str = ''
    problem: str = ''
    info: Any = None
    rectified: bool = False


def find_camera(bag: Bag, image_topic: str, table: FrameTable, *,
                rectified: bool = False) -> FoundCamera:
    """The calibration beside the images, else the only one in the bag that fits them.

    Args:
        rectified: whether these are, so that P holds instead of K and D.
    """
    topics = [topic for topic, kind in bag.topics.items() if kind == CAMERA_INFO]
    beside = camera_info_topic(image_topic)
    image = next((frame for frame in frames(bag, image_topic, table) if frame.image is not None),
                 None)
    if not topics or image is None:
        return FoundCamera()
    height, width = image.image.shape[:2]
    fitting, problems = [], []
    for topic in [beside] if beside in topics else sorted(topics):
        try:
            info, model = _fitting(bag, topic, width, height, image.frame_id, rectified)
            fitting.append(FoundCamera(model, topic, '', info, rectified))
        except InputError as error:
            problems.append(f'{topic}: {error}')
    if len(fitting) == 1:
        return fitting[0]
    problem = '; '.join(problems) if not fitting else (
        f'{" and ".join(each.topic for each in fitting)} fit the images, and none is {beside}')
    LOGGER.warning('the direction to the target is not evaluated: %s', problem)
    return FoundCamera(problem=problem)


def camera_info_topic(image_topic: str) -> str:
    """Where cameras publish their calibration: beside the images, of whatever transport."""
    return image_topic.removesuffix(COMPRESSED).rpartition('/')[0] + '/camera_info'


def _fitting(bag: Bag, topic: str, width: int, height: int, frame_id: str,
             rectified: bool) -> tuple[Any, CameraModel]:
    """The first message that fits the images, and its model."""
    problem = InputError('no message')
    for number, (_, raw, connection) in enumerate(bag.messages(topic)):
        try:
            info = bag.decode(raw, connection)
            return info, CameraModel.from_camera_info(
                info, width, height, frame_id, rectified=rectified)
        except InputError as error:
            problem = error if not number else problem
    raise problem
