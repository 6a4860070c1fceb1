"""Outcomes as messages: the only place that knows the fields of what the node publishes."""

from __future__ import annotations

import math

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import PoseStamped
from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D, Detection2D, Detection2DArray, ObjectHypothesisWithPose)

from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.measuring import Measurement
from siamx_ros.messages.outcome import Outcome
from siamx_ros.msg import TrackedTarget, TrackerStatus
from siamx_ros.node.status import Status
from siamx_ros.records import BoxSource, TrackState

NEVER = Duration(sec=2**31 - 1)
UNKNOWN_VARIANCE = 1e9
"""Variance that says: this pose is not known."""


def bounding_box(box: BoundingBox | None) -> BoundingBox2D:
    """A box in pixels, centre and size; NaN where there is none."""
    message = BoundingBox2D()
    cx, cy = map(float, box.centre) if box else (math.nan, math.nan)
    message.center.position.x, message.center.position.y = cx, cy
    message.center.theta = 0.0
    message.size_x, message.size_y = map(float, (box.w, box.h)) if box else (math.nan, math.nan)
    return message


def detections(outcome: Outcome, measured: Measurement, *, uncertain: bool) -> Detection2DArray:
    """One detection while the target is seen, else an empty array; headers are the image's."""
    message = Detection2DArray(header=outcome.frame.msg.header)
    states = {TrackState.TRACKING, TrackState.RELOCALISED}
    if uncertain:
        states.add(TrackState.UNCERTAIN)
    if outcome.result.state not in states or outcome.result.box is None:
        return message
    hypothesis = ObjectHypothesisWithPose()
    hypothesis.hypothesis.class_id = outcome.class_id
    hypothesis.hypothesis.score = float(outcome.result.confidence)
    variance = UNKNOWN_VARIANCE
    if measured.position is not None:
        point = hypothesis.pose.pose.position
        point.x, point.y, point.z = map(float, measured.position)
        variance = float(measured.range_stddev) ** 2
    hypothesis.pose.covariance[0] = hypothesis.pose.covariance[7] = variance
    hypothesis.pose.covariance[14] = variance
    for index in (21, 28, 35):
        hypothesis.pose.covariance[index] = UNKNOWN_VARIANCE
    message.detections = [Detection2D(
        header=outcome.frame.msg.header, results=[hypothesis],
        bbox=bounding_box(outcome.result.box), id=outcome.target_id)]
    return message


def target(outcome: Outcome, measured: Measurement, *, latency: float, dropped: int,
           seq: int) -> TrackedTarget:
    """Everything a controller needs about one image.

    Numbers are made plain first: a message ends the process when it is given numpy's.
    """
    result = outcome.result
    seen = result.box if result.box_source != BoxSource.NONE else None
    width, height = image_size(outcome)
    message = TrackedTarget(
        header=outcome.frame.msg.header, target_id=outcome.target_id, state=int(result.state),
        valid=bool(result.valid), box_source=int(result.box_source), bbox=bounding_box(seen),
        truncated=bool(measured.truncated), image_width=width, image_height=height,
        confidence=float(result.confidence), raw_score=float(result.raw_score),
        peak_ratio=float(result.peak_ratio),
        template_similarity=float(result.template_similarity), bearing=float(measured.bearing),
        elevation=float(measured.elevation), bearing_rate=float(measured.bearing_rate),
        range=float(measured.range), range_stddev=float(measured.range_stddev),
        range_source=measured.range_source, frames_since_init=int(result.frames_since_init),
        frames_lost=int(result.frames_lost), latency=latency, dropped=dropped, seq=seq)
    message.vx, message.vy = map(float, measured.velocity)
    return message


def image_size(outcome: Outcome) -> tuple[int, int]:
    """Width and height in pixels; 0 for a compressed image that was not decoded."""
    if outcome.image is not None:
        return outcome.image.shape[1], outcome.image.shape[0]
    message = outcome.frame.msg
    return getattr(message, 'width', 0), getattr(message, 'height', 0)


def status(board: Status, *, now: float, published, seq: int) -> TrackerStatus:
    """The latched state."""
    return TrackerStatus(
        header=board.header or Header(), published=published, state=int(board.state),
        previous_state=int(board.previous), reason=int(board.reason), message=board.sentence,
        target_id=board.target_id, time_in_state=duration(now - board.entered),
        since_last_valid=NEVER if board.last_valid is None else duration(now - board.last_valid),
        relocalisations=board.relocalisations, seq=seq)


def target_pose(outcome: Outcome, measured: Measurement) -> PoseStamped | None:
    """The target in the camera's optical frame; None unless it is valid and its range known."""
    if not outcome.result.valid or measured.position is None:
        return None
    message = PoseStamped(header=outcome.frame.msg.header)
    point = message.pose.position
    point.x, point.y, point.z = map(float, measured.position)
    message.pose.orientation.w = 1.0
    return message


def duration(seconds: float) -> Duration:
    """Seconds as a message."""
    whole = math.floor(seconds)
    return Duration(sec=int(whole), nanosec=int((seconds - whole) * 1e9))
