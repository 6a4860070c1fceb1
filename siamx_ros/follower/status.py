"""What the follower does and why, as a status and as diagnostics."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from siamx_ros.control.observation import (
    Command, FollowReason, FollowState, Place, described)
from siamx_ros.msg import FollowerStatus

QUIET = (FollowReason.NONE, FollowReason.FORBIDDEN, FollowReason.ARRIVED, FollowReason.NOTHING_SEEN,
         FollowReason.ASIDE, FollowReason.TARGET_CHANGED)
"""Reasons that are no trouble."""
HOLD_S = 0.3
"""What the robot does is logged once it has done so for so long, seconds."""


class Announcer:
    """What is worth a line in the log: that the robot moves, or why it stands, once each."""

    def __init__(self) -> None:
        self._key: tuple = ()
        self._since, self._said = 0.0, True

    def news(self, command: Command, now: float) -> str:
        """A sentence, or nothing; ``now`` in steady seconds."""
        drives = command.linear > 0
        key = (drives, FollowReason.NONE if drives else command.reason)
        if key != self._key:
            self._key, self._since, self._said = key, now, False
        if self._said or now - self._since < HOLD_S:
            return ''
        self._said = True
        if drives:
            return 'following'
        doing = 'turning' if command.angular else 'standing'
        return f'{doing}: {command.message}' if command.message else doing


def status(command: Command, place: Place, *, enabled: bool, stamp: Any,
           frame_id: str) -> FollowerStatus:
    """One FollowerStatus."""
    message = FollowerStatus(
        enabled=enabled, state=command.state, reason=command.reason, message=command.message,
        linear=float(command.linear), angular=float(command.angular),
        distance=float(place.distance), bearing=float(place.bearing), target_id=place.target_id)
    message.header.stamp, message.header.frame_id = stamp, frame_id
    return message


def diagnostics(name: str, said: FollowerStatus, figures: dict[str, str],
                unheard: str = '') -> DiagnosticArray:
    """One status: a warning where the robot does not drive for a reason that needs a look.

    Args:
        name: full name of the node.
        said: what ~/status says.
        figures: further names and values.
        unheard: why no base hears the commands; empty if one does.
    """
    state, reason = FollowState(said.state), FollowReason(said.reason)
    trouble = unheard or said.enabled and reason not in QUIET
    values = {'state': state.name, 'reason': reason.name, 'enabled': str(said.enabled).lower(),
              'linear_m_s': f'{said.linear:.2f}', 'angular_rad_s': f'{said.angular:.2f}',
              'distance_m': f'{said.distance:.2f}', 'bearing_rad': f'{said.bearing:.2f}', **figures}
    entry = DiagnosticStatus(
        level=DiagnosticStatus.WARN if trouble else DiagnosticStatus.OK,
        name=f'{name}: following', hardware_id=name,
        message=described(state, unheard or said.message),
        values=[KeyValue(key=key, value=value) for key, value in values.items()])
    array = DiagnosticArray(status=[entry])
    array.header.stamp = said.header.stamp
    return array
