"""How service callbacks wait for work in other threads without holding up the executor."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock
import time
from typing import Any, Callable

import rclpy.task


class Waiting:
    """Those that wait for a future, each for a limited time; for the executor's thread alone.

    Awaiting :meth:`within` inside a callback gives the executor back to other callbacks.

    Args:
        make_news: makes what a callback awaits, a future of the executor; it is completed once, by
            the work or by the time.
        wake: called then, so that the executor looks again.
    """

    def __init__(self, make_news: Callable[[], Any], wake: Callable[[], None]) -> None:
        self._make_news, self._wake = make_news, wake
        self._waits: list[_Wait] = []

    @classmethod
    def of(cls, node: Any) -> Waiting:
        """In the executor of a node, which need not have one yet."""
        def wake() -> None:
            if node.executor is not None:
                node.executor.wake()
        return cls(lambda: rclpy.task.Future(executor=node.executor), wake)

    async def within(self, future: Future, seconds: float) -> bool:
        """Wait for a future; False when :meth:`expire` found it late."""
        wait = _Wait(self._make_news(), self._wake, time.monotonic() + seconds)
        self._waits.append(wait)
        future.add_done_callback(lambda _: wait.end())
        await wait.news
        return future.done()

    def expire(self, now: float) -> None:
        """End the waiting of those that have waited too long; call this regularly.

        Args:
            now: monotonic time, seconds; infinity ends all.
        """
        for wait in self._waits:
            if now >= wait.deadline:
                wait.end()
        self._waits = [wait for wait in self._waits if not wait.ended]


class _Wait:
    """One waiting, ended once, from whatever thread."""

    def __init__(self, news: Any, wake: Callable[[], None], deadline: float) -> None:
        self.news, self.deadline, self.ended = news, deadline, False
        self._wake, self._lock = wake, Lock()

    def end(self) -> None:
        """Resume who awaits the news."""
        with self._lock:
            ended, self.ended = self.ended, True
        if not ended:
            self.news.set_result(None)
            self._wake()
