"""What makes the node's messages, of rclpy's classes."""

from __future__ import annotations

from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, PoseStamped, PoseWithCovariance, Quaternion
from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D, Detection2D, Detection2DArray, ObjectHypothesis, ObjectHypothesisWithPose,
    Point2D, Pose2D)

from siamx_ros.messages.to_msg import MessageBuilder
from siamx_ros.msg import TrackedTarget, TrackerStatus

TYPES = (
    BoundingBox2D, Detection2D, Detection2DArray, Duration, Header, ObjectHypothesis,
    ObjectHypothesisWithPose, Point, Point2D, Pose, Pose2D, PoseStamped, PoseWithCovariance,
    Quaternion, Time, TrackedTarget, TrackerStatus)
build = MessageBuilder({
    f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}': kind for kind in TYPES})
