"""Start what a robot needs to follow: the tracker, the follower and, if wanted, the panel.

`ros2 launch siamx_ros follow_me.launch.py image_topic:=/camera/image_raw use_depth:=true`

The robot drives once the service `~/enable` of the follower was called, which the panel does, too.
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from siamx_ros.tools.launch_arguments import refuse_unknown

BOOL = ['true', 'false']
OF_TRACKER = ('namespace', 'params_file', 'image_topic', 'camera_info_topic', 'depth_topic',
              'image_transport', 'weights', 'device', 'use_depth', 'target_height',
              'fallback_hfov', 'use_sim_time', 'log_level', 'init_box', 'respawn')
"""Arguments that tracker.launch.py gets, too."""


def arguments() -> list[Action]:
    """All launch arguments; an empty value leaves a setting to `params_file`."""
    share = Path(get_package_share_directory('siamx_ros'))
    declare = DeclareLaunchArgument
    return [
        declare('namespace', default_value='', description='Namespace of the nodes.'),
        declare('params_file', default_value=str(share / 'config/follow_me.yaml'),
                description='Parameters of all nodes as YAML.'),
        declare('image_topic', default_value='image',
                description='Camera image; without the /compressed of a compressed topic.'),
        declare('camera_info_topic', default_value='',
                description='Camera calibration. Empty: camera_info beside image_topic.'),
        declare('depth_topic', default_value='depth',
                description='Depth image registered to image_topic, used if use_depth is set.'),
        declare('image_transport', default_value='', choices=['', 'raw', 'compressed'],
                description='How images are sent. Empty: as in params_file.'),
        declare('weights', default_value='',
                description='Name of a shipped model or path of one. Empty: as in params_file.'),
        declare('device', default_value='',
                description='auto, cpu, cuda or cuda:N. Empty: as in params_file.'),
        declare('use_depth', default_value='', choices=['', *BOOL],
                description='Take the range from depth_topic. Empty: as in params_file.'),
        declare('target_height', default_value='',
                description='Known height of the target for its range, metres. '
                            'Empty: as in params_file.'),
        declare('fallback_hfov', default_value='',
                description='Horizontal field of view without camera_info, degrees. '
                            'Empty: as in params_file.'),
        declare('use_sim_time', default_value='', choices=['', *BOOL],
                description='Take the time from /clock. Empty: as in params_file.'),
        declare('log_level', default_value='info',
                choices=['debug', 'info', 'warn', 'error', 'fatal'],
                description='Least severity that is logged.'),
        declare('init_box', default_value='',
                description='Target on the first image, "cx,cy,w,h" in pixels. Empty: none.'),
        declare('respawn', default_value='true', choices=BOOL,
                description='Start a node again after it died; the follower not enabled.'),
        declare('panel', default_value='false', choices=BOOL,
                description='Start the panel in the browser, on this machine alone unless '
                            'params_file says otherwise.'),
        declare('cmd_vel_topic', default_value='cmd_vel', description='Where the commands go.'),
        declare('stop_topic', default_value='stop', description='What stops the robot.'),
    ]


def actions(context: LaunchContext) -> list[Action]:
    """What to start, now that the arguments are known."""
    names = [argument.name for argument in arguments()]
    refuse_unknown(context, __file__, names)
    given = {name: LaunchConfiguration(name).perform(context) for name in names}
    return [follower(given), tracker(given), *panel(given)]


def tracker(given: dict[str, str]) -> Action:
    """The tracker, by its own launch file, whose arguments stay its own."""
    file = Path(get_package_share_directory('siamx_ros')) / 'launch/tracker.launch.py'
    passed = [(name, given[name]) for name in OF_TRACKER]
    return GroupAction([IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(file)), launch_arguments=passed)])


def follower(given: dict[str, str]) -> Node:
    """The follower; one that is started again begins with a stop."""
    return Node(
        package='siamx_ros', executable='follower', output='screen', emulate_tty=True,
        namespace=given['namespace'], name='follower',
        parameters=[given['params_file'], *sim_time(given)],
        remappings=[('cmd_vel', given['cmd_vel_topic']), ('stop', given['stop_topic'])],
        respawn=given['respawn'] == 'true', ros_arguments=['--log-level', given['log_level']])


def panel(given: dict[str, str]) -> list[Action]:
    """The panel, where it is wanted."""
    if given['panel'] != 'true':
        return []
    image = given['image_topic']
    chosen = [{'image_transport': given['image_transport']}] if given['image_transport'] else []
    return [Node(
        package='siamx_ros', executable='panel', output='screen', emulate_tty=True,
        namespace=given['namespace'], name='panel',
        parameters=[given['params_file'], *chosen, *sim_time(given)],
        remappings=[('image', image), ('image/compressed', f'{image}/compressed')],
        ros_arguments=['--log-level', given['log_level']])]


def sim_time(given: dict[str, str]) -> list[dict[str, bool]]:
    """The clock as parameters of one node."""
    return [{'use_sim_time': given['use_sim_time'] == 'true'}] if given['use_sim_time'] else []


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=actions)])
