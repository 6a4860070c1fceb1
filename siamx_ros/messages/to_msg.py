"""Outcomes as messages: the only place that knows the fields of what the node publishes."""

from __future__ import annotations

import math
from typing import Any, Callable, Mapping

import numpy as np

from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.conversions import compressed_size
from siamx_ros.messages.measuring import Measurement
from siamx_ros.messages.outcome import Outcome
from siamx_ros.messages.status_board import Status
from siamx_ros.records import BoxSource, TrackState

NEVER_S = 2**31 - 1
"""Seconds since the last valid box where there was none."""
MAX_LATENCY_S = 60.0
"""A longer time from stamp to publication means clocks that have nothing to do with each other."""
UNKNOWN_VARIANCE = 1e9
"""Variance that says: this pose is not known."""
NO_PLACE = (0.0, 0.0, 0.0)


class MessageBuilder:
    """Makes messages, of the classes of rclpy or of those of a bag writer.

    Numbers are made plain first: a message of rclpy ends the process when it is given numpy's.

    Args:
        types: 'package/msg/Name' -> class that takes every field by its name.
    """

    def __init__(self, types: Mapping[str, Callable[..., Any]]) -> None:
        self._types = types

    def target(self, outcome: Outcome, measured: Measurement, *, latency: float, dropped: int,
               seq: int) -> Any:
        """TrackedTarget: everything a controller needs about one image."""
        result = outcome.result
        seen = result.box if result.box_source != BoxSource.NONE else None
        width, height = image_size(outcome)
        vx, vy = map(float, measured.velocity)
        return self._types['siamx_ros/msg/TrackedTarget'](
            header=outcome.frame.msg.header, target_id=outcome.target_id, state=int(result.state),
            valid=bool(result.valid), box_source=int(result.box_source),
            bbox=self.bounding_box(seen), truncated=bool(measured.truncated), image_width=width,
            image_height=height, confidence=float(result.confidence),
            raw_score=float(result.raw_score), peak_ratio=float(result.peak_ratio),
            template_similarity=float(result.template_similarity),
            bearing=float(measured.bearing), elevation=float(measured.elevation),
            bearing_rate=float(measured.bearing_rate), range=float(measured.range),
            range_stddev=float(measured.range_stddev), range_source=measured.range_source,
            vx=vx, vy=vy, frames_since_init=int(result.frames_since_init),
            frames_lost=int(result.frames_lost),
            latency=latency if 0 <= latency <= MAX_LATENCY_S else math.nan, dropped=dropped,
            seq=seq)

    def detections(self, outcome: Outcome, measured: Measurement, *, uncertain: bool) -> Any:
        """Detection2DArray: each target while it is seen; headers are the image's.

        The primary one comes first; of the others no range is known.
        """
        header, result = outcome.frame.msg.header, outcome.result
        states = {TrackState.TRACKING, TrackState.RELOCALISED}
        if uncertain:
            states.add(TrackState.UNCERTAIN)
        found = []
        if result.state in states and result.box is not None:
            known = measured.position is not None
            found.append(self.detection(
                header, result.box, outcome.class_id, float(result.confidence), outcome.target_id,
                position=measured.position or NO_PLACE,
                variance=float(measured.range_stddev) ** 2 if known else UNKNOWN_VARIANCE))
        found += [
            self.detection(header, each.result.box, each.class_id, float(each.result.confidence),
                           each.target_id)
            for each in outcome.further if each.result.state in states]
        return self._types['vision_msgs/msg/Detection2DArray'](header=header, detections=found)

    def detection(self, header: Any, box: BoundingBox, class_id: str, score: float, identity: str,
                  *, position: tuple[float, float, float] = NO_PLACE,
                  variance: float = UNKNOWN_VARIANCE) -> Any:
        """Detection2D with one hypothesis; its position in metres, the variance of each axis."""
        covariance = np.zeros(36)
        covariance[[0, 7, 14]] = variance
        covariance[[21, 28, 35]] = UNKNOWN_VARIANCE
        hypothesis = self._types['vision_msgs/msg/ObjectHypothesisWithPose'](
            hypothesis=self._types['vision_msgs/msg/ObjectHypothesis'](
                class_id=class_id, score=score),
            pose=self._types['geometry_msgs/msg/PoseWithCovariance'](
                pose=self._pose(position), covariance=covariance))
        return self._types['vision_msgs/msg/Detection2D'](
            header=header, results=[hypothesis], bbox=self.bounding_box(box), id=identity)

    def bounding_box(self, box: BoundingBox | None) -> Any:
        """BoundingBox2D: centre and size in pixels; NaN where there is no box."""
        x, y = map(float, box.centre) if box else (math.nan, math.nan)
        width, height = map(float, (box.w, box.h)) if box else (math.nan, math.nan)
        centre = self._types['vision_msgs/msg/Pose2D'](
            position=self._types['vision_msgs/msg/Point2D'](x=x, y=y), theta=0.0)
        return self._types['vision_msgs/msg/BoundingBox2D'](
            center=centre, size_x=width, size_y=height)

    def status(self, board: Status, *, now: float, published: Any, seq: int) -> Any:
        """TrackerStatus: the latched state.

        Args:
            now: seconds, on the clock of the times in ``board``.
            published: the time for the message to carry.
        """
        never = board.last_valid is None
        return self._types['siamx_ros/msg/TrackerStatus'](
            header=board.header or self._types['std_msgs/msg/Header'](
                stamp=self._types['builtin_interfaces/msg/Time'](sec=0, nanosec=0), frame_id=''),
            published=published, state=int(board.state), previous_state=int(board.previous),
            reason=int(board.reason), message=board.sentence, target_id=board.target_id,
            time_in_state=self.duration(now - board.entered),
            since_last_valid=self.duration(NEVER_S if never else now - board.last_valid),
            relocalisations=board.relocalisations, seq=seq)

    def target_pose(self, outcome: Outcome, measured: Measurement) -> Any | None:
        """PoseStamped in the optical frame; None unless it is valid and its range known."""
        if not outcome.result.valid or measured.position is None:
            return None
        return self._types['geometry_msgs/msg/PoseStamped'](
            header=outcome.frame.msg.header, pose=self._pose(measured.position))

    def duration(self, seconds: float) -> Any:
        """Seconds as a Duration."""
        whole = math.floor(seconds)
        return self._types['builtin_interfaces/msg/Duration'](
            sec=int(whole), nanosec=int((seconds - whole) * 1e9))

    def _pose(self, position: tuple[float, float, float]) -> Any:
        x, y, z = map(float, position)
        return self._types['geometry_msgs/msg/Pose'](
            position=self._types['geometry_msgs/msg/Point'](x=x, y=y, z=z),
            orientation=self._types['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0))


def image_size(outcome: Outcome) -> tuple[int, int]:
    """Width and height in pixels; 0 for a compressed image that gives none."""
    if outcome.image is not None:
        return outcome.image.shape[1], outcome.image.shape[0]
    message = outcome.frame.msg
    if hasattr(message, 'width'):
        return message.width, message.height
    return compressed_size(bytes(message.data))
