"""Command-line options made from settings declarations, and boxes read from text."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from siamx_ros.config import ModelConfig, TrackerConfig
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.node_config import NodeConfig, is_of_ros
from siamx_ros.settings import Settings, SettingsError, dotted, unknown, walk
from siamx_ros.settings_files import read_settings_file

_MARK = 'setting:'
TRACKER_SETTINGS = {'model': ModelConfig(), 'tracking': TrackerConfig()}
"""Groups of settings of every command that tracks."""
_MODEL_SHORT = {'weights': '--weights', 'device': '--device', 'threads': '--threads'}
"""Settings of a model that have a short option in every command."""


def add_config_file(parser: argparse.ArgumentParser) -> None:
    """Add ``--config FILE``, read by :func:`read_settings`."""
    parser.add_argument(
        '--config', metavar='FILE', action='append', default=[],
        help='YAML file of settings; of a ROS parameter file, those of /** and of the tracker; '
             'may be given again, later files and the options below win')


def add_sequences(parser: argparse.ArgumentParser) -> None:
    """Add DATA, a folder of sequences, and ``--sequences``, whose value :func:`names` reads."""
    parser.add_argument(
        'data', metavar='DATA', type=Path,
        help='folder of sequences <name>/img/ + <name>/groundtruth.txt, or one such sequence')
    parser.add_argument('--sequences', metavar='A,B,...', help='only these sequences')


def names(text: str | None, option: str) -> list[str]:
    """The names in a list with commas; none of None, where the option was not given.

    Raises:
        InputError: the option was given without a name, as by a variable that is not set.
    """
    found = [name.strip() for name in (text or '').split(',') if name.strip()]
    if text is not None and not found:
        raise InputError(f'{option} takes names with commas between them, got {text!r}')
    return found


def add_tracker_settings(parser: argparse.ArgumentParser, *, adaptive: bool = False) -> None:
    """Add ``--config`` and an option for each of :data:`TRACKER_SETTINGS`.

    Args:
        adaptive: whether ``--adaptive`` is the short option of ``tracking.adaptive``.
    """
    add_config_file(parser)
    add_settings(parser, TRACKER_SETTINGS['model'], 'model', short=_MODEL_SHORT)
    add_settings(parser, TRACKER_SETTINGS['tracking'], 'tracking',
                 short={'adaptive': '--adaptive'} if adaptive else None)


def add_settings(parser: argparse.ArgumentParser, settings: Settings, prefix: str, *,
                 title: str = '', short: Mapping[str, str] | None = None,
                 only: Sequence[str] = ()) -> None:
    """Add one option per setting, e.g. ``--tracking.penalty_k``.

    Set ``parser.usage`` yourself: the one argparse makes would list every setting.

    Args:
        prefix: group name in option names and files, '' for none.
        title: heading of the group in ``--help``.
        short: setting name -> a short option for it, e.g. ``{'weights': '--weights'}``, listed
            among the command's own options.
        only: the settings, and groups of them, that get options; empty for all.
    """
    short = short or {}
    group = parser.add_argument_group(title or f'{prefix or "other"} settings')
    for name, field, default in walk(settings):
        if only and name not in only and name.partition('.')[0] not in only:
            continue
        full = f'{prefix}.{name}' if prefix else name
        text = _help(default, field.metadata)
        kind = field.default if default == () else default
        common = {'dest': _MARK + full, 'default': argparse.SUPPRESS,
                  'metavar': _metavar(default, field.metadata), 'type': _reader(kind)}
        if name in short:
            parser.add_argument(short[name], help=text, **common)
            text = f'same as {short[name]}'
        group.add_argument(f'--{full}', help=text, **common)


def read_settings(args: argparse.Namespace, groups: Mapping[str, Settings]) -> dict[str, Settings]:
    """Settings from defaults, then ``--config`` files, then options.

    Args:
        args: parsed by a parser that went through :func:`add_settings` with the same prefixes.
        groups: prefix -> defaults.

    Returns:
        prefix -> settings.

    Raises:
        SettingsError: an unknown name, a wrong type or a value out of range.
    """
    result = dict(groups)
    for path in getattr(args, 'config', []):
        for prefix, values in _file_values(path, groups).items():
            result[prefix] = _replaced(result[prefix], values, prefix, f' in {path}')
    for prefix in groups:
        start = f'{_MARK}{prefix}.' if prefix else _MARK
        given = {name[len(start):]: value for name, value in vars(args).items()
                 if name.startswith(start)}
        result[prefix] = _replaced(result[prefix], given, prefix, '')
    return result


def parse_box(text: str) -> BoundingBox:
    """A box from ``x,y,w,h`` in pixels.

    Raises:
        InputError: not four finite numbers, or a size that is not positive.
    """
    parts = text.replace(' ', '').split(',')
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 4:
        raise InputError(f'a box is four numbers x,y,w,h in pixels, got {text!r}')
    return BoundingBox.from_xywh(numbers)


def _file_values(path: str, groups: Mapping[str, Settings]) -> dict[str, dict[str, Any]]:
    """A file's values by group; names of no group belong to group '' or are refused.

    A ROS file may also hold what only the node has.
    """
    values, is_ros_file = read_settings_file(path)
    known = {f'{p}.{n}' if p else n for p, s in groups.items() for n, _, _ in walk(s)}
    if is_ros_file:
        known |= {name for name, _, _ in walk(NodeConfig())}
    split: dict[str, dict[str, Any]] = {prefix: {} for prefix in groups}
    for name, value in dotted(values).items():
        prefix, _, rest = name.partition('.')
        if prefix in groups and not rest:
            raise SettingsError(f'{path}: {name} is a group of settings, got {value!r}')
        if prefix in groups:
            split[prefix][rest] = value
        elif '' in groups:
            split[''][name] = value
        elif name not in known and not (is_ros_file and is_of_ros(name)):
            raise SettingsError(f'{path}: {unknown(name, sorted(known))}')
    return split


def _replaced(settings: Settings, values: dict[str, Any], prefix: str, place: str) -> Settings:
    try:
        return settings.replace(values)
    except SettingsError as error:
        raise SettingsError(f'{prefix} settings{place}: {error}' if prefix else
                            f'settings{place}: {error}') from None


def _reader(default: Any) -> Callable[[str], Any]:
    """A function from text to the type of ``default``."""
    wanted = type(default)

    def read(text: str) -> Any:
        if wanted is bool:
            words = {'true': True, 'yes': True, '1': True, 'false': False, 'no': False, '0': False}
            if text.lower() not in words:
                raise argparse.ArgumentTypeError(f'expected true or false, got {text!r}')
            return words[text.lower()]
        try:
            if wanted is tuple:
                element = type(default[0]) if default else str
                return tuple(element(part) for part in text.split(',') if part)
            return wanted(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f'expected {wanted.__name__}, got {text!r}') from None
    return read


def _metavar(default: Any, metadata: Mapping[str, Any]) -> str:
    if metadata['choices']:
        return '|'.join(map(str, metadata['choices']))
    if isinstance(default, bool):
        return 'true|false'
    return {float: 'NUMBER', int: 'N', str: 'TEXT', tuple: 'A,B,...'}[type(default)]


def _help(default: Any, metadata: Mapping[str, Any]) -> str:
    shown = ','.join(map(str, default)) if isinstance(default, tuple) else str(default)
    low, high, unit = metadata['low'], metadata['high'], metadata['unit']
    limits = f'{low:g} to {high:g}' if low is not None and high is not None else ''
    details = ', '.join(filter(None, (limits, unit, f'default {shown or repr(shown)}')))
    return f'{metadata["help"]} ({details})'.replace('%', '%%')
