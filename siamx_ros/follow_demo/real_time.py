"""The real tracker and the real follower beside a simulated world that goes at its own pace.

Both are processes of their own, or were started by somebody else, as by follow_me.launch.py.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
import sys
import time
from typing import Any

from std_srvs.srv import SetBool

from siamx_ros.client.node_process import NodeDied, NodeProcess
from siamx_ros.client.player import LivePlayer
from siamx_ros.control.observation import FollowState, described
from siamx_ros.errors import InputError
from siamx_ros.follow_demo.lock_step import IMAGE_TOPIC, REMAPPINGS, TRACKER
from siamx_ros.follow_demo.robot_topics import (
    CAMERA_FRAME, EPOCH_S, NAMESPACE, RobotTopics)
from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import FollowerStatus
from siamx_ros.simulation.episode import Report
from siamx_ros.simulation.frame import CameraConfig, CameraFrame

FOLLOWER = f'{NAMESPACE}/follower'
FOLLOWER_NODE = (sys.executable, '-m', 'siamx_ros.follower.follower_node')
PATIENCE_S = 30.0


class Pace:
    """Lets simulated time pass as fast as real time, or slower where the machine is.

    Attributes:
        jump_s: what the published clock is off by, seconds.
    """

    def __init__(self, topics: RobotTopics) -> None:
        self._topics = topics
        self.jump_s = 0.0
        self._begun: float | None = None

    def __call__(self, now_s: float) -> None:
        """Wait until a simulated time has come, and publish the clock."""
        moment = time.monotonic()
        if self._begun is None or moment - self._begun > now_s:
            self._begun = moment - now_s  # late: go on from here
        time.sleep(max(0.0, self._begun + now_s - moment))
        self._topics.publish_clock(now_s + self.jump_s)


class RealTimePilot:
    """Tracker and follower of an episode in real time.

    Use it in a ``with`` block.

    Args:
        follower, tracker: nested parameters of the nodes.
        attach: whether the nodes run already, in the namespace of the demonstration.
        number: of the episode: the ROS time of each begins later than that of the one before.

    Attributes:
        processes: tracker and follower, where they were started here.
        watched: whether it is an error when one of them ends.
    """

    def __init__(self, folder: Path, camera: CameraConfig, follower: dict[str, Any],
                 tracker: dict[str, Any], attach: bool = False, number: int = 0) -> None:
        self._camera, self._depth = camera, tracker.get('use_depth', False)
        self._number = number
        common = {'use_sim_time': True}
        (folder / 'follower').mkdir(exist_ok=True)
        self.processes = [] if attach else [
            NodeProcess(folder, {**common, **tracker}, REMAPPINGS),
            NodeProcess(folder / 'follower', {**common, **follower}, {'__ns': NAMESPACE},
                        FOLLOWER_NODE)]
        self.doing, self.watched = '', True

    def __enter__(self) -> RealTimePilot:
        with ExitStack() as stack:
            for process in self.processes:
                stack.enter_context(process)
            self.player = LivePlayer(TRACKER, IMAGE_TOPIC, self._check)
            stack.callback(self.player.close)
            self.topics = RobotTopics(self.player.probe, self._camera, self._depth,
                                      EPOCH_S * (1 + self._number))
            self.player.probe.listen(FollowerStatus, f'{FOLLOWER}/status', 10)
            self.pace = Pace(self.topics)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: Any) -> None:
        self._stack.close()

    def start(self, frame: CameraFrame, box: BoundingBox) -> None:
        """Show the first image, give the target, let the robot drive.

        Raises:
            InputError, NodeDied, NoAnswer: a node refuses or does not answer.
        """
        self.topics.publish_clock(frame.stamp_s)
        self.topics.publish_beside(frame, self.topics.ns(frame.stamp_s))
        self.player.begin(frame.image, box, self.topics.ns(frame.stamp_s), CAMERA_FRAME)
        enable = self.player.probe.node.create_client(SetBool, f'{FOLLOWER}/enable')
        if not enable.wait_for_service(PATIENCE_S):
            raise NodeDied(f'there is no follower that offers {FOLLOWER}/enable')
        answer = enable.call_async(SetBool.Request(data=True))
        if not self.player.probe.wait(answer.done, PATIENCE_S):
            raise NodeDied(f'{FOLLOWER}/enable does not answer')
        if not answer.result().success:
            raise InputError(f'the follower may not drive: {answer.result().message}')

    def see(self, frame: CameraFrame, now_s: float) -> Report | None:
        """Send an image; returns the newest answer."""
        self._check()
        self.topics.publish_beside(frame, self.topics.ns(frame.stamp_s))
        self.player.send(frame.image, self.topics.ns(frame.stamp_s), CAMERA_FRAME)
        return self.newest()

    def newest(self) -> Report | None:
        """The newest answer of the tracker."""
        heard = self.player.probe.heard
        if heard['status'] and hasattr(heard['status'][-1], 'linear'):
            newest = heard['status'][-1]
            self.doing = described(FollowState(newest.state), newest.message)
        return self.topics.report(heard['target'][-1]) if heard['target'] else None

    def command(self, now_s: float) -> tuple[float, float] | None:
        """The newest velocity, None if none came since the last call."""
        return self.topics.fresh()

    def _check(self) -> None:
        for process in self.processes if self.watched else ():
            process.check()
