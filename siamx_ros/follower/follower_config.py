"""Every parameter of the follower node."""

from __future__ import annotations

from dataclasses import dataclass
import os

from siamx_ros.control.limits import FollowLimits
from siamx_ros.settings import setting

UNSTAMPED_DISTROS = ('foxy', 'galactic', 'humble', 'iron', 'jazzy')
"""Where Nav2 and the usual bases take Twist by default; later distributions take TwistStamped."""


@dataclass(frozen=True)
class FollowerConfig(FollowLimits):
    """Parameters of the follower node: those of the follower, and how it speaks to the robot."""

    command: str = setting(
        'auto', "type of cmd_vel; 'auto' is the default of the ROS distribution: Twist up to "
        'Jazzy, then TwistStamped', choices=('auto', 'twist', 'twist_stamped'))
    base_frame: str = setting(
        'base_link', 'frame that cmd_vel moves', live=True)
    use_tf: bool = setting(
        True, 'take the pose of the camera on the base from TF; without, the camera counts as the '
        'base', live=True)
    enabled_at_start: bool = setting(
        False, 'whether the robot may drive before it is enabled')
    use_deadman: bool = setting(
        False, 'drive only while deadman says true', live=True)
    deadman_timeout: float = setting(
        0.5, 'how long one true of deadman counts', unit='s', low=0.05, high=5.0, live=True)

    @property
    def stamped(self) -> bool:
        """Whether cmd_vel is a TwistStamped, with ``auto`` by the environment's ROS_DISTRO."""
        if self.command != 'auto':
            return self.command == 'twist_stamped'
        return os.environ.get('ROS_DISTRO', UNSTAMPED_DISTROS[-1]) not in UNSTAMPED_DISTROS
