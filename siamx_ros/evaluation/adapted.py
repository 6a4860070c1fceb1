"""The paper's adaptive scheme around any tracker with our two verbs.

The tracker is never asked to look elsewhere. Instead it is shown the image shifted, so that what it
shall look at lies where it expects its target; its answers are shifted back.
"""

from __future__ import annotations

import cv2
import numpy as np

from siamx_ros.config import TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.evaluation.runner import Tracker
from siamx_ros.geometry import BoundingBox, CropWindow, context_side
from siamx_ros.imaging import crop, mean_colour
from siamx_ros.records import BoxSource, TrackResult, TrackState
from siamx_ros.tracking import motion
from siamx_ros.tracking.motion import Observation
from siamx_ros.tracking.relocalise import LARGEST_PATCH, make_relocaliser
from siamx_ros.tracking.states import StateMachine

REACH = 2.0
"""Side of the region that a tracker is thought to search, relative to the template window."""
PATCH = 32
"""Side of the patches whose likeness verifies a box, pixels."""
LEARNING = 0.05
"""How fast the remembered appearance follows the target."""


class AdaptedTracker:
    """Momentum compensation and re-localisation for another tracker.

    Args:
        tracker: any tracker.
        config: of the scheme: ``adaptive`` and the thresholds of confidence and states.

    Raises:
        InputError: a scheme that needs a tracker that can search a whole image.
    """

    def __init__(self, tracker: Tracker, config: TrackerConfig = TrackerConfig()) -> None:
        if config.scheme.searches_whole:
            raise InputError(f'the scheme {config.adaptive!r} cannot be put around another '
                             'tracker: it would have to search a whole image at once')
        self.tracker, self.config = tracker, config
        self.states = StateMachine(config)
        self._frames = 0

    def init(self, image: np.ndarray, box: BoundingBox, stamp: float | None = None) -> TrackResult:
        """Take the target in ``box`` of an H x W x 3 uint8 BGR image; ``stamp`` in seconds."""
        box = BoundingBox.of(box)
        result = self.tracker.init(image, box, stamp)
        self._size, self._fill = image.shape[1::-1], mean_colour(image)
        self._own = self._box = self._reliable = box
        self._appearances = [_appearance(image, box, self._fill)] * 2
        self._history = [Observation(box, reliable=True)]
        self._relocaliser = make_relocaliser(self._size, self.config)
        self._relocaliser.remember(box)
        self.states = StateMachine(self.config)
        self._frames = 0
        self.states.start(self._time(stamp))
        return result

    def update(self, image: np.ndarray, stamp: float | None = None) -> TrackResult:
        """Find the target in the next image; ``stamp`` in seconds, else 30 images a second.

        Raises:
            InputError: no target was given, or whatever the tracker raises.
        """
        if self.states.state == TrackState.UNINITIALISED:
            raise InputError('the tracker has no target: call init first')
        self._frames += 1
        offset = np.round(np.subtract(self._place(), self._own.centre)).astype(int)
        result = self.tracker.update(_shifted(image, offset, self._fill), stamp)
        if result.box is None:
            return self._judged(image, self._box, 0.0, self._time(stamp))
        self._own = result.box
        box = BoundingBox(
            self._own.x + offset[0], self._own.y + offset[1], self._own.w, self._own.h)
        likeness = max(_likeness(_appearance(image, box, self._fill), appearance)
                       for appearance in self._appearances)
        return self._judged(image, box, min(result.confidence, likeness), self._time(stamp))

    def lose(self, stamp: float | None = None) -> None:
        """The target counts as lost since a stamp, seconds: it must be found and confirmed."""
        self.states.lose(self._time(stamp))

    def close(self) -> None:
        """Close the tracker inside."""
        self.tracker.close()

    def _time(self, stamp: float | None) -> float:
        return self._frames / 30 if stamp is None else stamp

    def _place(self) -> tuple[float, float]:
        """Where to look: drifted (Eq. 9), or while lost by turns where it was last or most."""
        side = context_side(self._box.w, self._box.h) * REACH
        if self.states.state != TrackState.LOST:
            if self.config.scheme.compensates:
                return motion.drifted_centre(
                    self._history, (side, side), self._size, self.config)
            return self._box.centre
        if not self.config.scheme.keeps_anchor:
            return self._box.centre
        if self._frames % 2:
            local = CropWindow(*self._reliable.centre, side, LARGEST_PATCH)  # swept by none wider
            for window in self._relocaliser.windows(local)[:1]:
                place = window.centre_x, window.centre_y
                self._relocaliser.missed(local.moved_to(*place))  # it sees no more than that
                return place
        return self._reliable.centre

    def _judged(self, image: np.ndarray, box: BoundingBox, confidence: float,
                time: float) -> TrackResult:
        """Step the state machine and remember what is reliable."""
        reason = self.states.step(confidence, time,
                                  visible_share=box.visible_share(*self._size))
        state, reliable = self.states.state, confidence >= self.config.confidence_threshold
        self._box = box
        self._history = [*self._history[-1:],
                         Observation(box, reliable, state == TrackState.RELOCALISED)]
        if reliable:
            self._reliable = box
        if reliable and state == TrackState.TRACKING:
            self._relocaliser.remember(box)
            self._relocaliser.found()
            appearance = _appearance(image, box, self._fill)
            self._appearances[1] = (1 - LEARNING) * self._appearances[1] + LEARNING * appearance
        tracking = state == TrackState.TRACKING
        return TrackResult(
            box, confidence, state, reason, BoxSource.MEASURED if tracking else BoxSource.PREDICTED,
            valid=tracking, frames_since_init=self._frames, frames_lost=self.states.frames_lost)


def _shifted(image: np.ndarray, offset: np.ndarray, fill: tuple[float, float, float]) -> np.ndarray:
    """The image moved by whole pixels against ``offset``; what it leaves is filled."""
    if not offset.any():
        return image
    matrix = np.array([[1.0, 0, -offset[0]], [0, 1.0, -offset[1]]])
    return cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_NEAREST,
                          borderMode=cv2.BORDER_CONSTANT, borderValue=fill)


def _appearance(image: np.ndarray, box: BoundingBox,
                fill: tuple[float, float, float]) -> np.ndarray:
    """What is inside a box's square, without brightness and contrast: PATCH x PATCH x 3."""
    side = max(box.w, box.h)
    patch = crop(image, CropWindow(*box.centre, side, PATCH), fill).astype(np.float32)
    patch -= patch.mean((0, 1))
    return patch / max(float(np.linalg.norm(patch)), 1e-6)


def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two appearances, from 0 (unlike or opposite) to 1 (equal)."""
    return float(np.clip((a * b).sum() / max(float(np.linalg.norm(b)), 1e-6), 0, 1))
