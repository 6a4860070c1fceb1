"""Whether the robot may drive at all: switched on, not stopped, the deadman switch held."""

from __future__ import annotations

import math

from siamx_ros.follower.follower_config import FollowerConfig


class Permission:
    """Off until it is enabled; a stop switches it off and holds it off while it lasts.

    Times are seconds of a steady clock.
    """

    def __init__(self, enabled: bool) -> None:
        self._enabled, self._held_off = enabled, False
        self._deadman_at = -math.inf

    def enable(self, on: bool) -> str:
        """Switch on or off; returns why it cannot be switched on, or nothing."""
        if on and self._held_off:
            return 'the stop topic says true: lift the stop first'
        self._enabled = on
        return ''

    def stop(self, on: bool = True) -> None:
        """A stop: also off afterwards, until it is enabled again.

        Args:
            on: whether the stop holds; False lifts it.
        """
        self._held_off = on
        if on:
            self._enabled = False

    def deadman(self, held: bool, now: float) -> None:
        """What the deadman switch says."""
        self._deadman_at = now if held else -math.inf

    def objection(self, now: float, config: FollowerConfig) -> str:
        """Why the robot must stand, or nothing."""
        if self._held_off:
            return 'stopped by the stop topic'
        if not self._enabled:
            return 'not enabled: call ~/enable'
        if config.use_deadman and not 0 <= now - self._deadman_at <= config.deadman_timeout:
            return 'the deadman switch is not held'
        return ''
