"""The follower in its own process over DDS; the test plays its tracker."""

import math
import signal
import time

from diagnostic_msgs.msg import DiagnosticStatus
from follower_robot import LOST, Robot
from geometry_msgs.msg import TransformStamped, Twist
import pytest
from security_policy import check_policy
from std_msgs.msg import Bool
from tf2_msgs.msg import TFMessage

from siamx_ros.client.node_process import NodeProcess
from siamx_ros.client.probe import BEST_EFFORT, LATCHED, Probe
from siamx_ros.control.observation import FollowReason

pytestmark = pytest.mark.ros
OFFERS = {'reliable': 10, 'best effort': BEST_EFFORT, 'latched': LATCHED}


@pytest.fixture
def heeded():
    """Has the processes of a test heed a signal, also where the tests run under nohup."""
    before = {}

    def heed(number):
        before[number] = signal.getsignal(number)
        if before[number] == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    yield heed
    for number, handler in before.items():
        signal.signal(number, handler)


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


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGHUP], ids=lambda n: n.name)
def test_off_at_the_start_then_enabled_then_stopped(tmp_path, number, heeded):
    heeded(number)
    with Robot(tmp_path, {}) as robot:
        assert robot.wait(lambda: robot.statuses and robot.statuses[-1].target_id == 'a')
        assert robot.stands(FollowReason.FORBIDDEN, 'not enabled')
        assert all(velocity == Twist() for velocity in robot.velocities), 'stops alone'
        assert robot.wait(lambda: 'standing: not enabled' in robot.log_path.read_text())
        assert robot.enable().success and robot.drives()
        assert robot.call('stop').success
        assert robot.stands(FollowReason.FORBIDDEN) and not robot.statuses[-1].enabled
        robot.enable()
        assert robot.drives()
        robot._process.send_signal(number)
        assert robot.wait(lambda: robot.velocities[-1] == Twist()), 'at the end a stop'
        assert robot._process.wait(20) == 0


def test_the_policy_allows_what_the_node_uses_and_no_more(robot, repository):
    check_policy(repository, robot.probe, 'follower', robot.namespace)


@pytest.mark.parametrize('qos', OFFERS.values(), ids=OFFERS)
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


def test_a_stop_that_was_said_before_it_came_holds(tmp_path):
    """As where the follower is started again while the stop is latched."""
    robot = Robot(tmp_path, {})
    probe = Probe(f'{robot.namespace}/other', f'{robot.namespace}/image')
    stop = probe.node.create_publisher(Bool, f'{robot.namespace}/stop', LATCHED)
    stop.publish(Bool(data=True))
    with robot:
        assert robot.wait(lambda: robot.statuses)
        assert robot.stands(FollowReason.FORBIDDEN, 'stop topic')
        assert not robot.enable().success
    probe.close()


@pytest.mark.parametrize('offer', OFFERS)
def test_no_publisher_of_stop_is_told_that_it_is_not_heard(tmp_path, capfd, offer):
    """But one that offers best effort only, for which nothing can be done: by its own node."""
    with Robot(tmp_path, {}) as robot:
        robot.publisher(Bool, 'stop', OFFERS[offer])
        assert robot.wait(lambda: robot.statuses)
        assert robot.enable().success
        assert robot.drives(), robot.last_words()
        assert 'incompatible QoS' not in robot.log_path.read_text()
    said = ''.join(capfd.readouterr())
    assert said.count('incompatible QoS') == (offer == 'best effort'), said


def test_a_latched_stop_that_appears_is_waited_for_but_not_for_ever(tmp_path):
    with Robot(tmp_path, {'enabled_at_start': True}) as robot:
        assert robot.drives(), robot.last_words()
        robot.publisher(Bool, 'stop', LATCHED)
        assert robot.wait(lambda: any(
            'waiting for what it says' in status.message for status in robot.statuses))
        assert robot.drives(), 'it says nothing, and nobody need enable the robot again'


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
    said = robot.statuses[-1]
    assert math.isnan(said.distance) and math.isnan(said.bearing) and said.target_id == ''
    robot.set(silence_timeout=5.0)


@pytest.mark.parametrize('fields', [{'bearing': math.inf}, {'bearing': 30.0}], ids=str)
def test_numbers_out_of_all_bounds_stop_the_robot_and_not_the_node(robot, fields):
    robot.says = fields
    assert robot.stands(FollowReason.BEARING_UNKNOWN, 'camera_info')
    assert math.isnan(robot.statuses[-1].bearing) and robot.statuses[-1].target_id == 'a'
    robot.says = {}
    assert robot.drives(), robot.last_words()


def test_another_target_waits_for_another_call_of_enable(robot):
    robot.set(confirm_target=True)
    robot.says = {'target_id': 'b'}
    assert robot.stands(FollowReason.TARGET_UNCONFIRMED, 'call ~/enable')
    assert not robot.statuses[-1].enabled and robot.statuses[-1].target_id == 'b'
    assert robot.enable(False).success
    assert robot.stands(FollowReason.FORBIDDEN, 'not enabled')
    assert robot.enable().success and robot.drives()
    assert robot.wait(lambda: robot.statuses[-1].enabled)
    robot.set(confirm_target=False)
    robot.says = {}
    assert robot.stands(FollowReason.TARGET_CHANGED) and robot.drives(), 'a pause only'


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
        time.sleep(1.0)  # what is under way still arrives
        moving = len(robot.velocities)
        assert robot.velocities[-1].linear.x > 0.1, 'that is why the base needs a timeout'
        NodeProcess.__enter__(robot)
        assert robot.wait(lambda: len(robot.velocities) > moving), robot.last_words()
        assert robot.velocities[moving] == Twist()
        assert robot.wait(lambda: not robot.statuses[-1].enabled)


def test_twist_stamped(tmp_path):
    with Robot(tmp_path, {'command': 'twist_stamped', 'base_frame': 'base_footprint',
                          'enabled_at_start': True}) as robot:
        heard = robot.probe.heard['cmd_vel']
        assert robot.wait(lambda: heard and heard[-1].twist.linear.x > 0.1), robot.last_words()
        assert heard[-1].header.frame_id == 'base_footprint' and heard[-1].header.stamp.sec > 0
