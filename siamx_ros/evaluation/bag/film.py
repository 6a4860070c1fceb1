"""The annotated video of a replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from siamx_ros.drawing import draw_result
from siamx_ros.evaluation.bag.frame_table import BagFrame
from siamx_ros.geometry import BoundingBox
from siamx_ros.recording import VideoRecorder
from siamx_ros.records import TrackResult

NOMINAL_FPS = 30.0
"""Of a video from a bag with a single frame."""


class Film:
    """Writes the video; frames without a result carry the newest one, as seen live.

    Args:
        path: where to write it.
        interval: between two frames, nanoseconds; 0 if there is one frame alone.
        truth: N x 4 true boxes, NaN where there is none.
    """

    def __init__(self, path: Path, interval: float, truth: np.ndarray) -> None:
        self.path, self.truth = path, truth
        self.fps = 1e9 / interval if interval else NOMINAL_FPS
        self._video: VideoRecorder | None = None
        self._newest: TrackResult | None = None

    def show(self, frame: BagFrame, result: TrackResult | None) -> None:
        """Append one frame."""
        if self._video is None:
            height, width = frame.image.shape[:2]
            self._video = VideoRecorder(self.path, self.fps, width, height)
        self._newest = result or self._newest
        self._video.write(self._drawn(frame))

    def close(self) -> OSError | None:
        """Finish the file; returns why it is not whole, if so."""
        try:
            if self._video is not None:
                self._video.close()
        except OSError as error:
            return error
        return None

    def _drawn(self, frame: BagFrame) -> np.ndarray:
        if self._newest is None:
            return frame.image
        row = self.truth[frame.index]
        truth = BoundingBox.from_xywh(row) if np.isfinite(row).all() else None
        return draw_result(frame.image, self._newest, label=str(frame.index), truth=truth)
