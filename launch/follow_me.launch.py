"""Start what a robot needs to follow: the tracker, the follower and, if wanted, the panel.

`ros2 launch siamx_ros follow_me.launch.py image_topic:=/camera/image_raw use_depth:=true`

The robot drives once the service `~/enable` of the follower was called, which the panel does, too.
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, GroupAction, OpaqueFunction
from launch_ros.actions import Node

from siamx_ros.tools.launch_arguments import (
    RESPAWN_DELAY_S, declared, include, installed_file, overruling, sim_time, values)

BOOL = ['true', 'false']
OF_TRACKER = ('namespace', 'image_topic', 'camera_info_topic', 'depth_topic', 'image_transport',
              'image_reliability', 'image_rectified', 'weights', 'device', 'use_depth',
              'depth_slop', 'target_height', 'fallback_hfov', 'use_sim_time', 'log_level',
              'init_box')
"""Arguments of tracker.launch.py that this file takes, too, and gives to it."""
OF_PANEL = {'image_transport': 'image_transport', 'host': 'panel_host'}
"""Parameter of the panel -> the argument that overrules it where it is not empty."""


def arguments() -> list[Action]:
    """All launch arguments; an empty value leaves a setting to `params_file`."""
    declare, of_tracker = DeclareLaunchArgument, declared('tracker')
    return [
        *(of_tracker[name] for name in OF_TRACKER),
        installed_file('params_file', 'follow_me.yaml', 'Parameters of all nodes as YAML.'),
        declare('respawn', default_value='true', choices=BOOL,
                description='Start a node again after it died; the follower not enabled.'),
        declare('panel', default_value='false', choices=BOOL,
                description='Start the panel in the browser.'),
        overruling('panel_host', 'Address on which the panel listens, 0.0.0.0 for all; on any '
                                 'but a loopback one it asks for a token and prints it.'),
        declare('cmd_vel_topic', default_value='cmd_vel', description='Where the commands go.'),
        declare('stop_topic', default_value='stop', description='What stops the robot.'),
    ]


def actions(context: LaunchContext) -> list[Action]:
    """What to start, now that the arguments are known."""
    given = values(context, __file__, arguments())
    return [follower(given), tracker(given), *panel(given)]


def tracker(given: dict[str, str]) -> Action:
    """The tracker, by its own launch file, whose arguments stay its own."""
    passed = [(name, given[name]) for name in (*OF_TRACKER, 'params_file', 'respawn')]
    return GroupAction([include('tracker', passed)])


def follower(given: dict[str, str]) -> Node:
    """The follower; one that is started again begins with a stop."""
    return Node(
        package='siamx_ros', executable='follower', output='screen', emulate_tty=True,
        namespace=given['namespace'], name='follower',
        parameters=[given['params_file'], *sim_time(given['use_sim_time'])],
        remappings=[('cmd_vel', given['cmd_vel_topic']), ('stop', given['stop_topic'])],
        respawn=given['respawn'] == 'true', respawn_delay=RESPAWN_DELAY_S,
        ros_arguments=['--log-level', given['log_level']])


def panel(given: dict[str, str]) -> list[Action]:
    """The panel, where it is wanted."""
    if given['panel'] != 'true':
        return []
    image = given['image_topic']
    chosen = [{name: given[argument]} for name, argument in OF_PANEL.items() if given[argument]]
    return [Node(
        package='siamx_ros', executable='panel', output='screen', emulate_tty=True,
        namespace=given['namespace'], name='panel',
        parameters=[given['params_file'], *chosen, *sim_time(given['use_sim_time'])],
        remappings=[('image', image), ('image/compressed', f'{image}/compressed')],
        respawn=given['respawn'] == 'true', respawn_delay=RESPAWN_DELAY_S,
        ros_arguments=['--log-level', given['log_level']])]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=actions)])
