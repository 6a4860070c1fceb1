"""The panel and the follower, each in a process of its own beside a tracker."""

from __future__ import annotations

import os
from pathlib import Path
import re
import signal
import subprocess
import sys
from threading import Event, Thread
from typing import Any

from siamx_ros.client.node_process import NodeProcess

FOLLOWER_NODE = (sys.executable, '-m', 'siamx_ros.follower.follower_node')


class PanelProcess:
    """`ros2 run siamx_ros panel` in a namespace.

    Attributes:
        address: what it printed to open in a browser.
    """

    def __init__(self, repository: Path, namespace: str, **parameters: Any) -> None:
        given = [part for name, value in {'port': 0, **parameters}.items()
                 for part in ('-p', f'{name}:={str(value).lower()}')]
        self._process = subprocess.Popen(
            [sys.executable, str(repository / 'scripts/panel'), '--ros-args', '-r',
             f'__ns:={namespace}', *given], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, 'PYTHONSAFEPATH': '1'})
        self._found, self.lines = Event(), []
        self.address = ''
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self._found.wait(60) and self.address, self.lines

    @property
    def origin(self) -> str:
        return self.address.partition('/?')[0].rstrip('/')

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal; returns the exit status."""
        self._process.send_signal(number)
        return self._process.wait(20)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._thread.join(10)

    def _read(self) -> None:
        for line in self._process.stdout:
            self.lines.append(line)
            if found := re.search(r'The panel is at (\S+)', line):
                self.address = found[1]
                self._found.set()
        self._found.set()


class FollowerProcess(NodeProcess):
    """The follower beside a rig's tracker.

    Attributes:
        heard: its status messages.
    """

    def __init__(self, folder: Path, rig: Any) -> None:
        super().__init__(folder, {}, {'__ns': rig.namespace}, FOLLOWER_NODE)
        self._probe, self._topic = rig.probe, f'{rig.namespace}/follower/status'

    def __enter__(self) -> FollowerProcess:
        from siamx_ros.msg import FollowerStatus
        self._probe.node.create_subscription(FollowerStatus, self._topic, self._keep, 10)
        self.heard: list[Any] = []
        return super().__enter__()

    def is_enabled(self, wanted: bool = True) -> bool:
        """Wait until the follower says that it may drive, or that it may not."""
        return self._probe.wait(lambda: self.heard and self.heard[-1].enabled == wanted, 60.0)

    def _keep(self, message: Any) -> None:
        self.heard.append(message)
