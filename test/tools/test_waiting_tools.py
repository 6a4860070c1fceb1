"""The tools that wait for the node, in their own process: a signal ends them quietly."""

from __future__ import annotations

import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest
import rclpy

pytestmark = pytest.mark.ros
NAMESPACE = '/waiting'


def wait_for_node(name: str, patience: float = 30.0) -> None:
    """Return when a node of the namespace is there: from then on it waits for the tracker."""
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node('onlooker', context=context)
        deadline = time.monotonic() + patience
        while (name, NAMESPACE) not in node.get_node_names_and_namespaces():
            assert time.monotonic() < deadline, f'{name} did not start'
            time.sleep(0.05)
    finally:
        rclpy.try_shutdown(context=context)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
@pytest.mark.parametrize('command, status', [
    (['await_active'], 1), (['init_box', '1,2,3,4'], 1),
    (['select_target', '--clicks', '/mouse'], 0)], ids=lambda value: str(value))
def test_a_signal_ends_it_quietly(
        repository: Path, command: list[str], status: int, number: signal.Signals) -> None:
    name, *arguments = command
    tool = subprocess.Popen(
        [sys.executable, str(repository / 'scripts' / name), *arguments, '--ros-args', '-r',
         f'__ns:={NAMESPACE}'], env={**os.environ, 'PYTHONSAFEPATH': '1'}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_for_node(name)
        time.sleep(0.3)
        tool.send_signal(number)
        said, _ = tool.communicate(timeout=20)
        assert tool.returncode == status and 'Traceback' not in said
        assert all('waiting for two corners' in line for line in said.splitlines())
    finally:
        tool.kill()
