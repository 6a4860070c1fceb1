"""torch's number of threads while images are looked at."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import Iterator

import torch


class TorchThreads:
    """One thread for torch during an update, and as many as before after it, in any thread.

    torch keeps a number for each thread, and one for the process, with which new threads begin: one
    that begins during an update of another would have that single thread for good.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._updates, self._before = 0, 0

    def count(self) -> int:
        """How many torch has outside updates."""
        with self._lock:
            return self._before if self._updates else torch.get_num_threads()

    @contextmanager
    def single(self) -> Iterator[None]:
        """For the time of an update."""
        before = self.count()
        with self._lock:
            self._updates, self._before = self._updates + 1, before
        torch.set_num_threads(1)
        try:
            yield
        finally:
            with self._lock:
                self._updates -= 1
            torch.set_num_threads(before)


TORCH_THREADS = TorchThreads()
"""Of this process, as torch's own number is."""
