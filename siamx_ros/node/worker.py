"""The thread that owns the network: takes images and requests from the mailbox, one at a time."""

from __future__ import annotations

import logging
from threading import Event, Lock, Thread
import time
from typing import Any, Callable

from rclpy.task import Future

from siamx_ros.messages.frames import Frame
from siamx_ros.node.mailbox import Mailbox

LOG = logging.getLogger(__name__)


class Stopped(RuntimeError):
    """The worker ended before it came to a request."""


class Request:
    """Work for the worker thread, and the answer to it.

    Awaiting it inside a service callback gives the executor back to other callbacks.

    Args:
        action: the work.
        news: what a service callback awaits; completed once, by the answer or by the time.
        wake: called then, so that the executor looks again.
    """

    def __init__(self, action: Callable[[], Any], news: Future,
                 wake: Callable[[], None]) -> None:
        self._action, self._news, self._wake = action, news, wake
        self._lock = Lock()
        self._begun = self._told = False
        self._deadline = float('inf')
        self._done = Event()
        self._answer: Any = None
        self._error: Exception | None = None

    @property
    def answered(self) -> bool:
        """Whether the work was done or refused."""
        return self._done.is_set()

    def run(self) -> None:
        """Do the work, in the worker thread; what it raises is kept for the one who asked."""
        if not self._begin():
            return
        try:
            self._answer = self._action()
        except Exception as error:  # noqa: B902 - handed on to the asker, not lost
            self._error = error
        self._finish()

    def cancel(self, error: Exception) -> bool:
        """Answer with an error instead of doing the work; False if it has begun."""
        if not self._begin():
            return False
        self._error = error
        self._finish()
        return True

    def result(self) -> Any:
        """The answer; raises what the work raised."""
        if self._error is not None:
            raise self._error
        return self._answer

    async def within(self, seconds: float) -> bool:
        """Wait for the answer; False when it has not come before :meth:`expire` found it late."""
        self._deadline = time.monotonic() + seconds
        await self._news
        return self.answered

    def expire(self, now: float) -> bool:
        """End the waiting if its time is over; True once nobody waits any more."""
        if now >= self._deadline:
            self._tell()
        return self._told

    def _begin(self) -> bool:
        with self._lock:
            begun, self._begun = self._begun, True
            return not begun

    def _finish(self) -> None:
        self._done.set()
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._news.set_result(None)
            self._wake()


class Worker:
    """Runs ``on_image`` for images and :class:`Request` objects, in one thread of its own.

    Args:
        on_image: called with a frame and how many were overwritten before it.
        make_future: a future of the executor that serves the requests.
        wake: called after each request.
    """

    def __init__(self, on_image: Callable[[Frame, int], None],
                 make_future: Callable[[], Future], wake: Callable[[], None]) -> None:
        self._on_image, self._make_future, self._wake = on_image, make_future, wake
        self._mailbox = Mailbox()
        self._waiting: list[Request] = []
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

    def ask(self, action: Callable[[], Any]) -> Request | None:
        """Have something done between two images; None when too many requests wait.

        In the executor's thread, as :meth:`expire` and :meth:`close`.
        """
        request = Request(action, self._make_future(), self._wake)
        if not self._mailbox.put_request(request):
            return None
        self._waiting.append(request)
        return request

    def expire(self, now: float) -> None:
        """Tell those that have waited too long; call this regularly.

        Args:
            now: monotonic time, seconds; infinity tells all.
        """
        self._waiting = [request for request in self._waiting if not request.expire(now)]

    def close(self, patience: float) -> bool:
        """Stop after the work at hand; True when the thread has ended within ``patience`` s."""
        for request in self._mailbox.close():
            request.cancel(Stopped('the node is no longer active'))
        self._thread.join(patience)
        self.expire(float('inf'))
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
