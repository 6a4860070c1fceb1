"""The pose of one frame in another, from /tf and /tf_static.

tf2_ros is used where it is installed. The wheels for machines without a ROS distribution lack it:
there, a small buffer keeps the newest transform of each frame, which is all that a camera fixed to
a robot needs; it does not interpolate between the transforms of a camera that moves.

A pose of /tf counts near its time alone: a mast may have turned since. One of /tf_static holds.
"""

from __future__ import annotations

from importlib.util import find_spec
import math
from typing import Any, NamedTuple

import numpy as np
from rclpy.node import Node

from siamx_ros.control.mounting import Mounting
from siamx_ros.messages.frames import stamp_seconds
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

    def pose(self, frame: str, base: str, stamp: Any = None,
             longest_apart: float = math.inf) -> Mounting | None:
        """Pose of ``frame`` in ``base`` at a time, or else the newest; as NewestTransforms."""
        from rclpy.time import Time
        times = [Time()]
        if stamp is not None and stamp.sec >= 0:  # Time takes no other
            times.insert(0, Time.from_msg(stamp))
        for time in times:
            try:
                found = self._buffer.lookup_transform(base, frame, time)
            except self._unknown:
                continue
            static = not stamp_seconds(found.header.stamp)  # or it would have the time asked for
            apart = 0.0 if static else _apart(stamp_seconds(found.header.stamp), stamp)
            return _placed(mounting(found.transform), apart, longest_apart)
        return None


class _Link(NamedTuple):
    """What leads from a frame to its parent.

    Attributes:
        stamp_s: its time, seconds; None for one that always holds.
    """

    parent: str
    pose: Mounting
    stamp_s: float | None


class _Ancestor(NamedTuple):
    """Pose of a frame in an ancestor, and how far its links are from a time, seconds."""

    turn: np.ndarray
    place: np.ndarray
    apart: float


class NewestTransforms:
    """The newest transform of each frame."""

    def __init__(self, node: Node) -> None:
        from tf2_msgs.msg import TFMessage
        self._parents: dict[str, _Link] = {}
        node.create_subscription(TFMessage, '/tf', self.take, 100)
        node.create_subscription(TFMessage, '/tf_static', self.take_static, latched(depth=100))

    def take(self, message: Any) -> None:
        """Keep the transforms of a TFMessage; one without a rotation is left out."""
        self._keep(message, static=False)

    def take_static(self, message: Any) -> None:
        """The same of transforms that always hold."""
        self._keep(message, static=True)

    def _keep(self, message: Any, *, static: bool) -> None:
        for transform in message.transforms:
            rotation = transform.transform.rotation
            if any((rotation.x, rotation.y, rotation.z, rotation.w)):
                child = transform.child_frame_id.lstrip('/')
                self._parents[child] = _Link(
                    transform.header.frame_id.lstrip('/'), mounting(transform.transform),
                    None if static else stamp_seconds(transform.header.stamp))

    def pose(self, frame: str, base: str, stamp: Any = None,
             longest_apart: float = math.inf) -> Mounting | None:
        """The newest pose of ``frame`` in ``base``; None where TF knows no way.

        Args:
            stamp: when it is wanted; None: whenever.
            longest_apart: a pose that moves and is further from then is missing, seconds.
        """
        up, down = self._chain(frame, stamp), self._chain(base, stamp)
        shared = next((name for name in up if name in down), None)
        if shared is None:
            return None
        (turn, place, apart), (base_turn, base_place, base_apart) = up[shared], down[shared]
        found = Mounting(base_turn.T @ turn, base_turn.T @ (place - base_place))
        return _placed(found, max(apart, base_apart), longest_apart)

    def _chain(self, frame: str, stamp: Any) -> dict[str, _Ancestor]:
        """A frame in itself, in its parent, and so on, by the name of the ancestor."""
        name, last = frame.lstrip('/'), _Ancestor(np.eye(3), np.zeros(3), 0.0)
        chain = {name: last}
        while name in self._parents and len(chain) < LONGEST_CHAIN:
            name, step, stamp_s = self._parents[name]
            if name in chain:
                break
            last = chain[name] = _Ancestor(
                step.rotation @ last.turn, step.rotation @ last.place + step.translation,
                max(last.apart, 0.0 if stamp_s is None else _apart(stamp_s, stamp)))
        return chain


def _apart(found_s: float, stamp: Any) -> float:
    """Seconds between a transform and the time it is wanted at."""
    return 0.0 if stamp is None else abs(found_s - stamp_seconds(stamp))


def _placed(found: Mounting, apart: float, longest: float) -> Mounting:
    """A pose, or why it does not count."""
    if apart <= longest:
        return found
    return Mounting.missing(
        f'the pose of the camera in TF is {apart:.1f} s apart from the image')


def mounting(transform: Any) -> Mounting:
    """A geometry_msgs/Transform as a pose."""
    place, turn = transform.translation, transform.rotation
    return Mounting.from_quaternion(
        (place.x, place.y, place.z), (turn.x, turn.y, turn.z, turn.w))
