"""The follower in its own process over DDS; the test plays its tracker."""

from __future__ import annotations

from itertools import count
import math
import signal
import sys
from threading import Event, Thread
import time

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed')
pytestmark = pytest.mark.ros

from diagnostic_msgs.msg import DiagnosticStatus  # noqa: E402
from geometry_msgs.msg import TransformStamped, Twist, TwistStamped  # noqa: E402
from rcl_interfaces.srv import SetParameters  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from security_policy import check_policy  # noqa: E402
from std_msgs.msg import Bool  # noqa: E402
from std_srvs.srv import SetBool, Trigger  # noqa: E402
from tf2_msgs.msg import TFMessage  # noqa: E402

from siamx_ros.client.node_process import NodeProcess  # noqa: E402
from siamx_ros.client.probe import BEST_EFFORT, LATCHED, Probe, stamp  # noqa: E402
from siamx_ros.control.observation import FollowReason, FollowState  # noqa: E402
from siamx_ros.msg import FollowerStatus, TrackedTarget  # noqa: E402

FOLLOWER = (sys.executable, '-m', 'siamx_ros.follower.follower_node')
TRACKING, LOST = 2, 4
_numbers = count()


class Robot(NodeProcess):
    """A follower process, and beside it a tracker that says the same 20 times a second.

    Attributes:
        says: fields of the message; None: silent.
    """

    def __init__(self, folder, parameters: dict) -> None:
        self.namespace = f'/robot{next(_numbers)}'
        patient = {'silence_timeout': 5.0, 'max_age': 2.0, **parameters}
        super().__init__(folder, patient, {'__ns': self.namespace}, FOLLOWER)
        self.says: dict | None = {}
        stamped = parameters.get('command') == 'twist_stamped'
        self._kind = TwistStamped if stamped else Twist
        self._ended = Event()

    def __enter__(self) -> Robot:
        self.probe = Probe(f'{self.namespace}/siamx_tracker', f'{self.namespace}/image')
        node = self.probe.node
        self._target = node.create_publisher(
            TrackedTarget, f'{self.namespace}/siamx_tracker/target', 1)
        self.statuses = self.heard(FollowerStatus, 'follower/status', LATCHED)
        self.velocities = self.heard(self._kind, 'cmd_vel', 100)
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

    def heard(self, kind, topic: str, qos) -> list:
        """What is published on a topic."""
        messages: list = []

        def keep(message) -> None:
            messages.append(message)
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

    def call(self, kind, name: str, **fields):
        """Call a service of the follower."""
        client = self.probe.node.create_client(kind, f'{self.namespace}/follower/{name}')
        assert client.wait_for_service(60.0)
        future = client.call_async(kind.Request(**fields))
        assert self.wait(future.done), name
        return future.result()

    def enable(self, on: bool = True):
        return self.call(SetBool, 'enable', data=on)

    def set(self, **values) -> None:
        """Set parameters."""
        result = self.call(SetParameters, 'set_parameters', parameters=[
            Parameter(name, value=value).to_parameter_msg() for name, value in values.items()])
        assert all(one.successful for one in result.results), result

    def publisher(self, kind, topic: str, qos=10):
        """A publisher that the follower hears."""
        topic = topic if topic.startswith('/') else f'{self.namespace}/{topic}'
        made = self.probe.node.create_publisher(kind, topic, qos)
        assert self.wait(lambda: made.get_subscription_count() > 0)
        return made


@pytest.fixture(scope='module')
def shared(tmp_path_factory):
    with Robot(tmp_path_factory.mktemp('robot'), {}) as robot:
        yield robot


@pytest.fixture
def robot(shared):
    """One robot for all tests here: enabled, and driving."""
    shared.says = {}
    assert shared.enable().success
    assert shared.drives(), shared.last_words()
    return shared


def test_off_at_the_start_then_enabled_then_stopped(tmp_path):
    with Robot(tmp_path, {}) as robot:
        assert robot.wait(lambda: robot.statuses and robot.statuses[-1].target_id == 'a')
        assert robot.stands(FollowReason.FORBIDDEN, 'not enabled')
        assert all(velocity == Twist() for velocity in robot.velocities), 'stops alone'
        assert robot.wait(lambda: 'standing: not enabled' in robot.log_path.read_text())
        assert robot.enable().success and robot.drives()
        assert robot.call(Trigger, 'stop').success
        assert robot.stands(FollowReason.FORBIDDEN) and not robot.statuses[-1].enabled
        robot.enable()
        assert robot.drives()
        robot._process.send_signal(signal.SIGINT)
        assert robot.wait(lambda: robot.velocities[-1] == Twist()), 'at the end a stop'
        assert robot._process.wait(20) == 0


