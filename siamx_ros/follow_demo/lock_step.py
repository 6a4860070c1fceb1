"""The real tracker and the real follower in step with a simulated world.

Images go over DDS to the tracker node in a process of its own, its answers to the follower node,
whose velocities come back over DDS. The simulated time stands still while they work, so the result
does not depend on the machine's speed.
"""

from __future__ import annotations

import math
from pathlib import Path
import time
from typing import Any, Callable

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from siamx_ros.client.node_process import NodeDied, NodeProcess
from siamx_ros.client.player import LivePlayer
from siamx_ros.control.observation import Command, Now, described
from siamx_ros.errors import InputError
from siamx_ros.follow_demo.robot_topics import (
    BASE_FRAME, CAMERA_FRAME, EPOCH_S, NAMESPACE, RobotTopics, ros_ns)
from siamx_ros.follower.follower_node import FollowerNode
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.from_msg import result_of
from siamx_ros.msg import TrackedTarget
from siamx_ros.simulation.episode import Report
from siamx_ros.simulation.frame import CameraConfig, CameraFrame
from siamx_ros.simulation.robot import Pose

IMAGE_TOPIC = f'{NAMESPACE}/image'
TRACKER = f'{NAMESPACE}/siamx_tracker'
PATIENCE_S = 60.0
"""Longest wait for a message that must come, seconds of real time."""


class SteppedFollower(FollowerNode):
    """The follower node, whose steady clock is the simulated one; the simulation steps it.

    Attributes:
        steady_s: the steady clock, seconds.
        seen, sent: last ``seq`` that was seen; number of velocities that were published.
    """

    def __init__(self, **options: Any) -> None:
        self.steady_s, self.seen, self.sent = 0.0, -1, 0
        super().__init__(**options)
        self.timer.cancel()

    def now(self) -> Now:
        return Now(self.get_clock().now().nanoseconds * 1e-9, self.steady_s)

    def see(self, message: TrackedTarget) -> None:
        super().see(message)
        self.seen = message.seq

    def send(self, command: Command) -> None:
        super().send(command)
        self.sent += 1


