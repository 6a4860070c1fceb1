"""Follows the tracker's target: ~/target in, cmd_vel out: `ros2 run siamx_ros follower`.

It sees no obstacles; Nav2's collision monitor does. A process of its own: it stops the robot when
the tracker dies. What stops the robot when it dies itself stands in docs/follow.md.
"""

from __future__ import annotations

import math
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool
from std_srvs.srv import SetBool, Trigger

from siamx_ros.control.follower import Follower
from siamx_ros.control.mounting import ON_BASE, Mounting
from siamx_ros.control.observation import Command, FollowReason, Now
from siamx_ros.follower.follower_config import FollowerConfig
from siamx_ros.follower.observe import observation
from siamx_ros.follower.permission import Permission
from siamx_ros.follower.status import Announcer, diagnostics, status
from siamx_ros.follower.transforms import transforms
from siamx_ros.follower.unheard import Unheard
from siamx_ros.msg import FollowerStatus, TrackedTarget
from siamx_ros.node.parameters import NodeParameters
from siamx_ros.node.spin import run
from siamx_ros.qos import HeardTopic, latched

STOPPING_S = 0.5
"""How long a stop is repeated, for a base that missed one; then the topic is left to others."""
STATUS_PERIOD_S, DIAGNOSTICS_PERIOD_S = 0.2, 1.0
ACKNOWLEDGED_S = 1.0
"""How long the last command may take to arrive before the process ends."""
UNHEARD = 'a latched stop topic has just appeared: waiting for what it says'
BOOL_DEPTH = 10
"""History depth of the topics that say true or false."""


