"""Direction, distance and velocity of the target in one outcome; ROS-free but for duck typing."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math
from threading import Lock
from typing import Any, Callable

import numpy as np

from siamx_ros.control import bearing
from siamx_ros.control.camera_model import CameraModel
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.messages.frames import Frame
from siamx_ros.messages.outcome import Outcome
from siamx_ros.messages.target_range import RANGE_DEPTH, RANGE_NONE, RangeFinder
from siamx_ros.node_config import NodeConfig
from siamx_ros.reduced_image import AnyImage
from siamx_ros.records import BoxSource

MAX_RATE_GAP = 0.5
"""Longest time between two images for a rate of change, seconds."""
WARN_AFTER = 1.0
"""How long an input must not fit until that is warned of, seconds: while a target is caught up, or
before the first depth image, it may be so for a moment."""
WARN_PERIOD = 10.0
"""Shortest time between two warnings of one input, seconds."""


@dataclass(frozen=True)
class Measurement:
    """Radians, metres, seconds; NaN where unknown.

    ``depth_missed`` says whether depth gave no range though it was asked for; None where it was
    not, or the target is not valid.
    """

    truncated: bool = False
    bearing: float = math.nan
    elevation: float = math.nan
    bearing_rate: float = math.nan
    range: float = math.nan
    range_stddev: float = math.nan
    range_source: int = RANGE_NONE
    position: tuple[float, float, float] | None = None
    velocity: tuple[float, float] = (math.nan, math.nan)
    depth_missed: bool | None = None


class Mismatch:
    """Why one input does not fit the images: warned of once it has lasted, each sentence once."""

    def __init__(self, warn: Callable[[str], Any]) -> None:
        self.sentence = ''
        self._warn, self._warned = warn, ''
        self._since, self._last = 0.0, -math.inf

    def note(self, sentence: str, now: float) -> None:
        """Take the sentence of one image, empty if the input fits; ``now`` in steady seconds."""
        if sentence and not self.sentence:
            self._since = now
        self.sentence = sentence
        if (sentence and sentence != self._warned and now - self._since >= WARN_AFTER
                and now - self._last >= WARN_PERIOD):
            self._warned, self._last = sentence, now
            self._warn(sentence)


class Measurer:
    """Keeps the calibration, what ranges are made from and the last bearing.

    :meth:`set_camera` and :meth:`set_depth` may be called from another thread than
    :meth:`measure`.

    Args:
        rectified: whether the images are, so that P of camera_info holds instead of K and D.
        warn: called with a sentence on an input that does not fit the images.
        clock: steady seconds.

    Attributes:
        info_topic: where camera_info is expected, for what is said when none comes.
    """

    def __init__(self, rectified: bool, warn: Callable[[str], Any],
                 clock: Callable[[], float]) -> None:
        self._rectified, self._clock = rectified, clock
        self._mismatches = {'calibration': Mismatch(warn), 'depth': Mismatch(warn)}
        self._lock = Lock()
        self.info_topic = 'camera_info'
        self._info: Any = None
        self._asked: tuple = ()
        self._fit: tuple[CameraModel | None, str] = None, ''
        self._ranges = RangeFinder()
        self._last: tuple[float, float, str] | None = None
        self._last_stamp = -math.inf

    @property
    def mismatches(self) -> dict[str, str]:
        """For each input why it did not fit the last image, empty if it did or nothing was seen."""
        return {name: mismatch.sentence for name, mismatch in self._mismatches.items()}

    def set_camera(self, info: Any) -> None:
        """Take a CameraInfo message; one that cannot be used leaves no other in use."""
        with self._lock:
            self._info = info

    def set_depth(self, stamp: float, frame_id: str, depth: np.ndarray) -> None:
        """Take a depth image, H x W metres, registered to the colour image."""
        self._ranges.set_depth(stamp, frame_id, depth)

    def begin(self, target_id: str) -> None:
        """A target was given: what is known of the one before does not hold for it."""
        self._ranges.begin(target_id)

    def gate(self, frame: Frame, image: AnyImage,
             config: NodeConfig) -> Callable[[BoundingBox], bool] | None:
        """Whether the target can be what a box of an image shows; None: nobody knows."""
        camera, _ = self._usable_camera(frame, image, config)
        return None if camera is None else self._ranges.gate(
            image, frame.stamp, camera, config)

    def measure(self, outcome: Outcome, config: NodeConfig) -> Measurement:
        """Measure the box of an outcome."""
        box, image = outcome.result.box, outcome.image
        if box is None or image is None or outcome.result.box_source == BoxSource.NONE:
            self._last = None
            self._note(calibration='', depth='')
            return Measurement()
        height, width = image.shape[:2]
        truncated = bearing.is_truncated(box, width, height)
        camera, calibration = self._usable_camera(outcome.frame, image, config)
        match = self._ranges.match(outcome, config)
        self._note(calibration=calibration, depth=match.misfit)
        asked = config.use_depth and outcome.result.valid
        plain = Measurement(truncated=truncated, velocity=self._velocity(outcome),
                            depth_missed=True if asked else None)
        ray = camera.ray(*box.centre) if camera is not None else ()
        if not ray or not all(map(math.isfinite, ray)):
            self._last = None
            return plain
        angle, elevation = bearing.angles(ray)
        found = self._ranges.range(outcome, camera, match, truncated=truncated, config=config)
        known = math.isfinite(found.distance)
        return replace(
            plain, bearing=angle, elevation=elevation, bearing_rate=self._rate(outcome, angle),
            range=found.distance, range_stddev=found.deviation, range_source=found.source,
            position=bearing.position(ray, found.distance) if known else None,
            depth_missed=found.source != RANGE_DEPTH if asked else None)

    def _note(self, **sentences: str) -> None:
        now = self._clock()
        for name, sentence in sentences.items():
            self._mismatches[name].note(sentence, now)

    def _usable_camera(self, frame: Frame, image: AnyImage,
                       config: NodeConfig) -> tuple[CameraModel | None, str]:
        """The calibration if it fits, else the fallback, else None; and why it does not fit."""
        height, width = image.shape[:2]
        with self._lock:
            asked = self._info, width, height, frame.msg.header.frame_id
        if asked != self._asked:
            self._asked, self._fit = asked, self._fitted(*asked)
        camera, misfit = self._fit
        if camera is None and config.fallback_hfov > 0:
            camera = CameraModel.from_field_of_view(width, height, config.fallback_hfov)
        if camera is None and not misfit and (config.use_depth or config.target_height > 0):
            misfit = f'no camera_info on {self.info_topic}'
        return camera, misfit

    def _fitted(self, info: Any, width: int, height: int,
                frame_id: str) -> tuple[CameraModel | None, str]:
        if info is None:
            return None, ''
        try:
            return CameraModel.from_camera_info(
                info, width, height, frame_id, rectified=self._rectified), ''
        except InputError as error:
            return None, str(error)

    def _rate(self, outcome: Outcome, angle: float) -> float:
        """Change of the bearing since the last image of this target, rad/s."""
        last, self._last = self._last, (outcome.frame.stamp, angle, outcome.target_id)
        if last is None or last[2] != outcome.target_id:
            return math.nan
        gap = outcome.frame.stamp - last[0]
        return (angle - last[1]) / gap if 0 < gap <= MAX_RATE_GAP else math.nan

    def _velocity(self, outcome: Outcome) -> tuple[float, float]:
        """Pixels per second, from the displacement per frame and the time between frames."""
        stamp, self._last_stamp = self._last_stamp, outcome.frame.stamp
        gap = outcome.frame.stamp - stamp
        if not 0 < gap <= MAX_RATE_GAP:
            return math.nan, math.nan
        dx, dy = outcome.result.velocity
        return dx / gap, dy / gap
