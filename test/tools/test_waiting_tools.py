"""The tools that wait for the node, in their own process: how long, and that a signal ends them."""

from __future__ import annotations

import os
from pathlib import Path
import signal
import subprocess
import sys
from threading import Timer
import time

from command_line import script
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
        waits = 'waiting for two corners', 'Waiting for siamx_tracker; trackers that run'
        assert all(any(text in line for text in waits) for line in said.splitlines())
    finally:
        tool.kill()


def test_what_does_not_come_is_named(repository: Path) -> None:
    tool = subprocess.Popen(
        [sys.executable, str(repository / 'scripts/select_target'), '--clicks', '/mouse',
         '--image', '/nobody/here', '--ros-args', '-r', f'__ns:={NAMESPACE}'],
        env={**os.environ, 'PYTHONSAFEPATH': '1'}, text=True, stderr=subprocess.PIPE)
    patience = Timer(60, tool.kill)
    patience.start()
    try:
        said = [tool.stderr.readline() for _ in range(2)]
        assert 'waiting for two corners' in said[0]
        assert 'no image has come: ' in said[1] and '/nobody/here' in said[1]
    finally:
        patience.cancel()
        tool.kill()
        tool.communicate()


def await_active(namespace: str, timeout: float) -> int:
    """Exit status of the executable in a namespace."""
    return script('await_active', '--timeout', timeout, '--ros-args', '-r',
                  f'__ns:={namespace}').returncode


def test_waits_for_the_lifecycle(make_rig):
    rig = make_rig({'autostart': False}, ready=False)
    rig.up()
    assert await_active(rig.namespace, 2.0) == 1, 'unconfigured'
    assert rig.transition('configure')
    assert await_active(rig.namespace, 2.0) == 1, 'inactive'
    assert rig.transition('activate')
    assert await_active(rig.namespace, 60.0) == 0


def test_gives_up_where_nobody_is():
    assert await_active('/nowhere', 1.0) == 1
