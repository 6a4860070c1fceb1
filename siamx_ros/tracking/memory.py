"""What is remembered of one target between images."""

from __future__ import annotations

import math
from typing import Callable

from siamx_ros.config import TrackerConfig
from siamx_ros.geometry import BoundingBox
from siamx_ros.model.inference import Template
from siamx_ros.records import TrackState
from siamx_ros.reduced_image import AnyImage
from siamx_ros.tracking.backward import BackwardCheck
from siamx_ros.tracking.camera import CameraShift
from siamx_ros.tracking.confidence import doubted
from siamx_ros.tracking.course import CLEAR, Course
from siamx_ros.tracking.decode import Candidate, smoothed_size
from siamx_ros.tracking.flow import Sight, is_carried
from siamx_ros.tracking.motion import Observation
from siamx_ros.tracking.online import OnlineModel
from siamx_ros.tracking.relocalise import make_relocaliser
from siamx_ros.tracking.roll import RolledViews

FRAME_TIME = 1 / 30
"""Time between images when none is given, seconds."""
USUAL_RATE = 0.1
"""Weight of a reliable image in the size with which a lost target is searched for: what hides a
target makes its box small before the confidence falls."""
CLEAR_RATIO = 0.5
"""Ratio of the second peak to the best one below which nothing else looks like the target."""
LEAST_CARRIED = 0.1
"""Confidence below which optical flow is not asked, doubted where the colours are strange: an even
surface that covers the target goes along with it, too."""

Gate = Callable[[BoundingBox], bool]
"""Whether the target can be what a box shows, in pixels of the image."""


def anything(box: BoundingBox) -> bool:
    """The gate that lets everything through."""
    return True


