"""The thread that owns the network: takes images and requests from the mailbox, one at a time."""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import Any, Callable

from siamx_ros.ros.frames import Frame
from siamx_ros.ros.mailbox import Mailbox

LOG = logging.getLogger(__name__)


class Request:
    """Work for the worker thread, and the answer to it.

    Awaiting it inside a service callback gives the executor back to other callbacks; the short
    waits keep the executor from spinning meanwhile.
    """

    POLL_S = 0.002

    def __init__(self, action: Callable[[], Any]) -> None:
        self._action = action
        self._done = Event()
        self._answer: Any = None
        self._error: Exception | None = None

    def run(self) -> None:
        """Do the work, in the worker thread; what it raises is kept for the one who asked."""
        try:
            self._answer = self._action()
        except Exception as error:  # noqa: B902 - handed on to the asker, not lost
            self._error = error
        self._done.set()

    def cancel(self, error: Exception) -> None:
        """Answer with an error without doing the work."""
        self._error = error
        self._done.set()

    def expired(self) -> bool:
        """Whether nobody has answered yet."""
        return not self._done.is_set()

    def result(self) -> Any:
        """The answer; raises what the work raised."""
        if self._error is not None:
            raise self._error
        return self._answer

    def wait_until(self, out_of_time: Callable[[], bool]):
        """Awaitable: ends with the answer, or when ``out_of_time`` says so."""
        return _Waiting(self, out_of_time)

    def wait(self) -> bool:
        """Wait a moment; True when the answer is there."""
        return self._done.wait(self.POLL_S)


class _Waiting:
    def __init__(self, request: Request, out_of_time: Callable[[], bool]) -> None:
        self._request, self._out_of_time = request, out_of_time

    def __await__(self):
        while not self._request.wait() and not self._out_of_time():
            yield


class Worker:
    """Runs ``on_image`` for images and :class:`Request` objects, in one thread of its own."""

    def __init__(self, on_image: Callable[[Frame, int], None]) -> None:
        self._on_image = on_image
        self._mailbox = Mailbox()
        self._thread = Thread(target=self._run, name='siamx_worker', daemon=True)
        self._thread.start()

    def offer(self, frame: Frame) -> None:
        """Leave an image; an older one that still waits is dropped and counted."""
        self._mailbox.put_image(frame)

    def ask(self, action: Callable[[], Any]) -> Request | None:
        """Have something done between two images; None when too many requests wait."""
        request = Request(action)
        return request if self._mailbox.put_request(request) else None

    def close(self, patience: float = 5.0) -> bool:
        """Stop after the work at hand; True when the thread has ended."""
        for request in self._mailbox.close():
            request.cancel(RuntimeError('the node is shutting down'))
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (work := self._mailbox.take()) is not None:
            request, frame, overwritten = work
            if request is not None:
                request.run()
                continue
            try:
                self._on_image(frame, overwritten)
            except Exception:  # noqa: B902 - the thread must outlive any single image
                LOG.exception('an image could not be handled')
