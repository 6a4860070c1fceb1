"""evaluate.launch.py: its options are those of the command; run for real where launch is."""

from __future__ import annotations

import argparse
import ast
from pathlib import Path

import pytest
from square_sequence import write_square

from siamx_ros.commands import evaluate_bag
from siamx_ros.data.sequence import read_folder
from siamx_ros.evaluation.bag.writer import write_sequence

CRITERIA = 'metrics.auc: {min: %s}\n'


@pytest.fixture(scope='module')
def file(repository: Path) -> Path:
    return repository / 'launch/evaluate.launch.py'


@pytest.fixture
def options(file: Path) -> dict[str, str]:
    """Launch argument -> option."""
    return next(ast.literal_eval(node.value) for node in ast.parse(file.read_text()).body
                if isinstance(node, ast.Assign) and node.targets[0].id == 'OPTIONS')


def declared(file: Path) -> dict[str, dict[str, object]]:
    """Launch argument -> its literal keywords."""
    return {call.args[0].value: {word.arg: word.value for word in call.keywords}
            for call in ast.walk(ast.parse(file.read_text()))
            if isinstance(call, ast.Call) and getattr(call.func, 'id', '') == 'declare'}


def test_options_are_those_of_the_command(file: Path, options: dict[str, str]) -> None:
    parser = argparse.ArgumentParser()
    evaluate_bag.add_arguments(parser)
    known = {name for action in parser._actions for name in action.option_strings}
    assert set(options.values()) <= known
    arguments = declared(file)
    assert {*arguments, 'params_file', 'weights', 'device', 'adaptive'} == {
        *options, 'bag', 'overwrite'}
    choices = ast.literal_eval(arguments['mode']['choices'])
    assert set(choices) == set(evaluate_bag.MODES)
    assert all(words['description'] for words in arguments.values())
    assert [name for name, words in arguments.items() if 'default_value' not in words] == ['bag']


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    """Twelve images of a textured square that moves, with its boxes."""
    folder = tmp_path_factory.mktemp('walk') / 'square'
    write_square(folder, [(40 + 3 * index, 44, 32, 32) for index in range(12)], (160, 120))
    write_sequence(folder / 'bag', read_folder(folder))
    return folder / 'bag'


@pytest.mark.ros
@pytest.mark.parametrize('least, status', [(0.5, 0), (1.1, 1)])
def test_a_bag_is_scored_and_the_launch_fails_where_a_criterion_does(
        file: Path, bag: Path, tmp_path: Path, least: float, status: int) -> None:
    pytest.importorskip('launch.actions', reason='launch is not installed')
    import launch  # by itself, the folder of this name in the working tree would do
    from launch.launch_description_sources import PythonLaunchDescriptionSource
    (tmp_path / 'criteria.yaml').write_text(CRITERIA % least)
    service = launch.LaunchService()
    service.include_launch_description(launch.LaunchDescription([
        launch.actions.IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(file)), launch_arguments={
                'bag': str(bag), 'out': str(tmp_path / 'out'), 'device': 'cpu',
                'criteria': str(tmp_path / 'criteria.yaml')}.items())]))
    assert service.run() == status
    assert (tmp_path / 'out/summary.json').is_file()
