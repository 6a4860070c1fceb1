"""A tracker without images: it answers from where the target is, with errors, doubt and losses.

For the safety episodes, in which the follower counts and thousands of seconds must be quick.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.control.observation import Observation
from siamx_ros.records import TrackState
from siamx_ros.settings import Settings, setting
from siamx_ros.simulation.floorplan import Point
from siamx_ros.simulation.robot import Pose


@dataclass(frozen=True)
class TrackerModelConfig(Settings):
    """How well the modelled tracker sees."""

    hfov: float = setting(75.0, 'horizontal field of view', unit='deg', low=20.0, high=170.0)
    bearing_error: float = setting(0.01, 'deviation of the bearing', unit='rad', low=0.0)
    range_error: float = setting(0.04, 'deviation of the range, as a share', low=0.0)
    doubt: float = setting(0.01, 'chance that an image begins a doubt', low=0.0, high=1.0)
    doubt_images: int = setting(4, 'longest doubt', low=1)
    depth: bool = setting(True, 'range from depth; else from the height of a whole box')
    whole_from: float = setting(1.9, 'distance from which the whole target is in view', unit='m')


class TrackerModel:
    """Follows one target at a time."""

    def __init__(self, config: TrackerModelConfig, rng: np.random.Generator) -> None:
        self.config = config
        self.target_id = '1'
        self.seq = 0
        self._rng = rng
        self._states = TrackerConfig()
        self._doubtful = self._missed = self._confirmed = 0
        self._state = TrackState.TRACKING

    def start(self, target_id: str, seq: int = 0) -> None:
        """Take another target, or start over."""
        self.target_id, self.seq = target_id, seq
        self._doubtful = self._missed = self._confirmed = 0
        self._state = TrackState.TRACKING

    def observe(self, stamp_s: float, robot: Pose, target: Point, hidden: bool) -> Observation:
        """What the tracker says about an image of now.

        Args:
            stamp_s: stamp of the image, by the camera's clock.
            hidden: whether something stands before the target.
        """
        self.seq += 1
        config, rng = self.config, self._rng
        bearing = robot.bearing_to(*target) + rng.normal(0, config.bearing_error)
        distance = math.dist(robot.point, target)
        seen = not hidden and abs(bearing) < math.radians(config.hfov) / 2
        self._state = self._next_state(seen)
        valid = self._state == TrackState.TRACKING
        near = distance < config.whole_from
        known = valid and (config.depth or not near)
        spread = config.range_error * distance
        return Observation(
            stamp_s, self.seq, self.target_id, self._state, valid,
            bearing if self._state != TrackState.LOST else math.nan, math.nan,
            max(0.1, distance + rng.normal(0, spread)) if known else math.nan,
            spread if known else math.nan, config.depth, cut_ends=near)

    def _next_state(self, seen: bool) -> TrackState:
        if self._doubtful:
            self._doubtful -= 1
        elif seen and self._rng.random() < self.config.doubt:
            self._doubtful = int(self._rng.integers(1, self.config.doubt_images + 1))
        good = seen and not self._doubtful
        self._missed = 0 if seen else self._missed + 1
        if self._missed >= self._states.n_lost:
            return TrackState.LOST
        if not good:
            return self._state if self._state == TrackState.LOST else TrackState.UNCERTAIN
        if self._state == TrackState.LOST:
            self._confirmed = 0
            return TrackState.RELOCALISED
        if self._state == TrackState.RELOCALISED:
            self._confirmed += 1
            if self._confirmed < self._states.n_confirm:
                return TrackState.RELOCALISED
        return TrackState.TRACKING
