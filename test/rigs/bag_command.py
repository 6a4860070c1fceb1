"""The command evaluate-bag, run in this process, and what it leaves in its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

from siamx_ros.cli import main
from siamx_ros.evaluation.bag import messages
from siamx_ros.evaluation.bag.reader import Bag
from siamx_ros.evaluation.bag.writer import BagWriter

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


def rewritten(source: Path, path: Path, change: Callable[[int, Any], Any],
              *kinds: str) -> Path:
    """A bag whose messages of these types (images) are changed.

    Args:
        change: number, message -> another message, or None for the one that was given.
    """
    kinds = kinds or messages.IMAGE_TYPES
    with Bag(source) as bag, BagWriter(path) as writer:
        for topic, kind in bag.topics.items():
            changes = kind in kinds
            rows = [(time, bag.decode(raw, connection))
                    for time, raw, connection in bag.messages(topic)]
            if changes:
                rows = [(time, change(number, each) or each)
                        for number, (time, each) in enumerate(rows)]
            writer.add_topic(topic, rows[0][1].__msgtype__)
            for time, each in rows:
                writer.write(topic, time, each)
    return path
