"""Recipe: follow, unless a joystick drives or a stop locks, by twist_mux.

`ros2 launch siamx_ros follow_me_twist_mux.launch.py image_topic:=/camera/image_raw`

Needs the package twist_mux. Takes the arguments of follow_me.launch.py, too, but for
`cmd_vel_topic`. Commands are of the type that the distribution uses, unless `mux_file` says
otherwise.
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch_ros.actions import Node

from siamx_ros.follower.follower_config import FollowerConfig
from siamx_ros.tools.launch_arguments import declared, include, installed_file, sim_time, values


def arguments() -> list[Action]:
    """The launch arguments of this file, and those that it gives to follow_me.launch.py."""
    return [
        installed_file('mux_file', 'recipes/twist_mux.yaml', 'Parameters of twist_mux as YAML.'),
        DeclareLaunchArgument(
            'cmd_vel_out', default_value='cmd_vel', description='Where the commands go.'),
        *(argument for name, argument in declared('follow_me').items() if name != 'cmd_vel_topic')]


def actions(context: LaunchContext) -> list[Action]:
    """The multiplexer, and what follows through it."""
    given = values(context, __file__, arguments())
    return [
        Node(package='twist_mux', executable='twist_mux', name='twist_mux', output='screen',
             namespace=given['namespace'],
             parameters=[{'use_stamped': FollowerConfig().stamped}, given['mux_file'],
                         *sim_time(given['use_sim_time'])],
             remappings=[('cmd_vel_out', given['cmd_vel_out']), ('stop', given['stop_topic'])]),
        include('follow_me', [('cmd_vel_topic', 'cmd_vel_follow')])]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=actions)])
