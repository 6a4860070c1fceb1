"""Processes of ``evaluate --jobs``: none is left when it is ended; any name is taken."""

from __future__ import annotations

import json
import os
from pathlib import Path
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from siamx_ros.evaluation import results

PATIENCE = 120.0
"""Seconds for what takes a few."""


@pytest.fixture
def endless(tmp_path, write) -> Path:
    """Two sequences whose second image never comes: it is a pipe that nobody writes into."""
    for name in ('a', 'b'):
        folder = write(tmp_path / 'data' / name, np.tile([4.0, 4.0, 20.0, 20.0], (3, 1)))
        second = sorted((folder / 'img').iterdir())[1]
        second.unlink()
        os.mkfifo(second)
    return tmp_path / 'data'


def reached(pipe: Path, process: subprocess.Popen) -> int:
    """The end of a pipe to write into, once a process waits at the other one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            time.sleep(0.05)
    raise AssertionError(f'nobody reads {pipe}')


def is_gone(end: int) -> bool:
    """Whether whoever read a pipe is gone, now or before long."""
    poll = select.poll()
    poll.register(end, 0)  # that nobody reads it any more is always reported
    return bool(poll.poll(PATIENCE * 1e3))


def command(*arguments: object, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, '-m', 'siamx_ros', 'evaluate', *map(str, arguments), '--trackers', 'siamx',
         '--weights', 'random', '--device', 'cpu', '--threads', '1', '--jobs', '2'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **environment})


@pytest.mark.parametrize('number, status', [(signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_no_worker_stays(endless, number, status):
    process, ends = command(endless), []
    try:
        ends += [reached(pipe, process) for pipe in sorted(endless.rglob('*')) if pipe.is_fifo()]
        assert len(ends) == 2
        process.send_signal(number)
        said = process.communicate(timeout=PATIENCE)[1]  # workers that stay hold the pipes
        assert process.returncode == status, said
        assert b'Traceback' not in said
        assert all(is_gone(end) for end in ends)
    finally:
        process.kill()
        for end in ends:
            os.close(end)  # whoever still waits reads an image that is cut short, and ends


def test_names_that_are_not_utf_8(tmp_path, write):
    names = [os.fsdecode(b'caf\xe9'), 'plain']
    for name in names:
        folder = write(tmp_path / 'data' / 'new', np.tile([4.0, 4.0, 20.0, 20.0], (3, 1)))
        second = sorted((folder / 'img').iterdir())[1]
        second.rename(second.with_name(second.stem + names[0] + '.png'))
        folder.rename(folder.with_name(name))
    process = command(tmp_path / 'data', '--out', tmp_path / 'out',
                      PYTHONIOENCODING='utf-8:strict')
    table, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert b'\ncaf\\udce9 ' in table and b'\nplain ' in table
    assert results.list_runs(tmp_path / 'out' / 'siamx') == sorted(names)
    assert 'caf\\udce9' in (tmp_path / 'out' / 'report.md').read_text(encoding='utf-8')
    assert set(json.loads((tmp_path / 'out' / 'scores.json').read_text())['siamx'][
        'sequences']) == set(names)
