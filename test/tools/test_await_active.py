"""await_active beside the node in its own process: it ends when images are taken, not before."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ros


def await_active(repository: Path, namespace: str, timeout: float) -> int:
    """Exit status of the executable in a namespace."""
    command = [sys.executable, str(repository / 'scripts/await_active'), '--timeout', str(timeout),
               '--ros-args', '-r', f'__ns:={namespace}']
    return subprocess.run(
        command, env={**os.environ, 'PYTHONSAFEPATH': '1'}, capture_output=True,
        timeout=90).returncode


def test_waits_for_the_lifecycle(make_rig, repository):
    rig = make_rig({'autostart': False}, ready=False)
    assert rig.probe.wait(lambda: rig.probe.heard['status'], 60)
    assert await_active(repository, rig.namespace, 2.0) == 1, 'unconfigured'
    assert rig.transition('configure')
    assert await_active(repository, rig.namespace, 2.0) == 1, 'inactive'
    assert rig.transition('activate')
    assert await_active(repository, rig.namespace, 60.0) == 0


def test_gives_up_where_nobody_is(repository):
    assert await_active(repository, '/nowhere', 1.0) == 1