class TargetMemory:
    """Template, last box, recent frames and the re-localiser of one target.

    Args:
        template: encodings of the target.
        box: where it was given, image pixels.
        fill: mean colour of that image, BGR.
        image_size: (width, height), pixels.
        config: settings of the tracker.
        stamp: time of that image, seconds.

    Attributes:
        stamp: time of the newest image, seconds.
        frames: images since the target was given.
        delay: time between the two newest images, relative to that between the two before; at
            least 1, and infinite where that was none.
        gate: whether the target can be what a box of the newest image shows.
        box: the committed box, from which the next search starts.
        anchor: where the search returns to when the target is lost: the last box with a confidence
            of at least ``follow_threshold``, with its usual size.
        usual_size: mean width and height over the last reliable frames, pixels.
        history: the two newest frames, for Eq. (9).
        sight: what the newest image showed of it, until it is lost for the first time; None where
            that is not known.
        camera: how the camera's motion moved the image.
        course: where the target was, but for that, in reliable frames in which nothing else looked
            like it.
        online: what is learnt of the target beyond its template; None for nothing.
        backward: the first image, to be searched with what is followed; None for no such check.
        rolls: the target rolled in the image plane; None where it is not looked for like that.
        relocaliser: what to search while lost; it learns only from reliable frames.
        prepared: sides of patches that the engine has searched for this target.
    """

    def __init__(self, template: Template, box: BoundingBox, fill: tuple[float, float, float],
                 image_size: tuple[int, int], config: TrackerConfig, stamp: float) -> None:
        self.template, self.box, self.fill = template, box, fill
        self.image_size, self.config, self.stamp = image_size, config, stamp
        self.frames = 0
        self.gate: Gate = anything
        self.delay, self._interval = 1.0, 0.0
        self.online: OnlineModel | None = None
        self.backward: BackwardCheck | None = None
        self.rolls: RolledViews | None = None
        self.anchor = box
        self.usual_size = box.w, box.h
        self.history = [Observation(box, reliable=True)]
        self.sight: Sight | None = None
        self.camera, self.course = CameraShift(), Course(CLEAR)
        self.relocaliser = make_relocaliser(image_size, config)
        self.relocaliser.remember(box)
        self.prepared: set[int] = set()

    def arrive(self, stamp: float | None, gate: Gate = anything,
               image: AnyImage | None = None) -> None:
        """Note that there is a new image.

        Args:
            stamp: its time, seconds; FRAME_TIME after the last one if None.
            gate: whether the target can be what a box of it shows.
            image: it itself, by which the camera's motion is known; without it, or in blocks of
                another size than before, it is not known where the target is heading.
        """
        if image is None or not self.config.course_spread or not self.camera.see(image):
            self.course.clear()
        self.gate = gate
        last, before = self.stamp, self._interval
        self.stamp = last + FRAME_TIME if stamp is None else stamp
        self._interval = self.stamp - last
        self.delay = max(1.0, self._interval / before) if before > 0 else math.inf
        self.frames += 1

    def catch_up(self) -> None:
        """Do what the last image left to learn; see :meth:`OnlineModel.catch_up`."""
        if self.online is not None:
            self.online.catch_up()

    def take(self, candidate: Candidate, confidence: float, state: TrackState) -> BoundingBox:
        """Take in one frame's answer, judged to ``state``; returns the box to report.

        While LOST, the candidate is only reported; the committed box stays at the anchor, which
        follows what is likely enough, without its size. A scheme without an anchor follows in all.
        """
        box = self._followed(candidate)
        reported = self._reported(box, candidate.box)
        reliable = confidence >= self.config.confidence_threshold
        likely = confidence >= self.config.follow_threshold
        jumped = state == TrackState.RELOCALISED
        if state == TrackState.LOST:
            self.stand_up()
        if state == TrackState.LOST and self.config.scheme.keeps_anchor:
            if likely:
                self.anchor = BoundingBox.from_centre(*box.centre, self.anchor.w, self.anchor.h)
            self.fall_back()
            return reported
        self.box = box
        if self.backward is not None:
            self.backward.score = candidate.backward
        self.history = [*self.history[-1:], Observation(box, reliable, jumped)]
        if reliable:
            self.usual_size = tuple(
                usual + USUAL_RATE * (now - usual)
                for usual, now in zip(self.usual_size, (box.w, box.h)))
        if likely:
            self.anchor = BoundingBox.from_centre(*box.centre, *self.usual_size)
        if reliable and state == TrackState.TRACKING:
            self.relocaliser.remember(box)
            self.relocaliser.found()
            if candidate.peak_ratio < CLEAR_RATIO:
                (x, y), (dx, dy) = box.xywh[:2], self.camera.total
                self.course.note(self.stamp, BoundingBox(x - dx, y - dy, box.w, box.h))
        return reported

    def is_carried(self, candidate: Candidate, confidence: float, sight: Sight | None) -> bool:
        """Whether a candidate can be the target and optical flow leads to it from the last image.

        Args:
            sight: of the candidate; None where that is not known.
        """
        if self.online is not None:
            confidence = doubted(confidence, self.online.strangeness(candidate.colour))
        return confidence >= LEAST_CARRIED and is_carried(self.sight, sight)

    def show_roll(self, turn: int) -> None:
        """Let the target be what it is when it is rolled; see :class:`RolledViews`."""
        score = self.backward.score
        self.template, self.backward = self.rolls[turn]
        self.backward.score = score

    def stand_up(self) -> None:
        """Let the target be as it was given."""
        if self.rolls is not None and self.rolls.turn:
            self.show_roll(0)
            self.rolls.turn = 0

    def heading(self) -> tuple[float, float] | None:
        """Where the centre is expected in the newest image, pixels; None where that is unknown."""
        place = self.course.expected(self.stamp)
        return place and (place[0] + self.camera.total[0], place[1] + self.camera.total[1])

    def fall_back(self) -> None:
        """Return to the anchor, upright; no velocity is known any more."""
        self.stand_up()
        self.course.clear()
        self.box = self.anchor
        self.history = [Observation(self.box, reliable=False)]

    def configure(self, config: TrackerConfig) -> None:
        """Use other settings; a change of scheme starts its re-localiser afresh."""
        if config.adaptive != self.config.adaptive:
            self.relocaliser = make_relocaliser(self.image_size, config)
            self.relocaliser.remember(self.anchor)
        self.config = self.relocaliser.config = config
        if self.rolls is not None:
            self.rolls.config = config
        if self.relocaliser.heat_map is not None:
            self.relocaliser.heat_map.config = config

    def _followed(self, candidate: Candidate) -> BoundingBox:
        """The candidate's centre, the smoothed size, both kept within the image's measures."""
        return self._limited(candidate.box.centre, *smoothed_size(self.box, candidate))

    def _reported(self, followed: BoundingBox, seen: BoundingBox) -> BoundingBox:
        """The followed box with the share of the size that this image shows."""
        share = self.config.reported_share
        return self._limited(followed.centre, followed.w * (seen.w / followed.w) ** share,
                             followed.h * (seen.h / followed.h) ** share)

    def _limited(self, centre: tuple[float, float], w: float, h: float) -> BoundingBox:
        """A box of the image's measures at most, its centre in the image."""
        least, (width, height) = self.config.min_size, map(float, self.image_size)
        return BoundingBox.from_centre(
            min(max(centre[0], 0.0), width), min(max(centre[1], 0.0), height),
            min(max(w, least), width), min(max(h, least), height))