class FollowerNode(Node):
    """Publishes ``cmd_vel`` while the robot moves, stops when it is to stand, then nothing.

    A stop is the first that it publishes, too.

    Attributes:
        transforms: what is known by TF.
        timer: calls :meth:`step`; a simulation in steps cancels it and calls it itself.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('follower', **kwargs)
        parameters = NodeParameters(self, FollowerConfig(), self._apply, frozen=lambda: True)
        self._config: FollowerConfig = parameters.settings
        self._follower = Follower(self._config)
        self._permission = Permission(self._config.enabled_at_start)
        self.transforms = transforms(self)
        self.command, self._announcer, self._frames_message = Command(), Announcer(), ''
        self._base_known, self._moved_at = False, -math.inf
        self._status_at = self._diagnosed_at = -math.inf
        self._status_key: tuple = ()
        self._camera_frame = ''
        self._open_outputs()
        self._open_inputs()

    def _open_outputs(self) -> None:
        self._stamped = self._config.stamped
        kind = TwistStamped if self._stamped else Twist
        self._velocity = self.create_publisher(kind, 'cmd_vel', 1)
        self._unheard = Unheard(self, self._velocity, 'cmd_vel')
        self._status = self.create_publisher(FollowerStatus, '~/status', latched())
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 1)

    def _open_inputs(self) -> None:
        self.create_subscription(TrackedTarget, 'siamx_tracker/target', self.see, 1)
        self.create_subscription(Bool, 'deadman', self._deadman, QoSProfile(
            depth=BOOL_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT))
        self._stops = HeardTopic(
            self, Bool, 'stop', self._stop_topic, depth=BOOL_DEPTH, reliable=True)
        self.create_service(SetBool, '~/enable', self._enable)
        self.create_service(Trigger, '~/stop', self._stop)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.timer = self.create_timer(1 / self._config.command_rate, self.step, clock=steady)

    def close(self) -> bool:
        """Stop the robot if it moves, and wait until those who listen know."""
        if self.command.moves:
            self.send(Command())
        self._velocity.wait_for_all_acked(Duration(seconds=ACKNOWLEDGED_S))
        return True

    def _apply(self, settings: FollowerConfig) -> None:
        self._config = self._follower.limits = settings

    def now(self) -> Now:
        """The time by the node's clock and by a steady one; a simulation in steps has its own."""
        return Now(self.get_clock().now().nanoseconds * 1e-9, time.monotonic())

    def see(self, message: TrackedTarget) -> None:
        """Take what the tracker says about one image."""
        seen = observation(message, self._mounting(message.header))
        now = self.now()
        self._tell(self._follower.update(seen, now, self._objection(now)), now)

    def step(self) -> None:
        """Command the robot; called at ``command_rate``."""
        self._stops.look()
        now = self.now()
        self._tell(self._follower.step(now, self._objection(now)), now)

    def _objection(self, now: Now) -> str:
        unheard = UNHEARD if self._stops.awaits_kept else ''
        return self._permission.objection(now.steady_s, self._config) or unheard

    def _mounting(self, header: Any) -> Mounting:
        """Where the camera is on the base; what is found out about it is logged once a frame."""
        self._camera_frame, base = header.frame_id, self._config.base_frame
        if not self._config.use_tf:
            self._frames_message = 'use_tf is off: the camera counts as the base'
            return ON_BASE
        pose = self.transforms.pose(header.frame_id, base, header.stamp, self._config.max_age)
        way = f'{header.frame_id!r} on {base!r}'
        if pose is None:
            self._frames_news(
                f'{way}, not in TF: it counts as the base',
                f'TF knows no way from {header.frame_id!r} to {base!r}: the camera counts as '
                'the base, level and looking ahead', wrong=True)
        elif pose.unknown:
            self._frames_news(f'{way}, by TF at another time: the bearing is unknown',
                              f'{pose.unknown}: the bearing is unknown', wrong=True)
        else:
            self._frames_news(
                f'{way}, by TF', f'TF places the camera {header.frame_id!r} on {base!r}')
        return ON_BASE if pose is None else pose

    def _frames_news(self, news: str, sentence: str, *, wrong: bool = False) -> None:
        """Log what was found out about the camera's place, if it is news."""
        if news == self._frames_message:
            return
        self._frames_message = news
        if wrong:
            self.get_logger().warning(sentence)
        else:
            self.get_logger().info(sentence)

    def _deadman(self, message: Bool) -> None:
        self._permission.deadman(message.data, time.monotonic())
        if not message.data:
            self.step()

    def _stop_topic(self, message: Bool) -> None:
        self._permission.stop(message.data)
        self.step()

    def _stop(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        self._permission.enable(False)
        self.step()
        response.success, response.message = True, 'the robot stands until it is enabled again'
        return response

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        objection = self._permission.enable(request.data)
        if request.data:
            self._follower.confirm()
        self.step()
        response.success, response.message = not objection, objection
        return response

    def _tell(self, command: Command, now: Now) -> None:
        """Command the robot while it moves and shortly after, and say what it does."""
        self.command = command
        if command.moves or not self._base_known:
            self._moved_at = now.steady_s  # one before this one may have left the robot moving
        self._base_known = self._base_known or self._velocity.get_subscription_count() > 0
        if now.steady_s - self._moved_at <= STOPPING_S:
            self.send(command)
        self._unheard.look(command.moves, now.steady_s)
        sentence = self._announcer.news(command, now.steady_s)
        if sentence:
            self.get_logger().info(sentence)
        self._report(command, now)

    def send(self, command: Command) -> None:
        """Publish one velocity."""
        twist = Twist()
        twist.linear.x, twist.angular.z = float(command.linear), float(command.angular)
        if not self._stamped:
            self._velocity.publish(twist)
            return
        message = TwistStamped(twist=twist)
        message.header.stamp = self.get_clock().now().to_msg()
        message.header.frame_id = self._config.base_frame
        self._velocity.publish(message)

    def _report(self, command: Command, now: Now) -> None:
        """Publish ~/status on a change and as a heartbeat, and the diagnostics."""
        enabled = not self._objection(now) and command.reason != FollowReason.TARGET_UNCONFIRMED
        place = self._follower.place(now)
        key = (command.state, command.reason, enabled, place.target_id)
        if key == self._status_key and now.steady_s - self._status_at < STATUS_PERIOD_S:
            return
        self._status_key, self._status_at = key, now.steady_s
        report = status(
            command, place, enabled=enabled, stamp=self.get_clock().now().to_msg(),
            frame_id=self._config.base_frame)
        self._status.publish(report)
        if now.steady_s - self._diagnosed_at >= DIAGNOSTICS_PERIOD_S:
            self._diagnosed_at = now.steady_s
            self._diagnostics.publish(diagnostics(self.get_fully_qualified_name(), report, {
                'camera_frame': self._camera_frame, 'frames': self._frames_message},
                self._unheard.sentence))


def main(args: list[str] | None = None) -> int:
    """Run the node until a signal ends it; returns the exit status."""
    return run(FollowerNode, args)


if __name__ == '__main__':
    raise SystemExit(main())
