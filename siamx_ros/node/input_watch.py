"""Whether images arrive that can be used, and what is said where they do not. Imports no ROS."""

from __future__ import annotations

from threading import Lock
import time
from typing import Any, Callable

from siamx_ros.node_config import NodeConfig

EARLY = 0.25
"""How much before its turn an image may come, as a share of the time between two."""


class InputWatch:
    """Keeps the time of the last image that counts: one that can be read and is a new one.

    Images arrive in the executor's thread and are looked at in the worker's; methods may be called
    from both. All times are monotonic seconds.

    Args:
        config: ``max_rate``, ``image_timeout``, ``detect_frozen_images``, ``max_image_age``, and
            ``tracking.lost_time``.
        unreadable: whether the last image that was looked at could not be read.

    Attributes:
        config: may be replaced while running.
    """

    def __init__(self, config: NodeConfig, unreadable: Callable[[], bool]) -> None:
        self.config, self._unreadable = config, unreadable
        self._lock = Lock()
        self._last_image = self._last_good = time.monotonic()
        self._asked = -float('inf')  # arrival of the image whose gap was noted when it was taken up
        self._missing = self._gap = self._too_old = False
        self._data: Any = None
        self._frozen_at = self._due = self._let_through = -float('inf')

    def is_too_old(self, age: float) -> bool:
        """Whether ``max_image_age`` refuses an image of this age, seconds."""
        self._too_old = 0 < self.config.max_image_age < age
        return self._too_old

    def is_due(self, stamp: float) -> bool:
        """Whether ``max_rate`` lets an image of this stamp, seconds, through.

        Turns come at that rate however the stamps waver, so that a camera of the same rate loses no
        image. They begin anew after a gap and where stamps do not go on.
        """
        if self.config.max_rate <= 0:
            return True
        period = 1 / self.config.max_rate
        early = (self._due - stamp) / period
        if stamp > self._let_through and EARLY < early <= 1 + EARLY:
            return False
        self._let_through = stamp
        self._due = (self._due if -1 < early <= EARLY else stamp) + period
        return True

    def arrived(self, now: float, data: Any) -> bool:
        """An image came; returns whether it is no new one.

        While the ones before cannot be read, it counts once it was.

        Args:
            data: its bytes; comparing ends at the first that differs, in a camera's noise at once.

        Returns:
            Whether it is no new one.
        """
        before, self._data = self._data, data
        with self._lock:
            frozen = self.config.detect_frozen_images and before == data
            self._frozen_at = now if frozen else -float('inf')
            if not frozen and not self._unreadable():
                self._note_gap(now - max(self._last_image, self._asked))
                self._last_image = now
            return frozen

    @property
    def frozen_for(self) -> float:
        """How long images have come without a new one, if that is too long, seconds; else 0."""
        with self._lock:
            gap = time.monotonic() - self._last_image
            return gap if self._is_frozen() and gap > self.config.image_timeout else 0.0

    def ends_gap(self, received: float) -> bool:
        """Whether so long no image came before this one that the target must be found anew.

        Asked before the image is looked at; says so once a gap.
        """
        with self._lock:
            if self._unreadable():
                self._note_gap(received - self._last_image)
                self._asked = received
            gap, self._gap = self._gap, False
            return gap

    def is_stale_after(self, received: float, *, frozen: bool = False) -> bool:
        """Asked after an image was looked at: whether the input is stale in spite of it.

        A frozen one says no more than that the image before it, which it equals, can be read.
        """
        with self._lock:
            if frozen and not self._unreadable():
                self._last_good = max(self._last_good, self._last_image)
                return False
            if not self._unreadable():
                self._last_good = received
                self._last_image = max(self._last_image, received)
                return False
            self._last_image = min(self._last_image, self._last_good)
            return time.monotonic() - self._last_image > self.config.image_timeout

    def forgive(self) -> None:
        """A new target was given: what was missed before does not concern it."""
        with self._lock:
            self._gap = False

    def problem(self, details: Callable[[], str], message: str) -> str:
        """One sentence on missing images; empty while they come.

        Args:
            details: topic, quality of service and publishers, asked for if none comes at all.
            message: what was said of the last image.
        """
        with self._lock:
            gap = time.monotonic() - self._last_image
            late = gap > self.config.image_timeout
            self._missing = self._missing or late
        if not late:
            return ''
        if self._too_old:
            return (f'no image for {gap:.1f} s that is younger than '
                    f'{self.config.max_image_age:g} s (max_image_age)')
        if self._unreadable():
            return f'no readable image for {gap:.1f} s: {message}'
        if self._is_frozen():
            return (f'the images have not changed for {gap:.1f} s: the camera hangs, or is a '
                    'simulated one without noise (detect_frozen_images)')
        return f'no image for {gap:.1f} s: {details()}'

    def _is_frozen(self) -> bool:
        """Whether the same image comes again and again, one that can be read."""
        return (time.monotonic() - self._frozen_at <= self.config.image_timeout
                and not self._unreadable())

    def _note_gap(self, gap: float) -> None:
        missing, self._missing = self._missing or gap > self.config.image_timeout, False
        self._gap = self._gap or (missing and gap > self.config.tracking.lost_time)
