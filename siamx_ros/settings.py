"""What all settings share: frozen dataclasses that check themselves and read plain dictionaries.

ROS parameters, command-line options, ``config/*.yaml`` and ``docs/parameters.md`` are made from
declarations with :func:`setting`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
import difflib
import math
from typing import Any, ClassVar, Iterator

from siamx_ros.errors import InputError


class SettingsError(InputError):
    """A setting is unknown, of the wrong type, or outside its range."""


def setting(default: Any, help: str, *, unit: str = '', low: float | None = None,
            high: float | None = None, choices: tuple = (), live: bool = False,
            ablation: bool = False) -> Any:
    """Declare one field of a settings dataclass.

    Args:
        default: the one place where this default is written; bool, int, float, str or a tuple.
        help: one sentence for ``--help``, ``ros2 param describe`` and the parameter table.
        live: whether a running node may change it.
        ablation: whether only comparisons turn it: no parameter of a node.
    """
    return dataclasses.field(default=default, metadata={
        'help': help, 'unit': unit, 'low': low, 'high': high, 'choices': choices, 'live': live,
        'ablation': ablation})


@dataclass(frozen=True)
class Settings:
    """Base of all settings: checks itself, reads and writes plain dictionaries."""

    renamed: ClassVar[dict[str, str]] = {}
    """Former names of settings, and those of today."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if dataclasses.is_dataclass(value):
                continue
            object.__setattr__(self, field.name, _checked(field, value))
        self.check()

    def check(self) -> None:
        """Check relations between fields; raises SettingsError."""

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values: tuples become lists, so that YAML and JSON can hold them."""
        def plain(value: Any) -> Any:
            if isinstance(value, Settings):
                return value.to_dict()
            return list(value) if isinstance(value, tuple) else value
        return {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Settings:
        """Build from nested or dotted names; names that are absent keep their default.

        Raises:
            SettingsError: an unknown name (near names are listed), a wrong type or range.
        """
        return cls().replace(values)

    def replace(self, values: dict[str, Any]) -> Settings:
        """A copy with some values changed, given by nested or dotted names.

        Raises:
            SettingsError: a name or a value that cannot be used.
        """
        fields = {field.name: field for field in dataclasses.fields(self)}
        changed: dict[str, Any] = {}
        nested: dict[str, dict] = {}
        for name, value in values.items():
            head, _, rest = name.partition('.')
            if head in self.renamed:
                raise SettingsError(f'{head} is called {self.renamed[head]} now')
            is_group = isinstance(getattr(self, head, None), Settings)
            if head not in fields or (rest and not is_group):
                raise SettingsError(unknown(name, [n for n, _, _ in walk(self)]))
            if not is_group:
                changed[head] = value
            elif rest or isinstance(value, dict):
                nested.setdefault(head, {}).update({rest: value} if rest else value)
            else:
                raise SettingsError(f'{name} is a group of settings, got {value!r}')
        for head, group in nested.items():
            try:
                changed[head] = getattr(self, head).replace(group)
            except SettingsError as error:
                raise SettingsError(f'{head}: {error}') from None
        return dataclasses.replace(self, **changed)


def walk(settings: Settings, prefix: str = '') -> Iterator[tuple[str, dataclasses.Field, Any]]:
    """All leaves of a settings tree as (dotted name, field, value)."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Settings):
            yield from walk(value, f'{prefix}{field.name}.')
        else:
            yield prefix + field.name, field, value


def parameters(settings: Settings) -> Iterator[tuple[str, dataclasses.Field, Any]]:
    """The leaves of a settings tree that are parameters of a node, as :func:`walk` gives them."""
    return (leaf for leaf in walk(settings) if not leaf[1].metadata['ablation'])


def parameter_values(settings: Settings) -> dict[str, Any]:
    """The parameters of a node as nested plain values."""
    values: dict[str, Any] = {}
    for name, _, value in parameters(settings):
        *groups, leaf = name.split('.')
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = list(value) if isinstance(value, tuple) else value
    return values


def dotted(values: dict, prefix: str = '') -> dict[str, Any]:
    """Nested or dotted names as dotted ones; what stands later wins."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(dotted(value, f'{prefix}{name}.'))
        else:
            flat[f'{prefix}{name}'] = value
    return flat


def unknown(name: str, known: list[str]) -> str:
    """Half a sentence: that there is no such setting, and which ones have a name near to it."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    return f'unknown setting {name!r}' + (f'; near names: {", ".join(near)}' if near else '')


def as_meant(field: dataclasses.Field, value: Any) -> Any:
    """A value as YAML writes it, in the type of its setting where there is no doubt about it.

    A whole number is a float, too, and YAML reads a plain ``off`` or ``on`` as a truth value, and
    ``1e-3`` as a text.
    """
    if type(value) in (int, str) and isinstance(field.default, float):
        return _number(value)
    if isinstance(value, bool) and isinstance(field.default, str):
        name = 'on' if value else 'off'
        return name if name in field.metadata['choices'] else value
    return value


def _number(value: int | str) -> float | str:
    """As a float, infinite where it is beyond all of them; a text that is no number as it is."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except ValueError:
        return value


def _checked(field: dataclasses.Field, value: Any) -> Any:
    """Check one value against its declaration and return it in the declared type."""
    meta = field.metadata
    wanted = type(field.default)
    value = as_meant(field, value)
    if wanted is tuple and isinstance(value, list):
        value = tuple(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise SettingsError(
            f'{field.name} must be {wanted.__name__}, got {value!r} ({type(value).__name__})')
    unit = f' {meta["unit"]}' if meta['unit'] else ''
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f'{field.name} must be finite, got {value}')
    if meta['low'] is not None and value < meta['low']:
        raise SettingsError(f'{field.name} must be at least {meta["low"]}{unit}, got {value}')
    if meta['high'] is not None and value > meta['high']:
        raise SettingsError(f'{field.name} must be at most {meta["high"]}{unit}, got {value}')
    if meta['choices'] and value not in meta['choices']:
        raise SettingsError(
            f'{field.name} must be one of {", ".join(map(str, meta["choices"]))}, got {value!r}')
    return value
