"""Image messages on their way: with stamp and age, and a short memory of them."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from threading import Lock
import time
from typing import Any, Iterator

HOLD_S = 60.0
"""How long an image is held on which a box is being drawn, by its stamp."""


@dataclass(frozen=True)
class Frame:
    """One image message, not decoded yet.

    Attributes:
        stamp: header stamp, seconds.
        received: monotonic time of arrival, seconds.
        age: node time minus stamp on arrival, seconds.
        frozen: whether its bytes are those of the image before.
    """

    msg: Any
    stamp: float
    received: float
    age: float
    frozen: bool = False

    @property
    def size_bytes(self) -> int:
        """Memory that the image data takes."""
        return len(self.msg.data)


def stamp_seconds(stamp: Any) -> float:
    """A builtin_interfaces/Time as seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


class FrameBuffer:
    """The newest frames, by stamp, bounded in time and memory; thread-safe.

    A frame that is held, because a box is being drawn on it, stays with frames since then: where
    memory is short these are thinned out evenly, instead of the oldest leaving.

    Args:
        seconds: how far back frames are kept.
        max_mb: how much memory they may take; the newest and a held frame are always kept.
        jump: how far stamps go back where another recording begins, seconds.

    Attributes:
        jump: may change.
    """

    def __init__(self, seconds: float, max_mb: float, jump: float) -> None:
        self._seconds, self._max_bytes, self.jump = seconds, max_mb * 1e6, jump
        self._frames: list[Frame] = []
        self._bytes = 0
        self._held: Frame | None = None
        self._newest: Frame | None = None
        self._lock = Lock()

    def add(self, frame: Frame) -> None:
        """Keep a frame, in the order of stamps; old ones leave.

        A stamp that is back by more than ``jump``, or than what is kept, clears the memory.
        """
        with self._lock:
            back = self._frames[-1].stamp - frame.stamp if self._frames else 0.0
            if back > min(self.jump, self._seconds):
                self._drop_all()
            if self._held is not None and frame.stamp - self._held.stamp > HOLD_S:
                self._held = None
            self._newest = frame
            insort(self._frames, frame, key=lambda kept: kept.stamp)
            self._bytes += frame.size_bytes
            while (index := self._surplus()) is not None:
                self._bytes -= self._frames.pop(index).size_bytes

    def hold(self, stamp: float) -> bool:
        """Keep the frame of a stamp for :data:`HOLD_S`, or until another is held; if it is here."""
        found = self.since(stamp)
        with self._lock:
            self._held = found[0] if found else self._held
        return bool(found)

    def newest(self) -> Frame | None:
        """The frame that arrived last, or None."""
        with self._lock:
            return self._newest

    def since(self, stamp: float, tolerance: float = 1e-6) -> list[Frame]:
        """The frame of a stamp and all after it; empty if it is not kept."""
        with self._lock:
            frames = [frame for frame in self._frames if frame.stamp >= stamp - tolerance]
        return frames if frames and abs(frames[0].stamp - stamp) <= tolerance else []

    def _surplus(self) -> int | None:
        """The place of a frame that has to leave, None if all may stay."""
        frames, too_big = self._frames, self._bytes > self._max_bytes
        if frames[0] is not self._held:
            old = frames[-1].stamp - frames[0].stamp > self._seconds
            return 0 if len(frames) > 1 and (old or too_big) else None
        if not too_big or len(frames) < 3:
            return None
        return min(range(1, len(frames) - 1),
                   key=lambda at: frames[at + 1].stamp - frames[at - 1].stamp)

    def _drop_all(self) -> None:
        self._frames.clear()
        self._bytes, self._held = 0, None


def in_time(frames: list[Frame], deadline: float) -> Iterator[Frame]:
    """The frames, or some of them and the newest where the work on all would take too long.

    Args:
        deadline: monotonic time, seconds.
    """
    while frames:
        begin = time.monotonic()
        yield frames[0]
        now = time.monotonic()
        frames = thinned(frames[1:], now - begin, deadline - now)


def thinned(frames: list[Frame], cost_s: float, left_s: float) -> list[Frame]:
    """Every n-th frame and the newest, so that each at its cost fits into the time left."""
    if len(frames) < 2 or cost_s * len(frames) <= left_s:
        return frames
    count = max(1, int(left_s / cost_s)) if left_s > 0 else 1
    step = -(-len(frames) // count)
    return frames[::-1][::step][::-1]
