"""The command evaluate-bag, run in this process, and what it leaves in its folder."""

from __future__ import annotations

import json
from pathlib import Path

from siamx_ros.cli import main

RANDOM = ('--weights', 'random', '--device', 'cpu', '--threads', '1')


def evaluate(bag: Path, *arguments: object) -> int:
    """Replay a bag; returns the exit status."""
    return main(['evaluate-bag', str(bag), *map(str, arguments)])


def summary(folder: Path) -> dict:
    """What summary.json holds."""
    return json.loads((folder / 'summary.json').read_text())


def rows(folder: Path) -> list[list[str]]:
    """The lines of frames.csv below its headings."""
    return [line.split(',') for line in (folder / 'frames.csv').read_text().splitlines()[1:]]
