"""The tracker node in a process of its own."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any, Sequence

import yaml

TRACKER_NODE = (sys.executable, '-m', 'siamx_ros.node.tracker_node')


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that :func:`model_parameters` reads."""
    parser.add_argument('--weights', metavar='NAME|PATH', help="the tracker's model.weights")
    parser.add_argument('--device', metavar='NAME', help="the tracker's model.device")
    parser.add_argument('--adaptive', metavar='SCHEME', help="the tracker's tracking.adaptive")


def model_parameters(args: argparse.Namespace) -> dict[str, Any]:
    """Nested parameters of a tracker node, those that were given."""
    chosen = {'model': {'weights': args.weights, 'device': args.device},
              'tracking': {'adaptive': args.adaptive}}
    given = {group: {name: value for name, value in values.items() if value is not None}
             for group, values in chosen.items()}
    return {group: values for group, values in given.items() if values}


class NodeDied(RuntimeError):
    """The node ended, or never answered; the text says so and ends with its last log lines."""


class NodeProcess:
    """Starts the node, watches it, and ends it with the ``with`` block."""

    def __init__(self, folder: Path, parameters: dict[str, Any], remappings: dict[str, str],
                 command: Sequence[str] = TRACKER_NODE) -> None:
        """Say what to start.

        Args:
            folder: gets ``node.log`` and ``node_parameters.yaml``.
            parameters: nested ROS parameters.
            remappings: topic of the node -> topic to use.
            command: program and arguments of the node.
        """
        self.log_path = folder / 'node.log'
        self._parameter_path = folder / 'node_parameters.yaml'
        self._parameters = parameters
        self._arguments = [*command, '--ros-args', '--params-file', str(self._parameter_path)]
        for source, target in remappings.items():
            self._arguments += ['-r', f'{source}:={target}']
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> NodeProcess:
        values = {'/**': {'ros__parameters': self._parameters}}
        self._parameter_path.write_text(yaml.safe_dump(values), encoding='utf-8')
        with open(self.log_path, 'wb') as log:
            self._process = subprocess.Popen(
                self._arguments, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True, env={**os.environ, 'PYTHONUNBUFFERED': '1'})
        return self

    def __exit__(self, *_) -> None:
        """Interrupt, then terminate, then kill: an orphan would keep the topics busy."""
        for number, patience in ((signal.SIGINT, 5), (signal.SIGTERM, 3), (signal.SIGKILL, 3)):
            if self._process.poll() is not None:
                return
            self._process.send_signal(number)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                continue

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def check(self) -> None:
        """Make sure the node runs.

        Raises:
            NodeDied: it has ended.
        """
        status = self._process.poll()
        if status is not None:
            raise NodeDied(f'the tracker node ended with status {status}{self.last_words()}')

    def last_words(self, lines: int = 15) -> str:
        """The end of the node's log, for an error message."""
        text = self.log_path.read_text(encoding='utf-8', errors='replace').strip()
        tail = '\n'.join(f'  | {line}' for line in text.splitlines()[-lines:])
        return f'; the end of {self.log_path}:\n{tail}' if tail else ' without a word'
