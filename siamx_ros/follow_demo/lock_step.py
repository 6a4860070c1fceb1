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

from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import Trigger

from siamx_ros.client.node_process import NodeDied, NodeProcess
from siamx_ros.client.player import LivePlayer
from siamx_ros.control.observation import Command, Now, described
from siamx_ros.follow_demo.robot_topics import (
    BASE_FRAME, CAMERA_FRAME, DEPTH_TOPIC, EPOCH_S, NAMESPACE, RobotTopics)
from siamx_ros.follower.follower_node import FollowerNode
from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import TrackedTarget
from siamx_ros.simulation.episode import Report
from siamx_ros.simulation.frame import CameraConfig, CameraFrame

IMAGE_TOPIC = f'{NAMESPACE}/image'
TRACKER = f'{NAMESPACE}/siamx_tracker'
REMAPPINGS = {'__ns': NAMESPACE, 'image': IMAGE_TOPIC, 'depth': DEPTH_TOPIC,
              'camera_info': f'{NAMESPACE}/camera_info'}
"""Of the tracker node."""
PATIENCE_S, RETRY_S = 60.0, 0.2
"""Longest wait for a message that must come, and after how long it is asked for again, seconds of
real time."""


def tracker_process(folder: Path, parameters: dict[str, Any], depth: bool) -> NodeProcess:
    """The tracker node for episodes in lock-step; a process to be used in a ``with`` block.

    Args:
        depth: whether the range comes from depth images.
    """
    return NodeProcess(folder, {'use_sim_time': True, 'image_timeout': 10.0, 'use_depth': depth,
                                **parameters}, REMAPPINGS)


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
        process: the tracker node, which lives on; see :func:`tracker_process`.
        target_height: of the target for its range, metres; None for depth images.
        number: of the episode: the ROS time of each begins later than that of the one before.
    """

    def __init__(self, process: NodeProcess, camera: CameraConfig, parameters: dict[str, Any],
                 target_height: float | None, number: int = 0) -> None:
        self._process, self._camera, self._parameters = process, camera, parameters
        self._height, self._number = target_height, number
        self.follower: SteppedFollower | None = None

    def __enter__(self) -> LockStepPilot:
        self.player = LivePlayer(TRACKER, IMAGE_TOPIC, self._process.check,
                                 self._process.last_words)
        self.topics = RobotTopics(self.player.probe, self._camera, self._height is None,
                                  EPOCH_S * (1 + self._number))
        return self

    def __exit__(self, *_: Any) -> None:
        if self.follower is not None:
            self._executor.shutdown()
            self.follower.destroy_node()
            rclpy.try_shutdown(context=self._context)
        self.player.close()

    def start(self, frame: CameraFrame, box: BoundingBox) -> None:
        """Show the first image, give the target, let the robot drive.

        Raises:
            InputError, NodeDied, NoAnswer: the tracker node refuses or does not answer.
        """
        self._join()
        self._warm_up(frame, box)
        self.topics.publish_beside(frame, self.topics.ns(frame.stamp_s))
        self.topics.wait_for_depth()
        self.player.begin(frame.image, box, self.topics.ns(frame.stamp_s), CAMERA_FRAME)
        newest = self.player.message(self.topics.ns(frame.stamp_s), PATIENCE_S)
        self._until(lambda: self.follower.seen >= newest.seq, 'hear the tracker')
        self.follower.step()

    def see(self, frame: CameraFrame, now_s: float) -> Report | None:
        """Send an image, wait for the tracker's answer, and until the follower has it."""
        self.tell_time(now_s)
        self.topics.publish_beside(frame, self.topics.ns(frame.stamp_s))
        self.topics.wait_for_depth()
        self.player.send(frame.image, self.topics.ns(frame.stamp_s), CAMERA_FRAME)
        answer = self.player.message(self.topics.ns(frame.stamp_s), PATIENCE_S)
        if answer is None:
            raise NodeDied(f'the tracker node does not answer{self._process.last_words()}')
        self._until(lambda: self.follower.seen >= answer.seq, 'hear the tracker')
        return self.topics.report(answer)

    def command(self, now_s: float) -> tuple[float, float] | None:
        """Step the follower; returns the velocity that came over DDS, None for silence."""
        self.tell_time(now_s)
        self.follower.step()
        probe = self.player.probe
        if not probe.wait(lambda: self.topics.count >= self.follower.sent, PATIENCE_S):
            raise NodeDied('a velocity of the follower was lost')
        return self.topics.fresh()

    @property
    def doing(self) -> str:
        """What the follower does, and why if there is a reason."""
        command = self.follower.command
        return described(command.state, command.message)

    def tell_time(self, now_s: float) -> None:
        """Publish the clock, and wait until the follower has it."""
        self.topics.publish_clock(now_s)
        self.follower.steady_s = now_s
        wanted = self.topics.epoch_s + now_s
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
            stamp_ns = self.topics.ns(frame.stamp_s - 1.0) + sent
            self.topics.publish_beside(frame, stamp_ns)
            self.player.send(image, stamp_ns, CAMERA_FRAME)
        self.tell_time(frame.stamp_s)
        self._prepare_tracker()
        heard = self.player.probe.heard['target']
        self._until(lambda: heard and self.follower.seen >= 0
                    and self.follower.transforms.pose(CAMERA_FRAME, BASE_FRAME, None),
                    'hear the tracker', send)
        self.player.begin(frame.image, box, self.topics.ns(frame.stamp_s - 0.5), CAMERA_FRAME)
        sent = round(0.6e9)
        self._until(lambda: math.isfinite(heard[-1].range), 'hear a range', send)

    def _prepare_tracker(self) -> None:
        """Nothing is left of an episode before."""
        probe = self.player.probe
        if not probe.ready():
            raise NodeDied(f'the tracker node takes no images{self._process.last_words()}')
        probe.call(Trigger, 'reset', Trigger.Request())
        if self._height is not None:
            height = Parameter('target_height', value=self._height).to_parameter_msg()
            probe.call(SetParameters, 'set_parameters', SetParameters.Request(parameters=[height]))

    def _join(self) -> None:
        """Bring the follower node to life, enabled."""
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        values = {'use_sim_time': True, 'enabled_at_start': True, **self._parameters}
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
        retry = time.monotonic() + RETRY_S
        while not condition():
            self._process.check()
            self._executor.spin_once(timeout_sec=0.05)
            if time.monotonic() > retry:
                again()
                retry = time.monotonic() + RETRY_S
            if time.monotonic() > deadline:
                raise NodeDied(f'the follower did not {deed} within {PATIENCE_S:g} s')
