"""The recipes for twist_mux and Nav2 fit the follower and each other; read as files."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from siamx_ros.control.limits import FollowLimits
from siamx_ros.follower.follower_config import FollowerConfig
from siamx_ros.settings_files import TRACKER_NODE

BETWEEN = 'cmd_vel_follow'
ANYWHERE = '/**/'
LIMITS = FollowLimits()


def parameters(repository: Path, name: str) -> dict[str, dict]:
    """Node -> its parameters, which are for it in any namespace."""
    nodes = yaml.safe_load((repository / f'config/recipes/{name}.yaml').read_text())
    assert all(node.startswith(ANYWHERE) for node in nodes)
    return {node.removeprefix(ANYWHERE): values['ros__parameters']
            for node, values in nodes.items()}


def strings(repository: Path, name: str) -> set[str]:
    """All literal strings of a launch file."""
    tree = ast.parse((repository / f'launch/{name}.launch.py').read_text())
    return {node.value for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize('file, recipe', [
    ('follow_me_twist_mux', 'twist_mux'), ('nav2_follow', 'nav2_follow')])
def test_the_launch_file_starts_the_nodes_of_its_parameters(repository, file, recipe):
    used = strings(repository, file)
    assert set(parameters(repository, recipe)) <= used
    assert {BETWEEN, 'cmd_vel_topic', f'recipes/{recipe}.yaml'} <= used


def test_twist_mux_takes_the_follower_and_stops_on_the_same_topic(repository):
    mux = parameters(repository, 'twist_mux')['twist_mux']
    follower, others = mux['topics']['follower'], mux['topics']['joystick']
    assert follower['topic'] == BETWEEN and follower['timeout'] <= 0.5
    assert follower['priority'] < others['priority'] < mux['locks']['stop']['priority'] == 255
    assert mux['locks']['stop'] == {'topic': 'stop', 'timeout': 0.0, 'priority': 255}
    assert 'use_stamped' not in mux, 'the launch file goes by the distribution'


def test_nav2_lets_through_what_drives_on_one_topic(repository):
    nodes = parameters(repository, 'nav2_follow')
    server, monitor = nodes['following_server'], nodes['collision_monitor']
    assert (monitor['cmd_vel_in_topic'], monitor['cmd_vel_out_topic']) == (BETWEEN, 'cmd_vel')
    assert not {'enable_stamped_cmd_vel'} & {*server, *monitor}, 'by the launch file'
    assert server['detection_timeout'] <= 0.5 and monitor['source_timeout'] <= 0.5
    assert server['desired_distance'] == LIMITS.distance
    assert server['controller']['v_linear_max'] == LIMITS.max_linear
    assert server['controller']['v_angular_max'] == LIMITS.max_angular
    assert server['controller']['use_collision_detection'] is False
    assert all(zone in monitor for zone in monitor['polygons'])
    assert all(source in monitor for source in monitor['observation_sources'])
    assert monitor['stop_zone']['radius'] < LIMITS.stop_distance
    assert monitor['base_frame_id'] == server['base_frame'] == FollowerConfig().base_frame


def test_the_parameters_of_follow_me_are_for_its_nodes_in_any_namespace(repository):
    nodes = yaml.safe_load((repository / 'config/follow_me.yaml').read_text())
    names = {TRACKER_NODE, 'follower', 'panel'}
    assert set(nodes) == {f'/**/{name}' for name in names}
    assert names - {TRACKER_NODE} <= strings(repository, 'follow_me')
