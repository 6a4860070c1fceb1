"""Launch files that refuse arguments they do not have; launch itself takes any name in silence."""

from __future__ import annotations

import difflib
from pathlib import Path
import runpy
from typing import Iterable, Iterator

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions

OF_LAUNCH = ('launch-prefix', 'launch-prefix-filter')
"""Names that every launch file takes."""


RESPAWN_DELAY_S = 2.0
"""Before a node that died is started again: what is refused at once does not flood."""


class FileArgument(DeclareLaunchArgument):
    """An argument that is the path of a file."""


def values(context: LaunchContext, file: str, arguments: Iterable[DeclareLaunchArgument],
           passed_on: Iterable[str] = ()) -> dict[str, str]:
    """Name -> value of the arguments with which a launch file was started or included.

    Args:
        passed_on: names of others that it takes for a file which it includes.

    Returns:
        Name -> value of each that it declares.

    Raises:
        RuntimeError: it has no argument of a name, with the nearest names; or a file is not there,
            which a node would pass over with a warning.
    """
    arguments = list(arguments)
    names = [argument.name for argument in arguments]
    _refuse_unknown(context, file, names, list(passed_on))
    given = {name: LaunchConfiguration(name).perform(context) for name in names}
    for argument in arguments:
        path = Path(given[argument.name])
        if isinstance(argument, FileArgument) and not path.is_file():
            raise RuntimeError(f'{argument.name} {path} is no file')
    return given


def declared(name: str) -> dict[str, DeclareLaunchArgument]:
    """Name -> argument of a launch file of this package."""
    return {argument.name: argument
            for argument in runpy.run_path(str(_path(name)))['arguments']()}


def include(name: str, arguments: Iterable[tuple[str, str]]) -> IncludeLaunchDescription:
    """Start another launch file of this package with arguments, each (name, value)."""
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(_path(name))), launch_arguments=arguments)


def overruling(name: str, description: str, choices: Iterable[str] = ()) -> DeclareLaunchArgument:
    """An argument that overrules the parameter file where it is not empty, as it is by default."""
    return DeclareLaunchArgument(
        name, default_value='', description=f'{description} Empty: as in params_file.',
        choices=['', *choices] if choices else None)


def installed_file(name: str, file: str, description: str) -> FileArgument:
    """An argument that is the path of a file; the default is one of this package's ``config``."""
    return FileArgument(
        name, default_value=str(_share() / 'config' / file), description=description)


def sim_time(chosen: str, bag: str = '') -> list[dict[str, bool]]:
    """The clock as parameters of one node; none where it is left to the node's file.

    Args:
        chosen: the argument `use_sim_time`: 'true', 'false' or empty.
        bag: a bag that is played, with its own clock; empty for none.
    """
    return [{'use_sim_time': bool(bag) or chosen == 'true'}] if bag or chosen else []


def _path(name: str) -> Path:
    return _share() / 'launch' / f'{name}.launch.py'


def _share() -> Path:
    return Path(get_package_share_directory('siamx_ros'))


def _refuse_unknown(context: LaunchContext, file: str, own: list[str],
                    passed_on: list[str]) -> None:
    known = [*own, *passed_on]
    root = getattr(context.get_locals_as_dict().get('event'), 'launch_description', None)
    for name in _given(context, Path(file).resolve(), [root] if root else []):
        if name not in (*known, *OF_LAUNCH):
            near = ', '.join(difflib.get_close_matches(name, known)) or 'none'
            others = ', but for those of the file that it includes' if passed_on else ''
            raise RuntimeError(f'{Path(file).name} has no argument {name!r}; near names: {near}; '
                               f'--show-args lists all{others}')


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
