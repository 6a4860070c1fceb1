"""Launch files that refuse arguments they do not have; launch itself takes any name in silence."""

from __future__ import annotations

import difflib
from pathlib import Path
import runpy
from typing import Iterable, Iterator

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import IncludeLaunchDescription
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

OF_LAUNCH = ('launch-prefix', 'launch-prefix-filter')
"""Names that every launch file takes."""


def refuse_unknown(context: LaunchContext, file: str, known: Iterable[str]) -> None:
    """Refuse arguments that `ros2 launch` or an including file gave to a launch file.

    Args:
        context: of the launch file, while it is included.
        file: path of the launch file.
        known: names that it declares.

    Raises:
        RuntimeError: it has no argument of a name; near names are told.
    """
    known = list(known)
    root = getattr(context.get_locals_as_dict().get('event'), 'launch_description', None)
    for name in _given(context, Path(file).resolve(), [root] if root else []):
        if name not in (*known, *OF_LAUNCH):
            near = ', '.join(difflib.get_close_matches(name, known)) or 'none'
            raise RuntimeError(f'{Path(file).name} has no argument {name!r}; near names: {near}; '
                               '--show-args lists all')


def declared(file: str | Path) -> list[str]:
    """Names of the arguments of a launch file of this package."""
    return [argument.name for argument in runpy.run_path(str(file))['arguments']()]


def _given(context: LaunchContext, file: Path,
           entities: Iterable[LaunchDescriptionEntity]) -> Iterator[str]:
    """Names of the arguments with which a launch file is included, at any depth."""
    for entity in entities:
        if isinstance(entity, IncludeLaunchDescription) \
                and Path(entity.launch_description_source.location).resolve() == file:
            for name, _ in entity.launch_arguments:
                yield perform_substitutions(context, normalize_to_list_of_substitutions(name))
        below = entity.entities if isinstance(entity, LaunchDescription) \
            else entity.get_sub_entities()
        yield from _given(context, file, below)
