"""A topic is heard whatever its publishers offer, and nobody is warned of what is heard."""

from __future__ import annotations

from itertools import count
import time

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool

from siamx_ros.client.probe import BEST_EFFORT
from siamx_ros.qos import HeardTopic, latched

pytestmark = pytest.mark.ros
RELIABLE = QoSProfile(depth=1)
OFFERS = {'reliable': RELIABLE, 'best effort': BEST_EFFORT, 'latched': latched()}
_numbers = count()


class Graph:
    """A talker and a listener in one process, each a node of its own participant."""

    def __init__(self) -> None:
        self.name, self.heard = f'said{next(_numbers)}', []
        self._contexts = [rclpy.Context(), rclpy.Context()]
        self._executors = []
        for context in self._contexts:
            rclpy.init(context=context)
            self._executors.append(SingleThreadedExecutor(context=context))
        self.talker, self.listener = (
            rclpy.create_node(name, context=context)
            for name, context in zip(('talker', 'listener'), self._contexts))
        for executor, node in zip(self._executors, (self.talker, self.listener)):
            executor.add_node(node)

    def close(self) -> None:
        for node, context in zip((self.talker, self.listener), self._contexts):
            node.destroy_node()
            rclpy.shutdown(context=context)

    def wait(self, condition, patience: float = 20.0) -> bool:
        """Serve both nodes until a condition holds; whether it came to."""
        deadline = time.monotonic() + patience
        while not condition() and time.monotonic() < deadline:
            for executor in self._executors:
                executor.spin_once(timeout_sec=0.005)
        return bool(condition())

    def listen(self, **how) -> HeardTopic:
        return HeardTopic(
            self.listener, Bool, self.name, lambda message: self.heard.append(message.data), **how)

    def talk(self, offer: QoSProfile):
        return self.talker.create_publisher(Bool, self.name, offer)

    def asked(self) -> list[tuple[str, str]]:
        """Reliability and durability of all that is subscribed, as the talker sees it."""
        found = self.talker.get_subscriptions_info_by_topic(self.name)
        return sorted((one.qos_profile.reliability.name, one.qos_profile.durability.name)
                      for one in found)


@pytest.fixture
def graph():
    graph = Graph()
    yield graph
    graph.close()


@pytest.mark.parametrize('first', ['talker', 'listener'])
@pytest.mark.parametrize('offer', OFFERS)
@pytest.mark.parametrize('reliable', [False, True])
def test_every_offer_is_heard_and_nobody_is_warned(graph, capfd, reliable, offer, first):
    listening = graph.listen(reliable=reliable) if first == 'listener' else None
    graph.wait(lambda: False, 0.3)
    said = graph.talk(OFFERS[offer])
    if offer == 'latched':
        said.publish(Bool(data=True))
    graph.wait(lambda: False, 0.3)
    listening = listening or graph.listen(reliable=reliable)
    assert graph.wait(said.get_subscription_count)
    if offer != 'latched':
        said.publish(Bool(data=True))
    assert graph.wait(lambda: graph.heard) and graph.heard[0] is True
    graph.wait(lambda: False, 0.3)
    out, err = capfd.readouterr()
    warned = [line for line in (out + err).splitlines() if 'WARN' in line]
    best_effort_only = reliable and offer == 'best effort'
    assert len(warned) == best_effort_only and all('[talker]' in line for line in warned), warned
    listening.close()


def test_what_a_reliable_publisher_says_is_heard_reliably_from_the_first_match_on(graph):
    """As of `ros2 topic pub --once`, which publishes as soon as there is a subscription."""
    graph.listen(reliable=True)
    graph.talk(RELIABLE)
    assert graph.wait(graph.asked)
    graph.wait(lambda: False, 0.3)
    assert graph.asked() == [('RELIABLE', 'VOLATILE')]


def test_there_are_no_more_subscriptions_than_the_publishers_need(graph, capfd):
    listening = graph.listen(reliable=True)
    base, more = ('RELIABLE', 'VOLATILE'), [('BEST_EFFORT', 'VOLATILE'),
                                            ('RELIABLE', 'TRANSIENT_LOCAL')]
    assert graph.wait(lambda: graph.asked() == [base])
    talkers = [graph.talk(OFFERS[name]) for name in ('best effort', 'latched')]
    assert graph.wait(lambda: graph.asked() == sorted([base, *more]))
    graph.wait(lambda: False, 0.3)
    assert '[listener]' not in ''.join(capfd.readouterr()), 'what one does not hear another does'
    for talker in talkers:
        graph.talker.destroy_publisher(talker)
    assert graph.wait(lambda: graph.asked() == [base])
    graph.talk(latched())
    assert graph.wait(lambda: graph.asked() == sorted([base, more[1]]))
    listening.close()
    assert graph.wait(lambda: not graph.asked())
    listening.look()
    assert not graph.wait(graph.asked, 0.3), 'what was closed stays so'


def test_what_is_kept_is_waited_for_until_it_is_heard(graph):
    listening = graph.listen(reliable=True)
    assert not listening.awaits_kept
    said = graph.talk(latched())
    assert graph.wait(lambda: listening.awaits_kept), 'it may have said something'
    said.publish(Bool(data=True))
    assert graph.wait(lambda: not listening.awaits_kept) and graph.heard
    quiet = HeardTopic(graph.listener, Bool, 'quiet', print, reliable=True)
    graph.talker.create_publisher(Bool, 'quiet', latched())
    assert graph.wait(lambda: quiet.awaits_kept)
    assert graph.wait(lambda: not quiet.awaits_kept), 'nor for ever'


def test_a_graph_that_lags_behind_the_events_is_asked_again(graph, monkeypatch):
    monkeypatch.setattr(graph.listener, 'get_publishers_info_by_topic', lambda _: [])
    listening = graph.listen()
    said = graph.talk(latched())
    said.publish(Bool(data=True))
    assert graph.wait(said.get_subscription_count)
    graph.wait(lambda: False, 0.3)
    graph.heard.clear()
    monkeypatch.undo()
    listening.look()
    assert graph.wait(lambda: graph.heard)
