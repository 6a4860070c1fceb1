"""One episode: the world goes on, the camera looks, a tracker answers, a follower drives."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
import math
from typing import Callable, Protocol

from siamx_ros.control.limits import FollowLimits
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import TrackResult
from siamx_ros.simulation.camera import SimulatedCamera
from siamx_ros.simulation.frame import CameraFrame
from siamx_ros.simulation.world import World


@dataclass(frozen=True)
class Report:
    """What the tracker said about one image; bearing and range as the base sees them, rad and m."""

    stamp_s: float
    result: TrackResult
    bearing: float = math.nan
    range_m: float = math.nan

    @property
    def valid(self) -> bool:
        """Whether a follower may act on it."""
        return self.result.valid


class Pilot(Protocol):
    """Tracker and follower, in whatever processes they run."""

    def start(self, frame: CameraFrame, box: BoundingBox) -> None:
        """Take the target on the first image."""

    def see(self, frame: CameraFrame, now_s: float) -> Report | None:
        """Take an image that arrives now; returns the newest answer, None if there was none."""

    def command(self, now_s: float) -> tuple[float, float] | None:
        """Forwards in m/s and to the left in rad/s, None for silence."""

    @property
    def doing(self) -> str:
        """What the follower does, and why if there is a reason; empty where it is not known."""


@dataclass(frozen=True)
class Moment:
    """One row of an episode's log, written when an image's answer has arrived.

    Attributes:
        now_s: simulated time, seconds; the image is older.
        gap: from the robot's middle to the target's, metres.
        bearing: true direction of the target from the robot, radians.
        visible_share: how much of the target the image shows.
        shown: whom the reported box shows: 'target', 'other', 'nobody', or '' without a box.
        commanded, moving: (m/s, rad/s).
        doing: what the follower does, and why.
        robot: x, y, heading.
        people: (x, y, heading) of each.
    """

    now_s: float
    gap: float
    bearing: float
    visible_share: float
    shown: str
    report: Report | None
    commanded: tuple[float, float]
    moving: tuple[float, float]
    doing: str
    robot: tuple[float, float, float]
    people: tuple[tuple[float, float, float], ...]


COMMAND_RATE = FollowLimits().command_rate
"""How often the pilot is asked for a command, per second."""
RECENT = 40
"""Images that are kept for answers that come later."""
Listener = Callable[[Moment, CameraFrame], None]


class Episode:
    """Runs a world to its end.

    Args:
        listener: called with every row of the log and the image that it is about.
        pace: called with a simulated time before the world goes on to it; may sleep.

    Attributes:
        moments: the log.
    """

    def __init__(self, world: World, camera: SimulatedCamera, pilot: Pilot,
                 listener: Listener = lambda *_: None,
                 pace: Callable[[float], None] = lambda now_s: None) -> None:
        self.world, self.camera, self.pilot = world, camera, pilot
        self.moments: list[Moment] = []
        self._listener, self._pace = listener, pace
        self._recent: deque[CameraFrame] = deque(maxlen=RECENT)
        self._pending: deque[CameraFrame] = deque()
        self._commanded = (0.0, 0.0)

    def run(self, duration_s: float) -> list[Moment]:
        """Run for a simulated time; returns the log.

        Raises:
            InputError: the camera does not show the target at the start.
        """
        first = self.camera.take()
        box = first.box_of()
        if box is None:
            raise InputError('the camera does not show the target at the start')
        self.pilot.start(first, box)
        images = (k / self.camera.config.rate for k in range(1, 10**9))
        ticks = (k / COMMAND_RATE for k in range(1, 10**9))
        image_s, tick_s = next(images), next(ticks)
        while min(image_s, tick_s) <= duration_s:
            arrival = self._pending[0].stamp_s + self.camera.config.delay if self._pending \
                else math.inf
            now_s = min(image_s, tick_s, arrival)
            self._pace(now_s)
            self.world.run_until(now_s)
            if now_s == arrival:
                self._see(self._pending.popleft(), now_s)
            elif now_s == image_s:
                self._pending.append(self.camera.take())
                image_s = next(images)
            else:
                self._drive(now_s)
                tick_s = next(ticks)
        return self.moments

    def _see(self, frame: CameraFrame, now_s: float) -> None:
        self._recent.append(frame)
        report = self.pilot.see(frame, now_s)
        if report is not None:  # in real time it is about an earlier image
            frame = next((f for f in self._recent if abs(f.stamp_s - report.stamp_s) < 1e-4), frame)
        moment = self._moment(frame, report)
        self.moments.append(moment)
        self._listener(moment, frame)

    def _drive(self, now_s: float) -> None:
        command = self.pilot.command(now_s)
        if command is not None:
            self.world.base.command(*command, now_s)
            self._commanded = command

    def _moment(self, frame: CameraFrame, report: Report | None) -> Moment:
        world, pose = self.world, self.world.base.pose
        return Moment(
            world.now_s, world.gap, pose.bearing_to(*world.target.point), frame.visible_share,
            shown_by(frame, report), report, self._commanded,
            (world.base.linear, world.base.angular), self.pilot.doing,
            (pose.x, pose.y, pose.heading), tuple((p.x, p.y, p.heading) for p in world.people))


def shown_by(frame: CameraFrame, report: Report | None) -> str:
    """Whom a reported box shows."""
    if report is None or report.result.box is None:
        return ''
    number = frame.shown_in(report.result.box)
    return {1: 'target', 0: 'nobody', None: 'nobody'}.get(number, 'other')
