"""How long a process takes until its tracker answers, and how much memory it needs."""

from __future__ import annotations

from dataclasses import dataclass
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
import resource
import time

from siamx_ros.errors import InputError
from siamx_ros.evaluation.speed.beside import Spec
from siamx_ros.evaluation.speed.stretches import Stretch

PATIENCE_S = 300.0
"""How long a process may take."""


@dataclass(frozen=True)
class Startup:
    """One start of a process with a tracker.

    Attributes:
        loaded: seconds until the tracker is made: imports and the model.
        ready: seconds until it has been given a target and has answered one image.
        peak_mb: largest memory in use until the end of the stretch, MB of 10^6 bytes; with Python
            and its libraries, without memory of a GPU.
    """

    loaded: float
    ready: float
    peak_mb: float


def start(spec: Spec, stretch: Stretch) -> Startup:
    """Start a process that makes the tracker and runs it over the stretch.

    Raises:
        InputError: it failed, or took longer than :data:`PATIENCE_S`.
    """
    context = multiprocessing.get_context('spawn')
    here, there = context.Pipe(duplex=False)
    process = context.Process(
        target=_run, args=(spec, time.clock_gettime(time.CLOCK_MONOTONIC), stretch, there),
        daemon=True)
    process.start()
    there.close()
    try:
        answer = here.recv() if here.poll(PATIENCE_S) else 'it took too long'
    except EOFError:
        answer = 'its process ended'
    process.kill()
    process.join()
    if isinstance(answer, str):
        raise InputError(f'{spec.name} could not be started: {answer}')
    return answer


def _run(spec: Spec, begin: float, stretch: Stretch, there: Connection) -> None:
    """In the new process: use the tracker, send a :class:`Startup` or why there is none."""
    try:
        tracker = spec.build()
        loaded = time.clock_gettime(time.CLOCK_MONOTONIC) - begin
        tracker.init(stretch.images[0], stretch.box)
        tracker.update(stretch.images[1])
        ready = time.clock_gettime(time.CLOCK_MONOTONIC) - begin
        for image in stretch.images[2:]:
            tracker.update(image)
        there.send(Startup(loaded, ready, _peak_mb()))
    except Exception as error:  # noqa: B902 - raised in the process that asked
        there.send(f'{type(error).__name__}: {error}')


def _peak_mb(status: Path = Path('/proc/self/status')) -> float:
    """Of this process since its program began; :mod:`resource` counts the one before, too."""
    try:
        lines = dict(line.split(':', 1) for line in status.read_text().splitlines())
        return int(lines['VmHWM'].split()[0]) * 1024 / 1e6
    except (OSError, KeyError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
