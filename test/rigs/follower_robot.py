"""The follower in a process of its own, and a tracker that a test plays."""

from __future__ import annotations

from itertools import count
import math
import sys
from threading import Event, Thread
import time

from geometry_msgs.msg import Twist, TwistStamped
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from siamx_ros.client.node_process import NodeProcess
from siamx_ros.client.probe import LATCHED, Probe, stamp
from siamx_ros.control.observation import FollowReason, FollowState
from siamx_ros.follower.follower_config import FollowerConfig
from siamx_ros.msg import FollowerStatus, TrackedTarget

FOLLOWER = (sys.executable, '-m', 'siamx_ros.follower.follower_node')
TRACKING, LOST = 2, 4
_numbers = count()


class Robot(NodeProcess):
    """A follower process, and beside it a tracker that says the same 20 times a second.

    Attributes:
        says: fields of the message; None: silent.
        velocities: the Twist of each command, whatever the type of the command.
    """

    def __init__(self, folder, parameters: dict) -> None:
        self.namespace = f'/robot{next(_numbers)}'
        patient = {'silence_timeout': 5.0, 'max_age': 2.0, **parameters}
        super().__init__(folder, patient, {'__ns': self.namespace}, FOLLOWER)
        self.says: dict | None = {}
        command = parameters.get('command', FollowerConfig().command)
        self._stamped = FollowerConfig(command=command).stamped
        self._ended = Event()

    def __enter__(self) -> Robot:
        self.probe = Probe(f'{self.namespace}/siamx_tracker', f'{self.namespace}/image')
        node = self.probe.node
        self._target = node.create_publisher(
            TrackedTarget, f'{self.namespace}/siamx_tracker/target', 1)
        self._clients = {
            name: node.create_client(kind, f'{self.namespace}/follower/{name}') for name, kind in (
                ('enable', SetBool), ('stop', Trigger), ('set_parameters', SetParameters))}
        self.statuses = self.heard(FollowerStatus, 'follower/status', LATCHED)
        self.velocities = self.heard(TwistStamped, 'cmd_vel', 100, lambda said: said.twist) \
            if self._stamped else self.heard(Twist, 'cmd_vel', 100)
        self._seq = count(1)
        self._thread = Thread(target=self._speak, daemon=True)
        super().__enter__()
        self._thread.start()
        return self

    def __exit__(self, *details) -> None:
        super().__exit__(*details)
        self._ended.set()
        self._thread.join(10)
        self.probe.close()

    def heard(self, kind, topic: str, qos, part=lambda message: message) -> list:
        """What is published on a topic, or a part of each message."""
        messages: list = []

        def keep(message) -> None:
            messages.append(part(message))
            self.probe._keep(topic, message)
        self.probe.node.create_subscription(kind, f'{self.namespace}/{topic}', keep, qos)
        return messages

    def _speak(self) -> None:
        while not self._ended.wait(0.05):
            if self.says is not None:
                self._target.publish(self._message(self.says))

    def _message(self, fields: dict) -> TrackedTarget:
        message = TrackedTarget(
            seq=next(self._seq), target_id='a', state=TRACKING, valid=True, bearing=0.1,
            elevation=0.0, bearing_rate=math.nan, range=4.0, range_stddev=0.05, range_source=1,
            image_width=640, image_height=480)
        message.header.stamp = stamp(time.time_ns())
        message.header.frame_id = 'eye'
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    def wait(self, condition) -> bool:
        """Wait for a condition on what was heard."""
        return bool(self.probe.wait(condition, 60.0))

    def drives(self) -> bool:
        """Wait until the robot is commanded to drive."""
        return self.wait(lambda: self.velocities and self.velocities[-1].linear.x > 0.1)

    def stands(self, reason: FollowReason, words: str = '') -> bool:
        """Wait until the robot is commanded to stand, for a reason."""
        return self.wait(lambda: self.velocities and self.velocities[-1] == Twist()
                         and self.statuses[-1].reason == reason
                         and self.statuses[-1].state == FollowState.STANDING
                         and words in self.statuses[-1].message)

    def call(self, name: str, **fields):
        """Call a service of the follower, which knows who asks once its status is heard."""
        client = self._clients[name]
        assert self.wait(lambda: self.statuses) and client.wait_for_service(60.0)
        future = client.call_async(client.srv_type.Request(**fields))
        assert self.wait(future.done), name
        return future.result()

    def enable(self, on: bool = True):
        return self.call('enable', data=on)

    def set(self, **values) -> None:
        """Set parameters."""
        result = self.call('set_parameters', parameters=[
            Parameter(name, value=value).to_parameter_msg() for name, value in values.items()])
        assert all(one.successful for one in result.results), result

    def publisher(self, kind, topic: str, qos=10):
        """A publisher that the follower hears."""
        topic = topic if topic.startswith('/') else f'{self.namespace}/{topic}'
        made = self.probe.node.create_publisher(kind, topic, qos)
        assert self.wait(lambda: made.get_subscription_count() > 0)
        return made
