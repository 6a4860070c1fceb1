"""Start the tracker node.

`ros2 launch siamx_ros tracker.launch.py image_topic:=/camera/image_raw`
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import PackageNotFoundError
from ament_index_python.packages import get_package_prefix
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, ExecuteProcess, LogInfo, OpaqueFunction
from launch.actions import RegisterEventHandler, Shutdown, TimerAction
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch_ros.actions import Node

from siamx_ros.errors import InputError
from siamx_ros.tools.init_box import parse_box
from siamx_ros.tools.launch_arguments import (
    RESPAWN_DELAY_S, installed_file, overruling, sim_time, values)

BOOL = ['true', 'false']
PARAMETERS = {
    'image_transport': 'image_transport', 'image_reliability': 'image_reliability',
    'weights': 'model.weights', 'device': 'model.device', 'autostart': 'autostart',
    'image_rectified': 'image_rectified', 'use_depth': 'use_depth', 'depth_slop': 'depth_slop',
    'target_height': 'target_height', 'fallback_hfov': 'fallback_hfov'}
"""Launch argument -> parameter of the node."""
END_DELAY_S = 1.0
"""How long the node goes on after the last image of a bag: to answer it."""


def arguments() -> list[Action]:
    """All launch arguments; an empty value leaves a setting to `params_file`."""
    declare = DeclareLaunchArgument
    return [
        declare('namespace', default_value='', description='Namespace of the nodes.'),
        declare('node_name', default_value='siamx_tracker', description='Name of the node.'),
        installed_file('params_file', 'tracker.yaml',
                       'Parameters as YAML; what it does not name keeps its default.'),
        declare('image_topic', default_value='image',
                description='Camera image; without the /compressed of a compressed topic.'),
        declare('camera_info_topic', default_value='',
                description='Camera calibration. Empty: camera_info beside image_topic.'),
        declare('depth_topic', default_value='depth',
                description='Depth image registered to image_topic, used if use_depth is set.'),
        overruling('use_depth', 'Take the range from depth_topic.', BOOL),
        overruling('depth_slop',
                   'Largest difference of stamps between depth and colour, seconds.'),
        overruling('target_height', 'Known height of the target for its range, metres.'),
        overruling('fallback_hfov',
                   'Horizontal field of view without camera_info, degrees.'),
        overruling('image_rectified', 'The images are rectified.', BOOL),
        overruling('image_transport', 'How images are sent.', ['raw', 'compressed']),
        overruling('image_reliability', 'Quality of service of the image.',
                   ['auto', 'reliable', 'best_effort']),
        overruling('weights', 'Name of a shipped model or path of one.'),
        overruling('device', 'auto, cpu, cuda or cuda:N.'),
        overruling('use_sim_time', 'Take the time from /clock; always so when a bag is played.',
                   BOOL),
        overruling('autostart', 'Configure and activate the managed node at once.', BOOL),
        declare('log_level', default_value='info',
                choices=['debug', 'info', 'warn', 'error', 'fatal'],
                description='Least severity that is logged.'),
        declare('respawn', default_value='false', choices=BOOL,
                description='Start the node again 2 s after it died.'),
        declare('debug_view', default_value='false', choices=BOOL,
                description='Show the debug image with rqt_image_view, if it is installed.'),
        declare('bag', default_value='',
                description='Bag to play, a folder or file; from when the node is active.'),
        declare('bag_rate', default_value='1.0', description='Speed at which the bag is played.'),
        declare('init_box', default_value='',
                description='Target on the first image, "cx,cy,w,h" in pixels. Empty: none.'),
    ]


def actions(context: LaunchContext) -> list[Action]:
    """What to start, now that the arguments are known.

    Raises:
        RuntimeError: what was given cannot be used.
    """
    given = values(context, __file__, arguments())
    check(given)
    return [tracker(given), *init_box(given), *bag_player(given), *debug_view(given)]


def check(given: dict[str, str]) -> None:
    """Refuse what would be found out only once the tracker runs.

    Raises:
        RuntimeError: the bag is not there, the target cannot be read, or the topic of the image is
            that of its compressed form.
    """
    if given['bag'] and not Path(given['bag']).exists():
        raise RuntimeError(f"bag {given['bag']} does not exist")
    if given['image_topic'].endswith('/compressed'):
        raise RuntimeError(f"image_topic is without its /compressed, got {given['image_topic']}: "
                           'image_transport:=compressed adds it')
    if given['init_box']:
        try:
            parse_box(given['init_box'])
        except InputError as error:
            raise RuntimeError(f'init_box: {error}') from None


def tracker(given: dict[str, str]) -> Node:
    """The tracker node; what was given on the command line overrules the parameter file."""
    chosen = {parameter: typed(name, given[name])
              for name, parameter in PARAMETERS.items() if given[name]}
    last = bool(given['bag']) and given['respawn'] == 'false'
    return Node(
        package='siamx_ros', executable='tracker_node', output='screen', emulate_tty=True,
        namespace=given['namespace'], name=given['node_name'],
        parameters=[given['params_file'], *([chosen] if chosen else []), *clock(given)],
        remappings=remappings(given), respawn=given['respawn'] == 'true',
        respawn_delay=RESPAWN_DELAY_S, on_exit=tracker_ended if last else None,
        ros_arguments=['--log-level', given['log_level']])


def tracker_ended(event: ProcessExited, context: LaunchContext) -> list[Action]:
    """Nothing is left to answer the bag.

    Raises:
        RuntimeError: the tracker failed: so does the launch then.
    """
    if context.is_shutdown:
        return []
    if event.returncode:
        raise RuntimeError(f'the tracker ended with status {event.returncode}')
    return [Shutdown(reason='the tracker has ended')]


def typed(name: str, text: str) -> bool | float | str:
    """The value of an argument as its parameter wants it.

    Raises:
        RuntimeError: a number is wanted.
    """
    if text in BOOL:
        return text == 'true'
    if name not in ('depth_slop', 'target_height', 'fallback_hfov'):
        return text
    try:
        return float(text)
    except ValueError:
        raise RuntimeError(f'{name} must be a number, got {text!r}') from None


def clock(given: dict[str, str]) -> list[dict[str, bool]]:
    """The clock as parameters of one node; nothing that the file which includes this one gets."""
    return sim_time(given['use_sim_time'], given['bag'])


def remappings(given: dict[str, str]) -> list[tuple[str, str]]:
    """Topic arguments as remap rules; a camera keeps its calibration beside its image.

    The rule for the topic there counts where another is asked for that is ``camera_info`` itself:
    to the node that looks like no rule at all.
    """
    image = given['image_topic']
    beside = sibling(image, 'camera_info')
    info = given['camera_info_topic'] or beside
    return [('image', image), ('image/compressed', f'{image}/compressed'), ('camera_info', info),
            (beside, info), ('depth', given['depth_topic'])]


def sibling(topic: str, name: str) -> str:
    """The topic `name` beside another."""
    parent, slash, _ = topic.rpartition('/')
    return f'{parent}/{name}' if slash else name


def init_box(given: dict[str, str]) -> list[Action]:
    """Give the target once, as soon as the node answers and has an image."""
    if not given['init_box']:
        return []
    return [Node(
        package='siamx_ros', executable='init_box', output='screen', name='init_box',
        namespace=given['namespace'], parameters=clock(given),
        arguments=[given['init_box'], '--node', given['node_name']])]


def bag_player(given: dict[str, str]) -> list[Action]:
    """Play a bag with its own clock, once the node takes images: loading the model costs none."""
    if not given['bag']:
        return []
    ready = Node(
        package='siamx_ros', executable='await_active', output='screen', name='await_active',
        namespace=given['namespace'], parameters=clock(given),
        arguments=['--node', given['node_name']])
    player = ExecuteProcess(
        cmd=['ros2', 'bag', 'play', given['bag'], '--clock', '100', '--rate', given['bag_rate']],
        output='screen', on_exit=bag_ended)
    return [RegisterEventHandler(OnProcessExit(
        target_action=ready,
        on_exit=lambda event, _: [player] if event.returncode == 0 else [])), ready]


def bag_ended(event: ProcessExited, context: LaunchContext) -> list[Action]:
    """End with the bag, once what it showed has been answered.

    Raises:
        RuntimeError: the bag could not be played.
    """
    if context.is_shutdown:
        return []
    if event.returncode:
        raise RuntimeError(f'ros2 bag play ended with status {event.returncode}')
    return [TimerAction(period=END_DELAY_S, actions=[Shutdown(reason='the bag is over')])]


def debug_view(given: dict[str, str]) -> list[Action]:
    """Show the debug image."""
    if given['debug_view'] != 'true':
        return []
    try:
        get_package_prefix('rqt_image_view')
    except PackageNotFoundError:
        return [LogInfo(msg='debug_view: rqt_image_view is not installed.')]
    return [Node(
        package='rqt_image_view', executable='rqt_image_view', namespace=given['namespace'],
        arguments=[debug_topic(given)])]


def debug_topic(given: dict[str, str]) -> str:
    """Absolute, for rqt_image_view looks up a relative topic without its own namespace."""
    parts = given['namespace'].split('/') + [given['node_name'], 'debug_image']
    return ''.join(f'/{part}' for part in parts if part)


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*arguments(), OpaqueFunction(function=actions)])
