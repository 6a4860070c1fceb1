"""The pose of one frame in another, from /tf and /tf_static.

tf2_ros is used where it is installed. The wheels for machines without a ROS distribution lack it:
there, a small buffer keeps the newest transform of each frame, which is all that a camera fixed to
a robot needs; it does not interpolate between the transforms of a camera that moves.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from rclpy.node import Node

from siamx_ros.control.mounting import Mounting
from siamx_ros.qos import latched

LONGEST_CHAIN = 100
"""More frames in a row than this are a loop."""


def transforms(node: Node) -> TfBuffer | NewestTransforms:
    """Listen to the transforms with what is installed."""
    return TfBuffer(node) if find_spec('tf2_ros') else NewestTransforms(node)


class TfBuffer:
    """tf2_ros."""

    def __init__(self, node: Node) -> None:
        import tf2_ros
        self._unknown = tf2_ros.TransformException
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def pose(self, frame: str, base: str, stamp: Any) -> Mounting | None:
        """Pose of ``frame`` in ``base`` at a time, or the newest; None where it is not known."""
        from rclpy.time import Time
        times = [Time()]
        if stamp.sec >= 0:  # Time takes no other
            times.insert(0, Time.from_msg(stamp))
        for time in times:
            try:
                return mounting(self._buffer.lookup_transform(base, frame, time).transform)
            except self._unknown:
                continue
        return None


class NewestTransforms:
    """The newest transform of each frame."""

    def __init__(self, node: Node) -> None:
        from tf2_msgs.msg import TFMessage
        self._parents: dict[str, tuple[str, Mounting]] = {}
        node.create_subscription(TFMessage, '/tf', self.take, 100)
        node.create_subscription(TFMessage, '/tf_static', self.take, latched(depth=100))

    def take(self, message: Any) -> None:
        """Keep the transforms of a TFMessage; one without a rotation is left out."""
        for transform in message.transforms:
            rotation = transform.transform.rotation
            if any((rotation.x, rotation.y, rotation.z, rotation.w)):
                child = transform.child_frame_id.lstrip('/')
                self._parents[child] = (
                    transform.header.frame_id.lstrip('/'), mounting(transform.transform))

    def pose(self, frame: str, base: str, stamp: Any = None) -> Mounting | None:
        """The newest pose of ``frame`` in ``base``; None where it is not known."""
        up, down = self._chain(frame), self._chain(base)
        shared = next((name for name in up if name in down), None)
        if shared is None:
            return None
        (turn, place), (base_turn, base_place) = up[shared], down[shared]
        return Mounting(base_turn.T @ turn, base_turn.T @ (place - base_place))

    def _chain(self, frame: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Pose of a frame in itself, its parent, and so on: ancestor -> rotation, place."""
        name = frame.lstrip('/')
        turn, place = np.eye(3), np.zeros(3)
        chain = {name: (turn, place)}
        while name in self._parents and len(chain) < LONGEST_CHAIN:
            name, step = self._parents[name]
            turn, place = step.rotation @ turn, step.rotation @ place + step.translation
            if name in chain:
                break
            chain[name] = (turn, place)
        return chain


def mounting(transform: Any) -> Mounting:
    """A geometry_msgs/Transform as a pose."""
    place, turn = transform.translation, transform.rotation
    return Mounting.from_quaternion(
        (place.x, place.y, place.z), (turn.x, turn.y, turn.z, turn.w))
