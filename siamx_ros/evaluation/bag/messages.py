"""Message types for bags, described in text, so that no ROS installation is needed."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from siamx_ros.errors import InputError

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
NEVER_NS = (2**31 - 1) * 10**9
"""``since_last_valid`` of a target that never was valid."""


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


def header(stamp_ns: int, frame_id: str) -> Any:
    """A std_msgs/Header."""
    types = typestore().types
    return types['std_msgs/msg/Header'](stamp=time_from(stamp_ns), frame_id=frame_id)


def time_from(nanoseconds: int) -> Any:
    """A builtin_interfaces/Time."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return typestore().types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=rest)


def duration_from(nanoseconds: int) -> Any:
    """A builtin_interfaces/Duration."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return typestore().types['builtin_interfaces/msg/Duration'](sec=seconds, nanosec=rest)


def nanoseconds(stamp: Any) -> int:
    """Nanoseconds of a builtin_interfaces/Time."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def box_message(xywh: tuple[float, float, float, float]) -> Any:
    """A vision_msgs/BoundingBox2D of a box given by its top-left corner."""
    types = typestore().types
    x, y, w, h = (float(value) for value in xywh)
    centre = types['vision_msgs/msg/Pose2D'](
        position=types['vision_msgs/msg/Point2D'](x=x + w / 2, y=y + h / 2), theta=0.0)
    return types['vision_msgs/msg/BoundingBox2D'](center=centre, size_x=w, size_y=h)


def xywh_of(box: Any) -> tuple[float, float, float, float]:
    """x, y, w, h of a BoundingBox2D; older vision_msgs have no ``position`` inside the centre."""
    centre = getattr(box.center, 'position', box.center)
    return (centre.x - box.size_x / 2, centre.y - box.size_y / 2, box.size_x, box.size_y)


def detection_message(stamp_ns: int, frame_id: str, xywh: tuple[float, float, float, float],
                      score: float, identity: str = '') -> Any:
    """A vision_msgs/Detection2D with one hypothesis."""
    types = typestore().types
    pose = types['geometry_msgs/msg/PoseWithCovariance'](
        pose=types['geometry_msgs/msg/Pose'](
            position=types['geometry_msgs/msg/Point'](x=0.0, y=0.0, z=0.0),
            orientation=types['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0)),
        covariance=np.zeros(36))
    hypothesis = types['vision_msgs/msg/ObjectHypothesisWithPose'](
        hypothesis=types['vision_msgs/msg/ObjectHypothesis'](class_id='target', score=score),
        pose=pose)
    return types[DETECTION](header=header(stamp_ns, frame_id), results=[hypothesis],
                            bbox=box_message(xywh), id=identity)


def detections_message(stamp_ns: int, frame_id: str, detections: list[Any]) -> Any:
    """A vision_msgs/Detection2DArray."""
    return typestore().types[DETECTIONS](header=header(stamp_ns, frame_id), detections=detections)
