"""OpenCV's correlation filters behind our two verbs, for comparison."""

from __future__ import annotations

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import BoxSource, Reason, TrackResult, TrackState

FACTORIES = {'csrt': 'TrackerCSRT', 'kcf': 'TrackerKCF'}
"""Our name -> OpenCV's class, in the opencv-contrib packages only."""


def available() -> list[str]:
    """Which of these trackers the installed OpenCV has."""
    return [name for name, factory in FACTORIES.items() if hasattr(cv2, factory)]


class OpenCvTracker:
    """One of OpenCV's trackers; it says found or not found, its confidence is 1 or 0.

    Args:
        name: a key of :data:`FACTORIES`.

    Raises:
        InputError: this OpenCV was built without that tracker.
    """

    def __init__(self, name: str) -> None:
        if name not in available():
            raise InputError(
                f'this OpenCV ({cv2.__version__}) has no {name.upper()} tracker: install '
                'opencv-contrib-python-headless in place of opencv-python-headless')
        self._create = getattr(cv2, FACTORIES[name]).create
        self._tracker = None
        self._box: BoundingBox | None = None

    def init(self, image: np.ndarray, box: BoundingBox, stamp: float | None = None) -> TrackResult:
        """Take the target; OpenCV wants whole pixels, so the box is rounded for it."""
        box = BoundingBox.of(box)
        self._tracker = self._create()
        self._tracker.init(image, tuple(round(value) for value in box.xywh))
        self._box = box
        return TrackResult(box, 1.0, TrackState.TRACKING, Reason.INIT, BoxSource.MEASURED, True)

    def update(self, image: np.ndarray, stamp: float | None = None) -> TrackResult:
        """Find the target; where it is not found, the last box is held and not valid.

        Raises:
            InputError: no target was given.
        """
        if self._tracker is None:
            raise InputError('the tracker has no target: call init first')
        found, xywh = self._tracker.update(image)
        if not found or xywh[2] <= 0 or xywh[3] <= 0:
            return TrackResult(
                self._box, 0.0, TrackState.LOST, box_source=BoxSource.PREDICTED, valid=False)
        self._box = BoundingBox.from_xywh(xywh)
        return TrackResult(
            self._box, 1.0, TrackState.TRACKING, box_source=BoxSource.MEASURED, valid=True)

    def close(self) -> None:
        """Free OpenCV's tracker."""
        self._tracker = None