class LockStepPilot:
    """Tracker and follower of an episode; the pilot of :class:`simulation.episode.Episode`.

    Use it in a ``with`` block.

    Args:
        folder: gets the tracker's log.
        camera: the simulated camera.
        parameters: of the follower.
        tracker: nested parameters of the tracker node.
    """

    def __init__(self, folder: Path, camera: CameraConfig, parameters: dict[str, Any],
                 tracker: dict[str, Any]) -> None:
        self._process = NodeProcess(
            folder, {'use_sim_time': True, 'image_timeout': 10.0, **tracker},
            {'__ns': NAMESPACE, 'image': IMAGE_TOPIC, 'camera_info': f'{NAMESPACE}/camera_info'})
        self._camera, self._parameters = camera, parameters
        self.follower: SteppedFollower | None = None
        self._taken = 0

    def __enter__(self) -> LockStepPilot:
        self._process.__enter__()
        try:
            self.player = LivePlayer(TRACKER, IMAGE_TOPIC, self._process.check,
                                     self._process.last_words)
            self.topics = RobotTopics(self.player.probe, self._camera)
        except BaseException:
            self._process.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        if self.follower is not None:
            self._executor.shutdown()
            self.follower.destroy_node()
            rclpy.try_shutdown(context=self._context)
        self.player.close()
        self._process.__exit__()

    def start(self, frame: CameraFrame, box: BoundingBox) -> None:
        """Show the first image, give the target, let the robot drive.

        Raises:
            InputError, NodeDied, NoAnswer: the tracker node refuses or does not answer.
        """
        self._join()
        self._warm_up(frame, box)
        self.player.begin(frame.image, box, ros_ns(frame.stamp_s), CAMERA_FRAME)
        newest = self.player.message(ros_ns(frame.stamp_s), PATIENCE_S)
        self._until(lambda: self.follower.seen >= newest.seq, 'hear the tracker')
        self.follower.step()

    def see(self, frame: CameraFrame, now_s: float) -> Report | None:
        """Send an image, wait for the tracker's answer, and until the follower has it."""
        self.tell_time(now_s)
        self.topics.publish_camera_info(frame.stamp_s)
        self.player.send(frame.image, ros_ns(frame.stamp_s), CAMERA_FRAME)
        answer = self.player.message(ros_ns(frame.stamp_s), PATIENCE_S)
        if answer is None:
            raise NodeDied(f'the tracker node does not answer{self._process.last_words()}')
        self._until(lambda: self.follower.seen >= answer.seq, 'hear the tracker')
        return report(answer)

    def command(self, now_s: float) -> tuple[float, float] | None:
        """Step the follower; returns the velocity that came over DDS, None for silence."""
        self.tell_time(now_s)
        self.follower.step()
        probe = self.player.probe
        if not probe.wait(lambda: self.topics.count >= self.follower.sent, PATIENCE_S):
            raise NodeDied('a velocity of the follower was lost')
        fresh = self.topics.count > self._taken
        self._taken = self.topics.count
        return self.topics.heard[-1] if fresh else None

    @property
    def doing(self) -> str:
        """What the follower does, and why if there is a reason."""
        command = self.follower.command
        return described(command.state, command.message)

    def publish_pose(self, now_s: float, pose: Pose) -> None:
        """Say by TF where the robot is."""
        self.topics.publish_pose(now_s, pose)

    def tell_time(self, now_s: float) -> None:
        """Publish the clock, and wait until the follower has it."""
        self.topics.publish_clock(now_s)
        self.follower.steady_s = now_s
        wanted = EPOCH_S + now_s
        clock = self.follower.get_clock()
        self._until(lambda: abs(clock.now().nanoseconds * 1e-9 - wanted) < 1e-6, 'hear the clock',
                    lambda: self.topics.publish_clock(now_s))

    def _warm_up(self, frame: CameraFrame, box: BoundingBox) -> None:
        """Send images until everybody has heard of everything.

        Messages that are sent before the two sides found each other are lost; later ones must not
        be, or one run would begin otherwise than the next.
        """
        sent = 0

        def send() -> None:
            nonlocal sent
            sent += 1
            image = frame.image.copy()
            image[0, 0] = sent % 256  # one that does not change is none
            self.topics.publish_camera_info(frame.stamp_s)
            self.player.send(image, ros_ns(frame.stamp_s - 1.0) + sent, CAMERA_FRAME)
        self.tell_time(frame.stamp_s)
        heard = self.player.probe.heard['target']
        self._until(lambda: heard and self.follower.seen >= 0
                    and self.follower.transforms.pose(CAMERA_FRAME, BASE_FRAME, None),
                    'hear the tracker', send)
        refuse_a_second_tracker(self.player)
        self.player.begin(frame.image, box, ros_ns(frame.stamp_s - 0.5), CAMERA_FRAME)
        sent = round(0.6e9)
        self._until(lambda: math.isfinite(heard[-1].bearing), 'hear a bearing', send)

    def _join(self) -> None:
        """Bring the follower node to life, enabled."""
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        values = {'use_sim_time': True, 'enabled_at_start': True, 'command': 'twist',
                  **self._parameters}
        self.follower = SteppedFollower(
            context=self._context, namespace=NAMESPACE,
            parameter_overrides=[Parameter(name, value=value) for name, value in values.items()],
            cli_args=['--ros-args', '-r', f'cmd_vel:={NAMESPACE}/cmd_vel'])
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.follower)

    def _until(self, condition: Callable[[], Any], deed: str,
               again: Callable[[], None] = lambda: None) -> None:
        """Run the follower's callbacks until something is true."""
        deadline = time.monotonic() + PATIENCE_S
        retry = time.monotonic() + 1.0
        while not condition():
            self._process.check()
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > retry:
                again()
                retry = time.monotonic() + 1.0
            if time.monotonic() > deadline:
                raise NodeDied(f'the follower did not {deed} within {PATIENCE_S:g} s')


def refuse_a_second_tracker(player: LivePlayer) -> None:
    """Two trackers of one name would both answer.

    Raises:
        InputError: there is another one.
    """
    if player.probe.node.count_publishers(f'{TRACKER}/target') > 1:
        raise InputError(f'another node already serves {TRACKER}; stop it, or set ROS_DOMAIN_ID to '
                         'a number of your own')


def report(message: TrackedTarget) -> Report:
    """A TrackedTarget as what is scored."""
    stamp_s = message.header.stamp.sec + message.header.stamp.nanosec * 1e-9 - EPOCH_S
    near = message.range if message.range > 0 else math.nan
    return Report(stamp_s, result_of(message), message.bearing, near)
