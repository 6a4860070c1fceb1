"""Programs in a process of their own, run to the end, and how they refuse."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[2]


def finished(*words: object, cwd: Path | None = None, timeout: float = 120.0,
             **environment: str) -> subprocess.CompletedProcess:
    """A program that was run to its end; what it said is text."""
    return subprocess.run([*map(str, words)], cwd=cwd, text=True, capture_output=True,
                          timeout=timeout, env={**os.environ, **environment})


def python(*words: object, **how) -> subprocess.CompletedProcess:
    return finished(sys.executable, *words, **how)


def script(name: str, *words: object, **how) -> subprocess.CompletedProcess:
    """A program of scripts/, as `ros2 run` starts it."""
    return python(ROOT / 'scripts' / name, *words, PYTHONSAFEPATH='1', **how)


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return python('-m', 'siamx_ros', *arguments, cwd=ROOT, **environment)


def refused(process: subprocess.CompletedProcess, *parts: str) -> None:
    """One sentence on stderr, status 2, nothing on stdout."""
    assert process.returncode == 2, (process.returncode, process.stderr)
    lines = [line for line in process.stderr.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1, process.stderr
    assert 'Traceback' not in process.stderr
    assert process.stdout == ''
    for part in parts:
        assert part in lines[0]
