"""Settings in YAML files, plain ones and parameter files of ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import yaml

from siamx_ros.settings import SettingsError, dotted

WRAPPING = 'ros__parameters'
"""Key in a ROS parameter file below which the parameters of a node stand."""
EVERY_NODE = '/**'
"""Name in a ROS parameter file that stands for every node."""
TRACKER_NODE = 'siamx_tracker'
"""Name of the tracker's node where it was not given another."""


def read_settings_file(path: str | Path) -> tuple[dict[str, Any], bool]:
    """Read settings from YAML, with or without the ``node: ros__parameters:`` wrapping of ROS.

    Of a wrapped file this is what stands below ``/**`` and below the tracker's node, which wins:
    the node named :data:`TRACKER_NODE` in any namespace, or else the only node.

    Returns:
        The values, with dotted names if they were wrapped, and whether they were.

    Raises:
        SettingsError: not readable, not YAML, not a mapping, or wrapped in such a way that it is
            open which values are the tracker's.
    """
    try:
        text = Path(path).read_text(encoding='utf-8')
        _refuse_repeated(yaml.compose(text, yaml.SafeLoader))
        values = yaml.safe_load(text) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(f'cannot read settings from {path}: {_said(error)}') from None
    except RecursionError:
        raise SettingsError(f'cannot read settings from {path}: a part of it holds itself'
                            ) from None
    if not isinstance(values, dict):
        raise SettingsError(f'{path} holds {type(values).__name__}, expected a mapping of settings')
    if not _is_wrapped(values):
        return values, False
    try:
        return _of_tracker(list(_nodes(values))), True
    except SettingsError as error:
        raise SettingsError(f'{path}: {error}') from None


def _said(error: Exception) -> str:
    """What is wrong with a file, in one line."""
    mark = getattr(error, 'problem_mark', None)
    if mark is not None:
        return f'{error.problem}, in line {mark.line + 1}, column {mark.column + 1}'
    return getattr(error, 'strerror', None) or str(error)


def _refuse_repeated(node: yaml.Node | None) -> None:
    """Refuse a key that a mapping has twice, of which YAML's reader keeps the last.

    Raises:
        SettingsError: there is one.
    """
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value]
        for number, (key, value) in enumerate(node.value):
            if key.value in names[:number]:
                raise SettingsError(f'{key.value!r} is given twice, the second time in line '
                                    f'{key.start_mark.line + 1}')
            _refuse_repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated(value)


def _is_wrapped(values: Any) -> bool:
    return isinstance(values, dict) and (
        WRAPPING in values or any(map(_is_wrapped, values.values())))


def _nodes(values: dict, namespace: str = '') -> Iterator[tuple[str, dict[str, Any]]]:
    """The nodes of a ROS parameter file, in any namespace: (absolute name, dotted parameters)."""
    for key, value in values.items():
        name = f'{namespace}/{str(key).strip("/")}'
        if not isinstance(value, dict):
            raise SettingsError(f'{name} is a value outside of every {WRAPPING}')
        if WRAPPING not in value:
            yield from _nodes(value, name)
            continue
        parameters = {} if value[WRAPPING] is None else value[WRAPPING]
        if len(value) > 1 or not isinstance(parameters, dict):
            raise SettingsError(f'{name} must hold {WRAPPING} alone, and that a mapping')
        yield name, dotted(parameters)


def _of_tracker(nodes: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """The parameters of every node, then those of the one that must be the tracker."""
    single = [node for node in nodes if node[0] != EVERY_NODE]
    named = [node for node in single if node[0].rpartition('/')[2] in (TRACKER_NODE, '*', '**')]
    chosen = named or single
    if len(chosen) > 1:
        raise SettingsError(f'any of {", ".join(name for name, _ in chosen)} may be the tracker: '
                            'keep the one that is meant')
    result: dict[str, Any] = {}
    for _, parameters in [*(node for node in nodes if node[0] == EVERY_NODE), *chosen]:
        result.update(parameters)
    return result
