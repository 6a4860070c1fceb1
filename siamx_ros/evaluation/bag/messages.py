"""Message types for bags, described in text, so that no ROS installation is needed."""

from __future__ import annotations

from functools import lru_cache
import math
from typing import Any

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.from_msg import MAX_THETA
from siamx_ros.messages.to_msg import MessageBuilder

IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
DETECTIONS = 'vision_msgs/msg/Detection2DArray'
BOXES = 'vision_msgs/msg/BoundingBox2DArray'
DETECTION = 'vision_msgs/msg/Detection2D'
TARGET = 'siamx_ros/msg/TrackedTarget'
STATUS = 'siamx_ros/msg/TrackerStatus'

DEFINITIONS = {
    'vision_msgs/msg/Point2D': 'float64 x\nfloat64 y',
    'vision_msgs/msg/Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'vision_msgs/msg/BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    BOXES: 'std_msgs/Header header\nvision_msgs/BoundingBox2D[] boxes',
    'vision_msgs/msg/ObjectHypothesis': 'string class_id\nfloat64 score',
    'vision_msgs/msg/ObjectHypothesisWithPose':
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose',
    DETECTION: 'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
               'vision_msgs/BoundingBox2D bbox\nstring id',
    DETECTIONS: 'std_msgs/Header header\nvision_msgs/Detection2D[] detections',
    TARGET: 'std_msgs/Header header\nstring target_id\nuint8 state\nbool valid false\n'
            'uint8 box_source\nvision_msgs/BoundingBox2D bbox\nbool truncated\n'
            'uint32 image_width\nuint32 image_height\nfloat32 confidence\nfloat32 raw_score\n'
            'float32 peak_ratio\nfloat32 template_similarity\nfloat32 bearing\nfloat32 elevation\n'
            'float32 bearing_rate\nfloat32 range\nfloat32 range_stddev\nuint8 range_source\n'
            'float32 vx\nfloat32 vy\nuint32 frames_since_init\nuint32 frames_lost\n'
            'float32 latency\nuint32 dropped\nuint64 seq',
    STATUS: 'std_msgs/Header header\nbuiltin_interfaces/Time published\nuint8 state\n'
            'uint8 previous_state\nuint8 reason\nstring message\nstring target_id\n'
            'builtin_interfaces/Duration time_in_state\n'
            'builtin_interfaces/Duration since_last_valid\nuint32 relocalisations\nuint64 seq',
}
"""Type -> its fields, as in msg/ of this package and in vision_msgs; constants are left out."""


@lru_cache(maxsize=1)
def typestore() -> Any:
    """The types of ROS 2 Jazzy, vision_msgs and ours.

    Raises:
        InputError: the package rosbags is not installed.
    """
    try:
        from rosbags.typesys import Stores, get_types_from_msg, get_typestore
    except ImportError:
        raise InputError(
            "bags need the Python package 'rosbags' (pip install rosbags)") from None
    store = get_typestore(Stores.ROS2_JAZZY)
    types: dict[str, Any] = {}
    for name, text in DEFINITIONS.items():
        types.update(get_types_from_msg(text, name))
    store.register(types)
    return store


def builder() -> MessageBuilder:
    """What makes the node's messages, of the types for bags."""
    return MessageBuilder(typestore().types)


def header(stamp_ns: int, frame_id: str) -> Any:
    """A std_msgs/Header."""
    types = typestore().types
    return types['std_msgs/msg/Header'](stamp=time_from(stamp_ns), frame_id=frame_id)


def time_from(nanoseconds: int) -> Any:
    """A builtin_interfaces/Time."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return typestore().types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=rest)


def nanoseconds(stamp: Any) -> int:
    """Nanoseconds of a builtin_interfaces/Time."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def xywh_of(box: Any) -> tuple[float, float, float, float]:
    """x, y, w, h of a BoundingBox2D, of a rotated one those of the upright box around it.

    Older vision_msgs have no ``position`` inside the centre.
    """
    centre, w, h = getattr(box.center, 'position', box.center), box.size_x, box.size_y
    if is_rotated(box):
        across, along = abs(math.cos(box.center.theta)), abs(math.sin(box.center.theta))
        w, h = w * across + h * along, w * along + h * across
    return (centre.x - w / 2, centre.y - h / 2, w, h)


def is_rotated(box: Any) -> bool:
    """Whether a BoundingBox2D is not upright."""
    return abs(box.center.theta) > MAX_THETA


def detection_message(stamp_ns: int, frame_id: str, xywh: tuple[float, float, float, float],
                      score: float, identity: str = '') -> Any:
    """A vision_msgs/Detection2D with one hypothesis."""
    return builder().detection(header(stamp_ns, frame_id), BoundingBox.from_xywh(xywh), 'target',
                               score, identity)


def detections_message(stamp_ns: int, frame_id: str, detections: list[Any]) -> Any:
    """A vision_msgs/Detection2DArray."""
    return typestore().types[DETECTIONS](header=header(stamp_ns, frame_id), detections=detections)
