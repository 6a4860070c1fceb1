"""One pass of a tracker over a sequence."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
import time
from typing import Callable, Iterator, Protocol, Sequence

import numpy as np

from siamx_ros.data import sequence as data
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.imaging import read_image
from siamx_ros.records import TrackResult, TrackState

Windows = tuple[tuple[float, float, float], ...]
INIT, FAILED, SKIPPED, TRACKED = 1, 2, 0, -1
"""What a frame of a run with restarts was, and a line of a VOT result file says; a tracked frame's
line holds its box."""


class SequenceError(InputError):
    """One sequence cannot be run, others may be; the text names it, and the frame."""


class Tracker(Protocol):
    """Whatever can be evaluated.

    Stamps are in seconds; None means 30 images a second.
    """

    def init(self, image: np.ndarray, box: BoundingBox, stamp: float | None = None) -> TrackResult:
        """Take the target in ``box`` of an H x W x 3 uint8 BGR image."""

    def update(self, image: np.ndarray, stamp: float | None = None) -> TrackResult:
        """Find it in the next image."""

    def close(self) -> None:
        """Free what it holds; it is not used again."""


@dataclass(frozen=True)
class Run:
    """What a tracker said about the N frames of a sequence.

    Attributes:
        truth: N x 4 x, y, w, h in pixels, rows of NaN where the target is absent.
        boxes: N x 4 x, y, w, h in pixels, rows of NaN without a box.
        seconds: N times of the tracker alone, without reading the image; 0 where it did not run.
        start: index of the frame on which the tracker was initialised with the true box.
        windows: for each of the N frames the windows that were searched, (centre x, centre y, side)
            in pixels each; empty where this is not known.
        codes: N integers, of a run with new starts after failures what each frame was, see
            :data:`INIT`; None of one pass.
    """

    name: str
    truth: np.ndarray
    boxes: np.ndarray
    confidence: np.ndarray
    states: np.ndarray
    valid: np.ndarray
    seconds: np.ndarray
    start: int = 0
    windows: Sequence[Windows] = ()
    codes: np.ndarray | None = None

    @classmethod
    def empty(cls, name: str, truth: np.ndarray, start: int = 0) -> Run:
        """A run over N frames with N x 4 true boxes, of which nothing was said yet."""
        count = len(truth)
        return cls(
            name, truth, np.full((count, 4), np.nan), np.zeros(count), np.zeros(count, int),
            np.zeros(count, bool), np.zeros(count), start, [()] * count)

    @property
    def frames_per_second(self) -> float:
        """Frames per second of ``update``, NaN if it was never called."""
        seconds = self.update_seconds
        return len(seconds) / float(seconds.sum()) if len(seconds) else float('nan')

    @property
    def update_seconds(self) -> np.ndarray:
        """Seconds of each call of ``update``."""
        seconds = self.seconds[self.start + 1:]
        return seconds[seconds > 0]

    @property
    def counts(self) -> np.ndarray:
        """N booleans: visible frames on which the tracker was asked, those that are scored."""
        return np.isfinite(self.truth).all(1) & self._asked

    @property
    def absent(self) -> np.ndarray:
        """N booleans: frames without the target on which the tracker was asked.

        None where no frame after the initial one has a box: that is a truth that is withheld.
        """
        return ~np.isfinite(self.truth).all(1) & self._asked & self.counts.any()

    @property
    def _asked(self) -> np.ndarray:
        """N booleans: frames after the initial one, without later starts and what they skip."""
        if self.codes is None:
            return np.arange(len(self.truth)) > self.start
        return np.isin(self.codes, (TRACKED, FAILED))

    def note(self, index: int, result: TrackResult, seconds: float) -> None:
        """Enter what was said about one frame, and how long it took."""
        if result.box is not None:
            self.boxes[index] = result.box.xywh
        self.confidence[index] = result.confidence
        self.states[index] = int(result.state)
        self.valid[index] = result.valid
        self.seconds[index] = seconds
        self.windows[index] = windows_of(result)


def windows_of(result: TrackResult) -> Windows:
    """The windows that were searched, as a run keeps them."""
    return tuple((each.centre_x, each.centre_y, each.side) for each in result.windows)


def run_sequence(tracker: Tracker, sequence: data.Sequence,
                 each_frame: Callable[[], object] = lambda: None) -> Run:
    """Initialise on the first visible frame and update on all that follow.

    Args:
        tracker: any tracker.
        sequence: frames and true boxes.
        each_frame: called after every frame, for a progress bar.

    Raises:
        SequenceError: the target is visible nowhere, an image cannot be read, or the tracker
            refuses a box or an image.
    """
    start = first_visible(sequence)
    run = Run.empty(sequence.name, sequence.boxes_xywh, start)
    box = BoundingBox.from_xywh(sequence.boxes_xywh[start])
    for index in range(start, len(sequence.frame_paths)):
        with named(sequence, index):
            image = read_image(sequence.frame_paths[index])
            before = time.perf_counter()
            result = tracker.init(image, box) if index == start else tracker.update(image)
            run.note(index, result, time.perf_counter() - before)
        each_frame()
        if result.state == TrackState.UNINITIALISED:
            break
    return run


@contextmanager
def named(sequence: data.Sequence, index: int) -> Iterator[None]:
    """Name sequence and frame in the sentence with which something is refused.

    Raises:
        SequenceError: in place of an InputError.
    """
    try:
        yield
    except InputError as error:
        raise SequenceError(f'sequence {sequence.name}, frame {index}: {error}') from None


def first_visible(sequence: data.Sequence) -> int:
    """Index of the first frame with a true box.

    Raises:
        SequenceError: there is none.
    """
    if not sequence.visible.any():
        raise SequenceError(f'{sequence.name} has no frame with a true box to start from')
    return int(np.argmax(sequence.visible))


def image_size(sequence: data.Sequence) -> tuple[int, int]:
    """Width and height, pixels, of the image on which a run over a sequence begins.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    height, width = read_image(sequence.frame_paths[first_visible(sequence)]).shape[:2]
    return width, height
