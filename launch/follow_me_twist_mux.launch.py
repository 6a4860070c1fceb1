"""Recipe: follow, unless a joystick drives or a stop locks, by twist_mux.

`ros2 launch siamx_ros follow_me_twist_mux.launch.py image_topic:=/camera/image_raw`

Needs the package twist_mux. Takes the arguments of follow_me.launch.py, too.
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from siamx_ros.tools.launch_arguments import declared, refuse_unknown


def arguments() -> list[Action]:
    """The launch arguments of this file; those of follow_me.launch.py come on top."""
    share = Path(get_package_share_directory('siamx_ros'))
    return [
        DeclareLaunchArgument(
            'mux_file', default_value=str(share / 'config/recipes/twist_mux.yaml'),
            description='Parameters of twist_mux as YAML.'),
        DeclareLaunchArgument(
            'cmd_vel_out', default_value='cmd_vel', description='Where the commands go.')]


def actions(context: LaunchContext) -> list[Action]:
    """The multiplexer, and what follows through it."""
    follow_me = Path(get_package_share_directory('siamx_ros')) / 'launch/follow_me.launch.py'
    refuse_unknown(context, __file__, [
        *(argument.name for argument in arguments()), *declared(follow_me)])
    return [
        Node(package='twist_mux', executable='twist_mux', name='twist_mux', output='screen',
             namespace=LaunchConfiguration('namespace', default=''),
             parameters=[LaunchConfiguration('mux_file')],
             remappings=[('cmd_vel_out', LaunchConfiguration('cmd_vel_out'))]),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(str(follow_me)),
                                 launch_arguments=[('cmd_vel_topic', 'cmd_vel_follow')])]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=actions)])
