"""Commands that nobody hears."""

from types import SimpleNamespace

from diagnostic_msgs.msg import DiagnosticStatus
from follower_robot import Robot
from geometry_msgs.msg import Twist
import pytest

from siamx_ros.follower.unheard import Unheard

pytestmark = pytest.mark.ros


class Listeners:
    """A publisher of Twist, its node, and who listens to the topic by the graph."""

    topic_name = '/cmd_vel'

    def __init__(self, *kinds, matched=0):
        self.msg_type, self.kinds, self.matched, self.warnings = Twist, kinds, matched, []

    def get_subscription_count(self):
        return self.matched

    def get_subscriptions_info_by_topic(self, topic):
        assert topic == 'cmd_vel'
        return [SimpleNamespace(topic_type=f'geometry_msgs/msg/{kind}') for kind in self.kinds]

    def get_logger(self):
        return SimpleNamespace(warning=self.warnings.append)


@pytest.mark.parametrize('kinds, words', [
    ((), 'nobody hears the commands on /cmd_vel (geometry_msgs/msg/Twist)'),
    (('TwistStamped',), 'takes geometry_msgs/msg/TwistStamped; the parameter command'),
    (('Twist',), 'another quality of service')])
def test_commands_that_nobody_hears_are_warned_of_once(kinds, words):
    graph = Listeners(*kinds)
    unheard = Unheard(graph, graph, 'cmd_vel')
    for tick in range(100):
        unheard.look(True, tick * 0.02)
        assert bool(unheard.sentence) == (tick >= 50)
    assert graph.warnings == [unheard.sentence] and words in unheard.sentence
    for tick in range(100, 300):
        unheard.look(tick > 110, tick * 0.02)
    assert unheard.sentence and len(graph.warnings) == 1, 'after a stand, it is no news'
    graph.matched = 1
    unheard.look(True, 7.0)
    assert not unheard.sentence
    graph.matched = 0
    for tick in range(100):
        unheard.look(False, 8.0 + tick * 0.02)
    assert not unheard.sentence, 'a robot that stands needs no listener'
    for tick in range(100):
        unheard.look(True, 10.0 + tick * 0.02)
    assert len(graph.warnings) == 2


def test_a_base_of_the_other_type_hears_nothing_and_the_follower_says_so(tmp_path):
    robot = Robot(tmp_path, {'command': 'twist', 'enabled_at_start': True, 'use_tf': False})
    robot._stamped = True
    with robot:
        words = 'takes geometry_msgs/msg/TwistStamped'
        assert robot.wait(lambda: any(
            words in status.message and status.level == DiagnosticStatus.WARN
            for array in robot.probe.heard['diagnostics'] for status in array.status))
        assert robot.log_path.read_text().count(words) == 1
        assert robot.statuses[-1].linear > 0.1 and not robot.velocities
