"""What the tracker's launch file makes of its arguments; nothing is started."""

from __future__ import annotations

import runpy

from launch import LaunchContext
from launch.events.process import ProcessExited
from launch.utilities import perform_substitutions
from launch_ros.actions import Node
from launch_ros.utilities import evaluate_parameters
import pytest

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def functions(repository) -> dict:
    """What the launch file defines."""
    return runpy.run_path(str(repository / 'launch/tracker.launch.py'))


def start(functions: dict, **given: str) -> list:
    """The actions of the launch file for some arguments, not executed."""
    context = LaunchContext()
    for argument in functions['arguments']():
        context.launch_configurations[argument.name] = given.get(
            argument.name, perform_substitutions(context, argument.default_value))
    return functions['actions'](context)


@pytest.mark.parametrize('given, remaps', [
    ({}, {'camera_info': 'camera_info', 'depth': 'depth'}),
    ({'image_topic': '/c/image_raw', 'depth_topic': '/d/image_rect'},
     {'image': '/c/image_raw', 'image/compressed': '/c/image_raw/compressed',
      'camera_info': '/c/camera_info', 'depth': '/d/image_rect'}),
    ({'image_topic': '/c/image', 'camera_info_topic': '/camera_info'},
     {'camera_info': '/camera_info', '/c/camera_info': '/camera_info'})])
def test_topics_become_remaps(functions: dict, given: dict, remaps: dict) -> None:
    default = {'image_topic': 'image', 'depth_topic': 'depth', 'camera_info_topic': ''}
    made = dict(functions['remappings']({**default, **given}))
    assert {**made, **remaps} == made
    assert made.keys() - {'/c/camera_info'} == {'image', 'image/compressed', 'camera_info', 'depth'}


def test_a_bag_is_played_once_the_node_is_active(functions: dict) -> None:
    _, waiting, ready = start(functions, bag='/dev')
    assert ready.node_executable == 'await_active'
    for status, players in ((1, 0), (0, 1)):
        ended = ProcessExited(action=ready, name='await_active', cmd=[], cwd=None, env=None,
                              pid=1, returncode=status)
        assert waiting.event_handler.matches(ended)
        assert len(waiting.event_handler.handle(ended, LaunchContext()) or []) == players


@pytest.mark.parametrize('namespace, topic', [
    ('robot', '/robot/eye/debug_image'), ('/robot', '/robot/eye/debug_image'),
    ('', '/eye/debug_image')])
def test_the_debug_view_has_an_absolute_topic(functions: dict, namespace: str, topic: str) -> None:
    assert functions['debug_topic']({'namespace': namespace, 'node_name': 'eye'}) == topic


def parameters(node: Node) -> list:
    """What a node is given, in order: paths of files and dicts."""
    return list(evaluate_parameters(LaunchContext(), node._Node__parameters))


@pytest.mark.parametrize('given, sets', [
    ({}, []), ({'use_sim_time': 'false'}, [False]), ({'use_sim_time': 'true'}, [True]),
    ({'bag': '/dev'}, [True]), ({'bag': '/dev', 'use_sim_time': 'false'}, [True])], ids=str)
def test_the_clock_goes_to_every_node(functions: dict, given: dict, sets: list) -> None:
    actions = start(functions, init_box='80,60,40,40', **given)
    tracker, *helpers = [action for action in actions if isinstance(action, Node)]
    assert len(helpers) == 1 + ('bag' in given)
    _, *after = parameters(tracker)
    assert after == [{'use_sim_time': on} for on in sets]
    assert all(parameters(helper) == after for helper in helpers)
