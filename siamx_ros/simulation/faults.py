"""What goes wrong between a camera and a robot's wheels; each fault is one small class."""

from __future__ import annotations

from dataclasses import replace
import math
from typing import Callable

import numpy as np

from siamx_ros.control.observation import Observation
from siamx_ros.node_config import NodeConfig
from siamx_ros.records import TrackState


class Fault:
    """Nothing goes wrong; the base of all faults.

    Times are seconds since the beginning of the episode by a clock that nothing disturbs.

    Attributes:
        begin_s, end_s: while the fault is there.
        must_stop: whether the robot must stand before it is over or soon after it began.
    """

    must_stop = True

    def __init__(self, rng: np.random.Generator) -> None:
        self.begin_s = float(rng.uniform(2.0, 6.0))
        self.end_s = self.begin_s + float(rng.uniform(0.3, 4.0))

    def active(self, now_s: float) -> bool:
        """Whether the fault is there now."""
        return self.begin_s <= now_s < self.end_s

    def clock(self, now_s: float) -> float:
        """ROS time of the follower and of the camera's stamps."""
        return now_s

    def stamp(self, now_s: float) -> float:
        """Stamp of an image that is taken now."""
        return self.clock(now_s)

    def delay(self, now_s: float) -> float:
        """Extra time from an image that is taken now to its answer."""
        return 0.0

    def answer(self, seen: Observation, now_s: float) -> Observation | None:
        """What becomes of an answer; None for nothing."""
        return seen

    def drives(self, now_s: float) -> bool:
        """Whether the follower lives."""
        return True

    def target(self, now_s: float) -> int:
        """Which person the tracker follows."""
        return 0


class Silence(Fault):
    """No answers for a while."""

    def answer(self, seen: Observation, now_s: float) -> Observation | None:
        return None if self.active(now_s) else seen


class TrackerKilled(Fault):
    """The tracker dies, and may start over: its numbers begin again, its target has a new id."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.end_s = self.begin_s + float(rng.choice([1.0, 3.0, 1e9]))
        self._first: int | None = None

    def answer(self, seen: Observation, now_s: float) -> Observation | None:
        if self.active(now_s):
            return None
        if now_s < self.begin_s:
            return seen
        if self._first is None:
            self._first = seen.seq - 1
        return replace(seen, seq=seen.seq - self._first, target_id='2')


class CameraFrozen(Fault):
    """The camera repeats its last picture with fresh stamps, until the tracker says so."""

    TIMEOUT_S = NodeConfig().image_timeout

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.end_s = self.begin_s + 4.0
        self._last: Observation | None = None

    def answer(self, seen: Observation, now_s: float) -> Observation | None:
        if not self.active(now_s):
            self._last = seen
            return seen
        frozen = replace(self._last or seen, stamp_s=seen.stamp_s, seq=seen.seq)
        return _stale(frozen) if now_s > self.begin_s + self.TIMEOUT_S else frozen


class CameraStopped(Fault):
    """No images, or images of an encoding that cannot be read: the tracker says INPUT_STALE."""

    def answer(self, seen: Observation, now_s: float) -> Observation | None:
        if not self.active(now_s):
            return seen
        if now_s < self.begin_s + CameraFrozen.TIMEOUT_S:
            return None
        return _stale(seen)


def _stale(seen: Observation) -> Observation:
    return replace(
        seen, state=TrackState.INPUT_STALE, valid=False, bearing=math.nan, range_m=math.nan)


class ClockJump(Fault):
    """The clock of the whole robot jumps forwards or back, once."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.must_stop = False
        self._jump = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-1.3, 2))

    def clock(self, now_s: float) -> float:
        return now_s + (self._jump if now_s >= self.begin_s else 0.0)


class CameraClockJump(ClockJump):
    """The clock of the camera's computer jumps, that of the follower does not."""

    def clock(self, now_s: float) -> float:
        return now_s

    def stamp(self, now_s: float) -> float:
        return super().clock(now_s)


class TargetSwapped(Fault):
    """The operator draws another target while the robot drives.

    Answers about images from before are under way then, and carry the first one's name.
    """

    def answer(self, seen: Observation, now_s: float) -> Observation | None:
        return replace(seen, target_id='2') if self.target(seen.stamp_s) else seen

    def target(self, now_s: float) -> int:
        return 1 if now_s >= self.begin_s else 0


class LateImages(Fault):
    """Images arrive late, all at once or by and by."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.end_s = self.begin_s + 4.0
        self.must_stop = False
        self._late, self._ramp = float(rng.uniform(0.1, 1.0)), float(rng.choice([1e-3, 2.0]))

    def delay(self, now_s: float) -> float:
        share = min(1.0, max(0.0, (now_s - self.begin_s) / self._ramp))
        return self._late * share if self.active(now_s) else 0.0


class FollowerKilled(Fault):
    """No commands any more: the base must stop by itself."""

    def drives(self, now_s: float) -> bool:
        return now_s < self.begin_s


class NearTarget(Fault):
    """The target stands very near from the start, see ``safety``."""


class TargetHidden(Fault):
    """Somebody stands before the target for a while, see ``safety``."""


FAULTS: dict[str, Callable[[np.random.Generator], Fault]] = {
    'tracker killed': TrackerKilled, 'camera frozen': CameraFrozen,
    'camera stopped or wrong encoding': CameraStopped, 'clock jumped': ClockJump,
    'clock of the camera jumped': CameraClockJump, 'silence': Silence,
    'target swapped': TargetSwapped, 'target very near': NearTarget,
    'images late': LateImages, 'follower killed': FollowerKilled, 'target hidden': TargetHidden}
"""Name -> what makes the fault of an episode."""
