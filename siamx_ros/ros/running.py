"""A node's main loop, and how SIGINT and SIGTERM end it: status 0, no traceback, no hang."""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread
import time
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

LOOK_PERIOD_S = 0.1
START_PATIENCE_S = 2.0
"""How long a node that shall stop may go on starting."""
NUMBERS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """A signal lets the callback at hand end; a start that takes too long is cut off.

    A KeyboardInterrupt in the middle of a callback could leave locks and messages half done, and
    one in foreign code, such as a compiler of networks, aborts the process.
    """

    def __init__(self) -> None:
        self._started = self._stop = False
        for number in NUMBERS:
            signal.signal(number, self._note)
        Thread(target=self._guard_start, name='start guard', daemon=True).start()

    def spin(self, node: Any) -> None:
        """Serve callbacks until a signal comes or the context is shut down."""
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        self._started = True
        try:
            while not self._stop:
                executor.spin_once(LOOK_PERIOD_S)
        except ExternalShutdownException:
            pass

    def end(self, node: Any) -> None:
        """Close node and context; further signals are ignored.

        A worker that hangs in foreign code cannot be joined: the process then ends at once, since
        tearing the interpreter down under a running inference may crash.
        """
        self._started = True
        for number in NUMBERS:
            signal.signal(number, signal.SIG_IGN)
        ended = node is None or node.close()
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        if not ended:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def _note(self, _number: int, _frame: Any) -> None:
        self._stop = True

    def _guard_start(self) -> None:
        patience = START_PATIENCE_S
        while not self._started and patience > 0:
            time.sleep(LOOK_PERIOD_S)
            patience -= LOOK_PERIOD_S * self._stop
        if not self._started:
            os._exit(0)
