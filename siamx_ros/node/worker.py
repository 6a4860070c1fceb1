"""The thread that owns the network: takes images and requests from the mailbox, one at a time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
import logging
from threading import Condition, Thread
import time
from typing import Any, Callable, NamedTuple

from siamx_ros.messages.frames import Frame

LOG = logging.getLogger(__name__)


class Request(NamedTuple):
    """Work for the worker thread, and the future of its result."""

    action: Callable[[], Any]
    future: Future

    def run(self) -> None:
        """Do the work unless it was cancelled; what it raises is the asker's."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.action()
        except Exception as error:  # noqa: B902 - handed on to the asker, not lost
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


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


class Worker:
    """Runs ``on_image`` for images and :class:`Request` objects, in one thread of its own.

    Args:
        on_image: called with a frame and how many were overwritten before it.
    """

    def __init__(self, on_image: Callable[[Frame, int], None]) -> None:
        self._on_image = on_image
        self._mailbox = Mailbox()
        self._begun: float | None = None
        self._thread = Thread(target=self._run, name='siamx_worker', daemon=True)
        self._thread.start()

    @property
    def busy_s(self) -> float:
        """How long the work at hand has been going on, seconds; 0 while idle."""
        begun = self._begun
        return 0.0 if begun is None else time.monotonic() - begun

    def offer(self, frame: Frame) -> None:
        """Leave an image; an older one that still waits is dropped and counted."""
        self._mailbox.put_image(frame)

    def ask(self, action: Callable[[], Any]) -> Future | None:
        """Have something done between two images; None when too many requests wait."""
        request = Request(action, Future())
        return request.future if self._mailbox.put_request(request) else None

    def close(self, patience: float) -> bool:
        """Stop after the work at hand; True when the thread has ended within ``patience`` s.

        Requests that still wait are cancelled.
        """
        for request in self._mailbox.close():
            request.future.cancel()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (work := self._mailbox.take()) is not None:
            request, frame, overwritten = work
            self._begun = time.monotonic()
            if request is not None:
                request.run()
            else:
                self._handle(frame, overwritten)
            self._begun = None

    def _handle(self, frame: Frame, overwritten: int) -> None:
        try:
            self._on_image(frame, overwritten)
        except Exception:  # noqa: B902 - the thread must outlive any single image
            LOG.exception('an image could not be handled')
