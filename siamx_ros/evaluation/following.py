"""What a follower would command on a tracker's answers, the distance being known.

Open loop: the pictures were taken once and do not follow the commands. It shows how often doubt of
the tracker slows or stops a robot although the box is right, not where a robot would go.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import NamedTuple

import numpy as np

from siamx_ros.control.follower import Follower
from siamx_ros.control.limits import FollowLimits
from siamx_ros.control.observation import Now, Observation
from siamx_ros.evaluation.runner import Run
from siamx_ros.geometry import iou_xywh
from siamx_ros.records import TrackState

DISTANCE, DEVIATION = 4.0, 0.05
"""Range of the target and its deviation, metres."""
DEPTH_RATE = 15.0
"""Depth images per second."""
LATENCY_S = 0.1
"""From an image to the message about it."""
RUN_UP_S = 3.0
"""The first answer is repeated for so long before the sequence begins: the robot drives by then."""
RIGHT = 0.5
"""A box is right from this overlap on."""
STANDING = 0.01
"""Speeds below count as standing, m/s."""


@dataclass(frozen=True)
class Drive:
    """What was commanded over one sequence.

    Attributes:
        rate: images per second.
        right: how many boxes are right.
        valid: share of them that are valid.
        speed: mean speed commanded while the box is right, m/s.
        stops: how often the robot came to a stand, per minute, while the box is right.
    """

    name: str
    rate: float
    right: int
    valid: float
    speed: float
    stops: float


class _Image(NamedTuple):
    stamp: float
    frame: int


def drive(run: Run, width: int, height: int, rate: float, hfov: float = 60.0,
          limits: FollowLimits = FollowLimits()) -> Drive:
    """Drive a follower by a run at so many images a second.

    Args:
        width, height: of the images, pixels.
        rate: images per second; the answers are taken to be the same at every rate.
        hfov: horizontal field of view of the camera, degrees.
    """
    focal = width / 2 / math.tan(math.radians(hfov) / 2)
    right = iou_xywh(run.boxes, run.truth) > RIGHT
    start, count = run.start, len(run.boxes)
    images = [_Image(index / rate - RUN_UP_S, start) for index in range(round(RUN_UP_S * rate))]
    images += [_Image((frame - start) / rate, frame) for frame in range(start, count)]
    follower, speeds, stops, commanded = Follower(limits), [], 0, 0.0
    for moment, seq in _moments(images, limits.command_rate):
        now = Now(moment + 1000.0, moment + 100.0)
        image = None if seq is None else images[seq]
        command = follower.step(now) if image is None else follower.update(
            _observation(run, image, seq, (width, height, focal), rate), now)
        shown = start + math.floor((moment - LATENCY_S) * rate + 1e-9)
        if moment >= LATENCY_S and shown < count and right[shown]:
            speeds.append(command.linear)
            stops += commanded > STANDING >= command.linear
        commanded = command.linear
    seconds = right[start:].sum() / rate
    return Drive(
        run.name, rate, int(right.sum()), float(run.valid[right].mean()) if right.any() else 0.0,
        float(np.mean(speeds)) if speeds else 0.0, 60 * stops / seconds if seconds else 0.0)


def _moments(images: list[_Image], command_rate: float) -> list[tuple[float, int | None]]:
    """When messages arrive and steps are due, in order: (seconds, index of the image or None)."""
    arrivals = [(image.stamp + LATENCY_S, index) for index, image in enumerate(images)]
    first, last = arrivals[0][0], arrivals[-1][0]
    ticks = [(first + tick / command_rate, None)
             for tick in range(math.ceil((last - first) * command_rate))]
    return sorted([*arrivals, *ticks], key=lambda each: each[0])


def _observation(run: Run, image: _Image, seq: int, camera: tuple[int, int, float],
                 rate: float) -> Observation:
    """What the follower would get about an image."""
    width, height, focal = camera
    x, y, w, h = run.boxes[image.frame]
    seen = bool(np.isfinite(x))
    depth = math.floor(seq * DEPTH_RATE / rate) != math.floor((seq - 1) * DEPTH_RATE / rate)
    return Observation(
        stamp_s=image.stamp + 1000.0, seq=seq + 1, target_id='target',
        state=TrackState(int(run.states[image.frame])), valid=bool(run.valid[image.frame]),
        bearing=-math.atan((x + w / 2 - width / 2) / focal) if seen else math.nan,
        range_m=DISTANCE if seen and depth else math.nan, range_stddev_m=DEVIATION,
        from_depth=True, box_height=h, cut_sides=bool(x < 1 or x + w > width - 1),
        cut_ends=bool(y < 1 or y + h > height - 1))


def table(drives: list[Drive]) -> list[list[str]]:
    """One row per sequence and rate, then one per rate over all; the first row holds headings."""
    rows = [['sequence', 'images/s', 'right', 'valid', 'speed m/s', 'stops/min']]
    rows += [[each.name, f'{each.rate:g}', str(each.right), f'{each.valid:.3f}',
              f'{each.speed:.3f}', f'{each.stops:.1f}'] for each in drives]
    for rate in sorted({each.rate for each in drives}):
        same = [each for each in drives if each.rate == rate and each.right]
        if same:
            weights = [each.right for each in same]
            means = [np.average([getattr(each, name) for each in same], weights=weights)
                     for name in ('valid', 'speed', 'stops')]
            rows.append(['ALL', f'{rate:g}', str(sum(weights)), f'{means[0]:.3f}',
                         f'{means[1]:.3f}', f'{means[2]:.1f}'])
    return rows
