"""A node's main loop, and how SIGINT and SIGTERM end it: status 0, no traceback, no hang."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

LOOK_PERIOD_S = 0.1
NUMBERS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """While starting, a signal interrupts; while spinning, it lets the callback at hand end.

    A KeyboardInterrupt in the middle of a callback could leave locks and messages half done.
    """

    def __init__(self) -> None:
        self._spinning = self._stop = False
        for number in NUMBERS:
            signal.signal(number, self._note)

    def spin(self, node: Any) -> None:
        """Serve callbacks until a signal comes or the context is shut down."""
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        self._spinning = True
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
        if not self._spinning:
            raise KeyboardInterrupt
