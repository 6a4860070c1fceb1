"""Recipe: follow behind Nav2's collision monitor, with the follower or with Nav2's FollowObject.

`ros2 launch siamx_ros nav2_follow.launch.py image_topic:=/camera/image_raw`

Needs nav2_collision_monitor and nav2_lifecycle_manager; with `follow_object:=true` also
opennav_following, which then drives in place of the follower. Takes the arguments of
follow_me.launch.py, too, but for `cmd_vel_topic`, or of tracker.launch.py with
`follow_object:=true`. Commands are of the type that the distribution uses, unless `nav2_file` says
otherwise.
"""

from __future__ import annotations

from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from siamx_ros.follower.follower_config import FollowerConfig
from siamx_ros.tools.launch_arguments import declared, include, installed_file, sim_time, values

MONITOR, SERVER = 'collision_monitor', 'following_server'


def arguments() -> list[Action]:
    """The launch arguments of this file; those of the included one come on top."""
    return [
        installed_file(
            'nav2_file', 'recipes/nav2_follow.yaml', "Parameters of Nav2's nodes as YAML."),
        DeclareLaunchArgument(
            'follow_object', default_value='false', choices=['true', 'false'],
            description="Drive by Nav2's following server instead of the follower.")]


def actions(context: LaunchContext) -> list[Action]:
    """Nav2's nodes, and what follows through them."""
    by_nav2 = LaunchConfiguration('follow_object').perform(context) == 'true'
    included = 'tracker' if by_nav2 else 'follow_me'
    passed_on = declared(included).keys() - {'cmd_vel_topic'}
    given = values(context, __file__, arguments(), passed_on)
    passed = [] if by_nav2 else [('cmd_vel_topic', 'cmd_vel_follow')]
    clock = sim_time(*(LaunchConfiguration(name, default='').perform(context)
                       for name in ('use_sim_time', 'bag')))
    return [*nav2(given['nav2_file'], by_nav2, clock), include(included, passed)]


def nav2(file: str, by_nav2: bool, clock: list[dict[str, bool]]) -> list[Node]:
    """The collision monitor, with the following server before it if that drives."""
    managed = [MONITOR, SERVER] if by_nav2 else [MONITOR]
    namespace = LaunchConfiguration('namespace', default='')
    drives = [{'enable_stamped_cmd_vel': FollowerConfig().stamped}, file, *clock]
    nodes = [
        Node(package='nav2_collision_monitor', executable='collision_monitor', name=MONITOR,
             namespace=namespace, output='screen', parameters=drives),
        Node(package='nav2_lifecycle_manager', executable='lifecycle_manager',
             name='lifecycle_manager_follow', namespace=namespace, output='screen',
             parameters=[file, {'node_names': managed}, *clock])]
    if by_nav2:
        nodes.append(Node(
            package='opennav_following', executable='opennav_following', name=SERVER,
            namespace=namespace, output='screen', parameters=drives,
            remappings=[('cmd_vel', 'cmd_vel_follow')]))
    return nodes


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=actions)])
