"""Recipe: follow behind Nav2's collision monitor, with the follower or with Nav2's FollowObject.

`ros2 launch siamx_ros nav2_follow.launch.py image_topic:=/camera/image_raw`

Needs nav2_collision_monitor and nav2_lifecycle_manager; with `follow_object:=true` also
opennav_following, which then drives in place of the follower. Takes the arguments of
follow_me.launch.py, too, or of tracker.launch.py with `follow_object:=true`.
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

MONITOR, SERVER = 'collision_monitor', 'following_server'


def arguments() -> list[Action]:
    """The launch arguments of this file; those of the included one come on top."""
    share = Path(get_package_share_directory('siamx_ros'))
    return [
        DeclareLaunchArgument(
            'nav2_file', default_value=str(share / 'config/recipes/nav2_follow.yaml'),
            description="Parameters of Nav2's nodes as YAML."),
        DeclareLaunchArgument(
            'follow_object', default_value='false', choices=['true', 'false'],
            description="Drive by Nav2's following server instead of the follower.")]


def actions(context: LaunchContext) -> list[Action]:
    """Nav2's nodes, and what follows through them."""
    by_nav2 = LaunchConfiguration('follow_object').perform(context) == 'true'
    file = Path(get_package_share_directory('siamx_ros')) / 'launch' / (
        'tracker.launch.py' if by_nav2 else 'follow_me.launch.py')
    refuse_unknown(context, __file__, [
        *(argument.name for argument in arguments()), *declared(file)])
    given = [] if by_nav2 else [('cmd_vel_topic', 'cmd_vel_follow')]
    return [*nav2(by_nav2), IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(file)), launch_arguments=given)]


def nav2(by_nav2: bool) -> list[Node]:
    """The collision monitor, with the following server before it if that drives."""
    file = LaunchConfiguration('nav2_file')
    managed = [MONITOR, SERVER] if by_nav2 else [MONITOR]
    nodes = [
        Node(package='nav2_collision_monitor', executable='collision_monitor', name=MONITOR,
             output='screen', parameters=[file]),
        Node(package='nav2_lifecycle_manager', executable='lifecycle_manager',
             name='lifecycle_manager_follow', output='screen',
             parameters=[file, {'node_names': managed}])]
    if by_nav2:
        nodes.append(Node(
            package='opennav_following', executable='opennav_following', name=SERVER,
            output='screen', parameters=[file], remappings=[('cmd_vel', 'cmd_vel_follow')]))
    return nodes


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=actions)])
