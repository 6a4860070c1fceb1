"""What a page may ask for, read from JSON with every value checked."""

from __future__ import annotations

from dataclasses import dataclass
import json
from typing import Any

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox

ACTIONS = ('hold', 'target', 'follow', 'stop', 'pause', 'resume', 'reset')
MAX_NAME = 256
MAX_SIDE = 65535
"""Of an image, pixels."""


@dataclass(frozen=True)
class ShownImage:
    """Which image of the camera it was: stamp (seconds, nanoseconds), width and height, frame."""

    stamp: tuple[int, int]
    size: tuple[int, int]
    frame_id: str


@dataclass(frozen=True)
class Command:
    """One press of a button, or a target that is drawn.

    Attributes:
        action: one of :data:`ACTIONS`; 'hold' when a box is begun, 'target' when it is finished.
        viewer: name of the page that asks; empty if it did not say.
        image: on which the box is drawn, with 'hold' and 'target' only.
        box: in pixels of that image, with 'target' only.
    """

    action: str
    viewer: str = ''
    image: ShownImage | None = None
    box: BoundingBox | None = None


@dataclass(frozen=True)
class Reply:
    """What came of a command, one sentence."""

    ok: bool
    message: str


def parse_command(text: str | bytes) -> Command:
    """Read a command.

    Raises:
        InputError: not JSON, or a value is missing, unknown or out of range.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError('a command is a JSON object.') from None
    if not isinstance(values, dict):
        raise InputError('a command is a JSON object.')
    action, viewer = values.get('action'), values.get('viewer', '')
    if action not in ACTIONS:
        raise InputError(f'action must be one of {", ".join(ACTIONS)}, got {str(action)[:40]!r}.')
    return Command(
        action, _name(viewer, 'viewer'), _image(values) if action in ('hold', 'target') else None,
        _box(values) if action == 'target' else None)


def _box(values: dict[str, Any]) -> BoundingBox:
    x, y, w, h = _numbers(values, 'box', 4, float, -MAX_SIDE, MAX_SIDE)
    if w <= 0 or h <= 0:
        raise InputError(f'a box needs a width and a height above 0, got {w:g} x {h:g}.')
    return BoundingBox(x, y, w, h)


def _image(values: dict[str, Any]) -> ShownImage:
    seconds, nanoseconds = _numbers(values, 'stamp', 2, int, 0, 2**31 - 1)
    if nanoseconds >= 10**9:
        raise InputError(f'nanoseconds of a stamp are below 1000000000, got {nanoseconds}.')
    size = _numbers(values, 'size', 2, int, 1, MAX_SIDE)
    return ShownImage((seconds, nanoseconds), tuple(size),
                      _name(values.get('frame_id', ''), 'frame_id'))


def _numbers(values: dict[str, Any], name: str, count: int, kind: type, low: float,
             high: float) -> list:
    given = values.get(name)
    kinds = (int, float) if kind is float else (int,)
    right = (isinstance(given, list) and len(given) == count
             and all(type(number) in kinds and low <= number <= high
                     for number in given))
    if not right:
        what = 'numbers' if kind is float else 'whole numbers'
        raise InputError(f'{name} must be {count} {what} from {low:g} to {high:g}.')
    return [kind(number) for number in given]


def _name(given: Any, what: str) -> str:
    if not isinstance(given, str) or len(given) > MAX_NAME or not given.isprintable():
        raise InputError(f'{what} must be a text of at most {MAX_NAME} printable characters.')
    return given
