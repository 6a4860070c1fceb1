"""The command line in a process of its own, and how it refuses."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, '-m', 'siamx_ros', *map(str, arguments)], cwd=ROOT, text=True,
        capture_output=True, timeout=120, env={**os.environ, **environment})


def refused(process: subprocess.CompletedProcess, *parts: str) -> None:
    """One sentence on stderr, status 2, nothing on stdout."""
    assert process.returncode == 2, process.stderr
    lines = [line for line in process.stderr.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1, process.stderr
    assert 'Traceback' not in process.stderr
    assert process.stdout == ''
    for part in parts:
        assert part in lines[0]