def test_the_policy_allows_what_the_node_uses_and_no_more(robot, repository):
    check_policy(repository, robot.probe, 'follower', robot.namespace)


@pytest.mark.parametrize('qos', [10, BEST_EFFORT], ids=['reliable', 'best effort'])
def test_the_stop_topic_always_wins(robot, qos):
    stop = robot.publisher(Bool, 'stop', qos)
    robot.wait(lambda: not stop.publish(Bool(data=True))
               and robot.statuses[-1].reason == FollowReason.FORBIDDEN)
    assert robot.stands(FollowReason.FORBIDDEN, 'stop topic')
    answer = robot.enable()
    assert not answer.success and 'lift the stop' in answer.message
    robot.wait(lambda: not stop.publish(Bool(data=False))
               and 'not enabled' in robot.statuses[-1].message)
    assert robot.stands(FollowReason.FORBIDDEN, 'not enabled'), 'lifted, but not driving by itself'
    assert robot.enable().success and robot.drives()


def test_the_deadman_switch(robot):
    robot.set(use_deadman=True)
    assert robot.stands(FollowReason.FORBIDDEN, 'deadman')
    deadman = robot.publisher(Bool, 'deadman')
    assert robot.wait(lambda: not deadman.publish(Bool(data=True))
                      and robot.velocities[-1].linear.x > 0.1)
    assert robot.stands(FollowReason.FORBIDDEN, 'deadman'), 'nobody says it again'
    robot.set(use_deadman=False)
    assert robot.drives()


def test_a_silent_tracker_needs_no_message_to_stop_and_then_others_may_drive(robot):
    robot.set(silence_timeout=0.4)
    robot.says = None
    assert robot.stands(FollowReason.SILENCE)
    begin = len(robot.statuses)
    assert robot.wait(lambda: len(robot.statuses) > begin + 4), 'the heartbeat goes on'
    spoken = len(robot.velocities)
    assert robot.wait(lambda: len(robot.statuses) > begin + 8)
    assert len(robot.velocities) == spoken, 'a stop, then silence'
    robot.set(silence_timeout=5.0)


def test_a_lost_target_stops_it_and_the_diagnostics_say_why(robot):
    robot.says = {'state': LOST, 'valid': False}
    assert robot.stands(FollowReason.TRACKER_STATE, 'LOST')

    def standing():
        for array in robot.probe.heard['diagnostics'][-5:]:
            for status in array.status:
                if status.name == f'{robot.namespace}/follower: following' and \
                        'LOST' in status.message:
                    return status.level == DiagnosticStatus.WARN
        return False
    assert robot.wait(standing)


def test_the_camera_is_where_tf_says(robot):
    """Looking to the left of the robot, mounted upside down."""
    assert 'counts as the base' in robot.log_path.read_text()
    message = TransformStamped(child_frame_id='eye')
    message.header.frame_id = 'base_link'
    half = math.sqrt(0.5)
    turn = message.transform.rotation
    turn.x, turn.y, turn.z, turn.w = 0.0, half, half, 0.0
    robot.publisher(TFMessage, '/tf_static', LATCHED).publish(TFMessage(transforms=[message]))
    assert robot.wait(lambda: abs(robot.statuses[-1].bearing - (math.pi / 2 - 0.1)) < 0.05)
    assert robot.wait(lambda: robot.velocities[-1].angular.z > 0.5
                      and robot.velocities[-1].linear.x == 0)
    robot.set(use_tf=False)
    robot.enable()
    assert robot.drives()


def test_one_that_is_killed_leaves_the_robot_moving_and_the_next_begins_with_a_stop(tmp_path):
    with Robot(tmp_path, {'use_tf': False}) as robot:  # the transform of a test before is heard
        assert robot.enable().success and robot.drives(), robot.last_words()
        robot._process.kill()
        robot._process.wait(20)
        moving = len(robot.velocities)
        assert robot.velocities[-1].linear.x > 0.1, 'that is why the base needs a timeout'
        NodeProcess.__enter__(robot)
        assert robot.wait(lambda: len(robot.velocities) > moving), robot.last_words()
        assert robot.velocities[moving] == Twist()
        assert robot.wait(lambda: not robot.statuses[-1].enabled)


def test_twist_stamped(tmp_path):
    with Robot(tmp_path, {'command': 'twist_stamped', 'base_frame': 'base_footprint',
                          'enabled_at_start': True}) as robot:
        heard = robot.velocities
        assert robot.wait(lambda: heard and heard[-1].twist.linear.x > 0.1), robot.last_words()
        assert heard[-1].header.frame_id == 'base_footprint' and heard[-1].header.stamp.sec > 0
