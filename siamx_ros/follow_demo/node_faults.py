"""Faults as in :mod:`siamx_ros.simulation.faults`, with the real nodes and in real time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
import math
import os
from pathlib import Path
import signal
from typing import Any, Callable, Mapping, Sequence

from siamx_ros.client.probe import init_request
from siamx_ros.follow_demo.real_time import RealTimePilot
from siamx_ros.follow_demo.robot_topics import CAMERA_FRAME
from siamx_ros.geometry import BoundingBox
from siamx_ros.msg import TrackedTarget
from siamx_ros.simulation.camera import SimulatedCamera
from siamx_ros.simulation.episode import Episode, Report
from siamx_ros.simulation.frame import CameraFrame
from siamx_ros.simulation.people import Stand, Walk
from siamx_ros.simulation.safety import LONGEST_S
from siamx_ros.simulation.scenario import build_world
from siamx_ros.simulation.scoring import STANDS
from siamx_ros.srv import InitTarget

BEGIN_S, DURATION_S = 4.0, 7.0
JUMP_S, LATE_S = 5.0, 0.7
FOLLOWER = {'max_linear': 0.6}
DRIVES = 0.3
"""A robot must be faster than this when the fault comes, m/s, or nothing was tested."""


@dataclass
class FaultyPilot:
    """Tracker and follower of which something fails from :data:`BEGIN_S` on."""

    pilot: RealTimePilot
    fault: str
    _late: deque[CameraFrame] = field(default_factory=deque)
    _frozen: CameraFrame | None = None
    _done: bool = False

    def freeze(self, frame: CameraFrame) -> None:
        """Send the last image again with a fresh stamp."""
        self.send(self._frozen, frame.stamp_s)

    @property
    def doing(self) -> str:
        """What the follower does."""
        return self.pilot.doing

    def start(self, frame: CameraFrame, box: BoundingBox) -> None:
        """Take the target."""
        self.pilot.start(frame, box)
        self.pilot.watched = False

    def command(self, now_s: float) -> tuple[float, float] | None:
        """The newest velocity."""
        return self.pilot.command(now_s)

    def see(self, frame: CameraFrame, now_s: float) -> Report | None:
        """Send an image, or what the fault makes of it."""
        self._late.append(frame)
        if now_s < BEGIN_S:
            self._frozen = frame
            return self.pilot.see(frame, now_s)
        FAULTS[self.fault](self, frame, now_s)
        self._done = True
        return self.pilot.newest()

    def send(self, frame: CameraFrame, stamp_s: float, encoding: str = 'bgr8') -> None:
        """Publish an image with a stamp."""
        self.pilot.player.probe.publish(
            frame.image, self.pilot.topics.ns(stamp_s), frame_id=CAMERA_FRAME, encoding=encoding)

    def kill(self, process: int, frame: CameraFrame, now_s: float) -> None:
        """Kill the tracker (0) or the follower (1), once, and go on."""
        if not self._done:
            os.kill(self.pilot.processes[process].pid, signal.SIGKILL)
        self.pilot.see(frame, now_s)

    def jump(self, frame: CameraFrame, now_s: float) -> None:
        """Let the clock jump and go on."""
        self.pilot.pace.jump_s = JUMP_S
        self.pilot.see(frame, now_s)

    def swap(self, frame: CameraFrame, now_s: float) -> None:
        """Give another target, once: whoever else is seen, or the same person again."""
        self.pilot.see(frame, now_s)
        box = next((b for k in (2, 3, 4, 5, 1) if (b := frame.box_of(k)) and b.h > 60), None)
        if not self._done and box is not None:
            self.pilot.player.probe.call_async(InitTarget, 'init', init_request(box))

    def delay(self) -> None:
        """Send the images late."""
        newest = self._late[-1].stamp_s
        while self._late and self._late[0].stamp_s < newest - LATE_S:
            late = self._late.popleft()
            if late.stamp_s > BEGIN_S:
                self.send(late, late.stamp_s)


FAULTS: dict[str, Callable[[FaultyPilot, CameraFrame, float], None]] = {
    'tracker killed': lambda pilot, frame, now_s: pilot.kill(0, frame, now_s),
    'camera frozen': lambda pilot, frame, now_s: pilot.freeze(frame),
    'wrong encoding': lambda pilot, frame, now_s: pilot.send(frame, frame.stamp_s, 'nv99'),
    'silence': lambda pilot, frame, now_s: None,
    'clock jumped': lambda pilot, frame, now_s: pilot.jump(frame, now_s),
    'target swapped': lambda pilot, frame, now_s: pilot.swap(frame, now_s),
    'images late': lambda pilot, frame, now_s: pilot.delay(),
    'follower killed': lambda pilot, frame, now_s: pilot.kill(1, frame, now_s)}
"""Name -> what is done with each image from the beginning of the fault on."""


@dataclass
class NodeFaultScore:
    """What the robot did; as in :class:`siamx_ros.simulation.safety.SafetyScore`.

    Attributes:
        speed_before: when the fault came, m/s.
        forward_s: infinite for a robot that drives without any valid message.
        stop_s: NaN for a robot that never stood.
    """

    fault: str
    speed_before: float = 0.0
    forward_s: float = 0.0
    stop_s: float = math.nan
    collisions: int = 0
    _valid_s: float = -math.inf
    _newest: int = -1

    def note(self, now_s: float, linear: float, heard: Sequence[TrackedTarget]) -> None:
        """Note how the robot moves now, and whether a valid message came since the last call."""
        if heard and heard[-1].valid and heard[-1].seq != self._newest:
            self._newest, self._valid_s = heard[-1].seq, now_s
        if now_s <= BEGIN_S:
            self.speed_before = linear
        elif linear > STANDS:
            self.forward_s = max(self.forward_s, now_s - self._valid_s)
        elif math.isnan(self.stop_s):
            self.stop_s = now_s - BEGIN_S

    def failure(self) -> str:
        """What is wrong with what the robot did, or nothing; half a sentence."""
        if self.speed_before <= DRIVES:
            return (f'the robot drove at {self.speed_before:.2f} m/s when the fault came: '
                    f'nothing was tested')
        if self.collisions:
            return 'the robot drove against somebody'
        if self.forward_s > LONGEST_S:
            return f'the robot drove for {self.forward_s:.2f} s after the last valid message'
        return 'the robot never stood' if math.isnan(self.stop_s) else ''


def run_fault(fault: str, folder: Path, tracker: Mapping[str, Any]) -> NodeFaultScore:
    """Let the robot follow somebody who walks away, and one thing fail.

    Args:
        folder: for the logs of the nodes.
        tracker: parameters of the tracker besides the target's height.
    """
    folder.mkdir(parents=True, exist_ok=True)
    world = build_world(0)
    world.target.waits = lambda: False
    world.target.legs = [Stand(0.5), Walk((world.target.x, world.plan.depth - 1.0), 0.6)]
    for person in world.people[1:]:
        person.legs = [Stand(60.0)]
    camera = SimulatedCamera(world)
    result = NodeFaultScore(fault)
    tracker = {**tracker, 'target_height': round(world.target.height, 2)}
    try:
        with RealTimePilot(folder, camera.config, FOLLOWER, tracker) as pilot:
            def pace(now_s: float) -> None:
                result.note(world.now_s, world.base.linear, pilot.player.probe.heard['target'])
                pilot.pace(now_s)
            Episode(world, camera, FaultyPilot(pilot, fault), pace=pace).run(DURATION_S)
    finally:
        camera.close()
    result.collisions = sum(drove for _, _, drove in world.collisions)
    return result


def table(scores: Sequence[NodeFaultScore]) -> str:
    """A Markdown table, a row for each fault."""
    lines = ['| fault | speed before m/s | collisions | forward after the last valid message s '
             '| stop s |', '|---|---:|---:|---:|---:|']
    lines += [f'| {s.fault} | {s.speed_before:.2f} | {s.collisions} | {s.forward_s:.2f} '
              f'| {s.stop_s:.2f} |' for s in scores]
    return '\n'.join(lines)
