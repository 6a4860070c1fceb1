"""What the node found on one image; imports no ROS."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

import numpy as np

from siamx_ros.messages.frames import Frame
from siamx_ros.records import Reason, TrackResult, TrackState
from siamx_ros.reduced_image import AnyImage

IDLE = TrackResult(box=None, confidence=0.0, state=TrackState.UNINITIALISED)


@dataclass(frozen=True)
class FurtherTarget:
    """What an image showed of a target besides the primary one; names as in :class:`Outcome`."""

    target_id: str
    class_id: str
    result: TrackResult


@dataclass(frozen=True)
class Outcome:
    """What is to be said about one image.

    Attributes:
        frame: the image message.
        image: H x W x 3 BGR or blocks of it, None where it was not decoded or not readable.
        inference_s: time the tracker took, seconds.
        message: what went wrong, empty if nothing.
        further: what was seen of the targets besides this one.
        interruption: why the target counted as lost just before this image, NONE if it did not.
    """

    frame: Frame
    image: AnyImage | None
    result: TrackResult
    target_id: str
    class_id: str
    inference_s: float = math.nan
    message: str = ''
    interruption: Reason = Reason.NONE
    further: tuple[FurtherTarget, ...] = ()

    def without_pixels(self) -> Outcome:
        """The same, its image one zero seen everywhere: only the size will be asked for."""
        if self.image is None:
            return self
        return replace(self, image=np.broadcast_to(np.uint8(0), self.image.shape))
