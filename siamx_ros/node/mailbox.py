"""The place between callbacks and the worker: one image, a few requests."""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Any


class Mailbox:
    """Holds the newest image and the requests not yet served; all methods are thread-safe.

    Args:
        requests: how many requests may wait.
    """

    def __init__(self, requests: int = 8) -> None:
        self._condition = Condition()
        self._image: Any = None
        self._requests: deque = deque()
        self._limit = requests
        self._closed = False
        self._overwritten = 0

    def put_image(self, image: Any) -> None:
        """Leave an image; one that still waits is overwritten and counted."""
        with self._condition:
            if self._closed:
                return
            self._overwritten += self._image is not None
            self._image = image
            self._condition.notify()

    def put_request(self, request: Any) -> bool:
        """Leave a request; False when too many wait already."""
        with self._condition:
            if self._closed or len(self._requests) >= self._limit:
                return False
            self._requests.append(request)
            self._condition.notify()
            return True

    def take(self) -> tuple[Any, Any, int] | None:
        """Wait for work: (request, None, 0) or (None, image, images overwritten since the last).

        Requests go first. None once the mailbox is closed.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: self._closed or self._requests or self._image is not None)
            if self._closed:
                return None
            if self._requests:
                return self._requests.popleft(), None, 0
            image, self._image = self._image, None
            overwritten, self._overwritten = self._overwritten, 0
            return None, image, overwritten

    def close(self) -> list[Any]:
        """Wake the worker for good; returns the requests that were not served."""
        with self._condition:
            self._closed = True
            self._image = None
            left = list(self._requests)
            self._requests.clear()
            self._condition.notify_all()
            return left
