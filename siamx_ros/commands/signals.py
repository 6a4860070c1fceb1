"""Ending a command from outside as Ctrl-C does: files are finished, processes of its own ended."""

from __future__ import annotations

from contextlib import contextmanager
import signal
import threading
from typing import Any, Iterator

ENDING = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt on what asks a process to end, unless it is ignored (``nohup``).

    Outside the main thread nothing is changed: only that one may set what happens on a signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt
    former = {number: signal.signal(number, interrupt) for number in ENDING
              if signal.getsignal(number) == signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
