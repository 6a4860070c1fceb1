"""The example follower beside the tracker, over DDS."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed')

from geometry_msgs.msg import Twist, TwistStamped  # noqa: E402

from siamx_ros.config import TrackerConfig  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.mark.parametrize('stamped', [False, True])
def test_follows_and_stops(make_rig, make_scene, stamped):
    rig = make_rig({'fallback_hfov': 60, 'target_height': 1.8})
    follower = subprocess.Popen(
        [sys.executable, '-m', 'siamx_ros.ros.follow_controller', '--ros-args', '-r',
         f'__ns:={rig.namespace}', '-p', f'stamped:={stamped}'.lower()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        heard = rig.probe.heard['cmd_vel']
        rig.probe.listen(TwistStamped if stamped else Twist, f'{rig.namespace}/cmd_vel', 10)
        rig.started()
        assert rig.probe.wait(lambda: rig.probe.node.count_publishers(f'{rig.namespace}/cmd_vel'))

        def show(**how) -> None:
            rig.clock_ns = time.time_ns()
            rig.show(make_scene(**how), step=0)
            rig.probe.wait(lambda: False, 0.03)

        def newest():
            return (heard[-1].twist if stamped else heard[-1]) if heard else Twist()
        deadline = time.monotonic() + 30
        while not newest().linear.x > 0.1 and time.monotonic() < deadline:
            show()
        assert 0.1 < newest().linear.x <= 0.4
        for _ in range(TrackerConfig().n_lost + 3):
            show(confidence=0.1)
        assert rig.probe.wait(lambda: newest() == Twist()), 'lost: a stop'
        count = len(heard)
        for _ in range(8):
            show(confidence=0.1)
        assert len(heard) == count, 'and then silence'
        follower.send_signal(signal.SIGINT)
        assert follower.wait(10) == 0
        assert rig.probe.wait(lambda: len(heard) > count) and newest() == Twist()
    finally:
        follower.kill()
