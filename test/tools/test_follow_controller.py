"""The example follower beside the tracker, over DDS."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed')

from geometry_msgs.msg import Twist, TwistStamped  # noqa: E402

from siamx_ros.config import TrackerConfig  # noqa: E402

pytestmark = pytest.mark.ros


class Base:
    """A robot that is told by a follow_controller where to go, and the scenes that lead it."""

    def __init__(self, process: Any, rig: Any, scene: Any, stamped: bool) -> None:
        self.process, self.rig, self._scene, self._stamped = process, rig, scene, stamped
        self.heard = rig.probe.heard['cmd_vel']
        topic = f'{rig.namespace}/cmd_vel'
        rig.probe.listen(TwistStamped if stamped else Twist, topic, 10)
        rig.started()
        assert rig.probe.wait(lambda: rig.probe.node.count_publishers(topic))

    def newest(self) -> Twist:
        """The last command; one to stand before the first."""
        if not self.heard:
            return Twist()
        return self.heard[-1].twist if self._stamped else self.heard[-1]

    def show(self, **how: Any) -> None:
        """Show the target now."""
        self.rig.clock_ns = time.time_ns()
        self.rig.show(self._scene(**how), step=0)
        self.rig.probe.wait(lambda: False, 0.03)

    def drive(self) -> None:
        """Show the target until the robot drives."""
        deadline = time.monotonic() + 30
        while not self.newest().linear.x > 0.1 and time.monotonic() < deadline:
            self.show()
        assert 0.1 < self.newest().linear.x <= 0.4


@pytest.fixture
def make_base(make_rig, make_scene):
    """Starts a tracker and a follower: make_base(stamped)."""
    processes = []

    def make(stamped: bool) -> Base:
        rig = make_rig({'fallback_hfov': 60, 'target_height': 1.8})
        processes.append(subprocess.Popen(
            [sys.executable, '-m', 'siamx_ros.tools.follow_controller', '--ros-args', '-r',
             f'__ns:={rig.namespace}', '-p', f'stamped:={stamped}'.lower()],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return Base(processes[-1], rig, make_scene, stamped)
    yield make
    for process in processes:
        process.kill()


@pytest.mark.parametrize('stamped', [False, True])
def test_follows_and_stops(make_base, stamped):
    base = make_base(stamped)
    base.drive()
    for _ in range(TrackerConfig().n_lost + 3):
        base.show(confidence=0.1)
    assert base.rig.probe.wait(lambda: base.newest() == Twist()), 'lost: a stop'
    count = len(base.heard)
    for _ in range(8):
        base.show(confidence=0.1)
    assert len(base.heard) == count, 'and then silence'
    base.process.send_signal(signal.SIGINT)
    assert base.process.wait(10) == 0
    base.rig.probe.wait(lambda: False, 0.3)
    assert len(base.heard) == count, 'to the end: somebody else may drive'


def test_each_reason_to_stand_is_told(make_base):
    base = make_base(False)
    base.drive()
    for _ in range(TrackerConfig().n_lost + 3):
        base.show(confidence=0.1)
    base.rig.probe.wait(lambda: False, 1.0)
    base.process.send_signal(signal.SIGINT)
    said = [line.split(': ', 1)[1] for line in base.process.communicate(timeout=10)[0].splitlines()
            if ']: ' in line]
    told = [text for text in said if text.startswith(('standing', 'following'))]
    assert told[0] == 'standing: nothing seen yet' and 'following' in told
    assert 'standing: the tracker says LOST' in told
    assert any(text.startswith('standing: the image is 0.') for text in told[-2:])
    assert all(a != b for a, b in zip(told, told[1:])) and len(told) < 20


def test_a_moving_robot_is_stopped_at_the_end(make_base):
    base = make_base(False)
    base.drive()
    base.process.send_signal(signal.SIGINT)
    assert base.process.wait(10) == 0
    assert base.rig.probe.wait(lambda: base.newest() == Twist())
