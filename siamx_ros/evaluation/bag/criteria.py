"""Pass or fail: bounds on the figures of a replay, written in a YAML file.

    metrics.auc: {min: 0.5}
    validity.wrong_while_valid: {max: 0.05}
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from pathlib import Path
from typing import Any

from siamx_ros.errors import InputError
from siamx_ros.settings_files import read_settings_file


OPTIONAL = ('bearing', 'at_arrival', 'node')
"""Groups of figures that not every replay has."""


@dataclass(frozen=True)
class Criterion:
    """Bounds on one figure; a figure that could not be measured fails."""

    name: str
    low: float = -math.inf
    high: float = math.inf

    def holds(self, value: float | None) -> bool:
        """Whether a figure lies within the bounds."""
        return value is not None and math.isfinite(value) and self.low <= value <= self.high

    def __str__(self) -> str:
        bounds = [f'>= {self.low:g}'] * math.isfinite(self.low)
        bounds += [f'<= {self.high:g}'] * math.isfinite(self.high)
        return f'{self.name} {" and ".join(bounds)}'


def read_criteria(path: str | Path) -> list[Criterion]:
    """Read criteria: ``group.figure: {min: number, max: number}``, one of the two may be absent.

    Raises:
        InputError: not readable, or a bound is not a number.
    """
    criteria = []
    for name, bounds in read_settings_file(path)[0].items():
        if not isinstance(bounds, dict) or not bounds or set(bounds) - {'min', 'max'}:
            raise InputError(f'{path}: {name} needs min, max or both, got {bounds!r}')
        for bound in bounds.values():
            if isinstance(bound, bool) or not isinstance(bound, (int, float)):
                raise InputError(f'{path}: a bound of {name} is no number: {bound!r}')
        criteria.append(Criterion(
            str(name), bounds.get('min', -math.inf), bounds.get('max', math.inf)))
    if not criteria:
        raise InputError(f'{path} holds no criterion')
    return criteria


def check(criteria: list[Criterion], figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare figures: of each criterion, ``criterion``, ``value`` and ``passed``.

    Args:
        criteria: as read.
        figures: groups of figures.

    Returns:
        One entry per criterion: ``criterion``, ``value`` and ``passed``.

    Raises:
        InputError: a figure is unknown.
    """
    return [{'criterion': str(each), 'value': _figure(each.name, figures),
             'passed': each.holds(_figure(each.name, figures))} for each in criteria]


def _figure(name: str, figures: dict[str, Any]) -> float | None:
    if name.partition('.')[0] in set(OPTIONAL) - set(figures):
        return None
    known = {f'{group}.{key}': value for group, values in figures.items()
             for key, value in values.items() if not isinstance(value, (list, dict))}
    if name not in known:
        raise InputError(f'there is no figure {name!r}; known: {", ".join(sorted(known))}')
    return known[name]
