"""Example of a safe follower: ~/target in, cmd_vel out: `ros2 run siamx_ros follow_controller`.

It shows how to use the tracker's messages; obstacles are somebody else's business, such as Nav2's
collision_monitor.
"""

from __future__ import annotations

import re
import time
from typing import Any

from geometry_msgs.msg import Twist, TwistStamped
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.node import Node

from siamx_ros.control.follow import FollowConfig, Follower, Sighting, Velocity
from siamx_ros.messages.frames import stamp_seconds
from siamx_ros.msg import TrackedTarget
from siamx_ros.node.parameters import NodeParameters
from siamx_ros.node.spin import run
from siamx_ros.records import TrackState

PERIOD_S = 0.05
ACKNOWLEDGED_S = 1.0
"""How long the last command may take to arrive before the process ends."""


class FollowController(Node):
    """Publishes ``cmd_vel`` 20 times a second while the target may be followed, else nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__('follow_controller', **kwargs)
        parameters = NodeParameters(self, FollowConfig(), self._apply, frozen=lambda: True)
        self._follower = Follower(parameters.settings)
        self._stamped = parameters.settings.stamped
        self._kind = ''
        self._publisher = self.create_publisher(
            TwistStamped if self._stamped else Twist, 'cmd_vel', 1)
        self.create_subscription(TrackedTarget, 'siamx_tracker/target', self._see, 1)
        self.create_timer(PERIOD_S, self._drive, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def close(self) -> bool:
        """Stop the robot if it moves, and wait until those who listen know."""
        velocity = self._follower.stop()
        if velocity is not None:
            self._publish(velocity)
        self._publisher.wait_for_all_acked(Duration(seconds=ACKNOWLEDGED_S))
        return True

    def _apply(self, settings: FollowConfig) -> None:
        self._follower.config = settings

    def _see(self, message: TrackedTarget) -> None:
        self._follower.see(Sighting(
            stamp_seconds(message.header.stamp), time.monotonic(), message.seq, message.target_id,
            TrackState(message.state), message.valid, message.truncated, message.bearing,
            message.range, message.range_stddev))

    def _drive(self) -> None:
        now = self.get_clock().now().nanoseconds * 1e-9
        velocity = self._follower.command(now, time.monotonic())
        if velocity is not None:
            self._publish(velocity)
        self._tell(self._follower.why)

    def _tell(self, why: str) -> None:
        """Log that the robot follows, or why it stands, where the reason is another one."""
        kind = re.sub(r'[0-9.]+', '', why)
        if kind == self._kind:
            return
        self._kind = kind
        if why:
            self.get_logger().warning(f'standing: {why}')
        else:
            self.get_logger().info('following')

    def _publish(self, velocity: Velocity) -> None:
        twist = Twist()
        twist.linear.x, twist.angular.z = float(velocity.linear), float(velocity.angular)
        if self._stamped:
            message = TwistStamped(twist=twist)
            message.header.stamp = self.get_clock().now().to_msg()
            message.header.frame_id = 'base_link'
            self._publisher.publish(message)
        else:
            self._publisher.publish(twist)


def main(args: list[str] | None = None) -> int:
    """Run the node until SIGINT or SIGTERM; returns the exit status."""
    return run(FollowController, args)


if __name__ == '__main__':
    raise SystemExit(main())
