"""The launch file run for real: the node comes up as asked, and a box starts a track."""

from __future__ import annotations

import os
from pathlib import Path
import re
import runpy
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip('launch_pytest', reason='launch_pytest is not installed')
pytest.importorskip('rclpy', reason='rclpy is not installed')

from ament_index_python.packages import get_package_share_directory  # noqa: E402
from launch import LaunchContext, LaunchDescription  # noqa: E402
from launch.actions import IncludeLaunchDescription, OpaqueFunction  # noqa: E402
from launch.actions import RegisterEventHandler  # noqa: E402
from launch.event_handlers import OnProcessExit  # noqa: E402
from launch.events.process import ProcessExited  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from launch.utilities import perform_substitutions  # noqa: E402
import launch_pytest  # noqa: E402
from launch_pytest.actions import ReadyToTest  # noqa: E402
from launch_ros.actions import Node  # noqa: E402
from launch_ros.utilities import evaluate_parameters  # noqa: E402
from rcl_interfaces.srv import GetParameters  # noqa: E402
import rclpy  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import parameter_value_to_python  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from siamx_ros.msg import TrackedTarget, TrackerStatus  # noqa: E402

pytestmark = pytest.mark.ros
WAIT = 90.0
"""Seconds; loading torch on a busy machine takes its time. Only reached by a failure."""


EXITS: list[tuple[str, int]] = []
"""(name, status) of the processes that ended, newest last."""
LEAKS: list[object] = []
"""What every later node of the including launch file is given; None is nothing."""


def included(**arguments: str) -> LaunchDescription:
    """A parent of tracker.launch.py as installed; fills EXITS and LEAKS."""
    path = Path(get_package_share_directory('siamx_ros')) / 'launch/tracker.launch.py'
    EXITS.clear()
    LEAKS.clear()
    return LaunchDescription([
        RegisterEventHandler(OnProcessExit(
            on_exit=lambda event, _: EXITS.append((event.process_name, event.returncode)))),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(str(path)),
                                 launch_arguments=arguments.items()),
        OpaqueFunction(function=lambda context: LEAKS.append(
            context.launch_configurations.get('global_params'))),
        ReadyToTest()])


@launch_pytest.fixture
def launch_description() -> LaunchDescription:
    return included(namespace='robot', node_name='eye', image_topic='/camera/image_raw',
                    device='cpu', image_reliability='reliable', init_box='80,60,40,40',
                    use_depth='true', depth_slop='0.1', target_height='2', fallback_hfov='60',
                    image_rectified='true')


class Peer:
    """A camera and a listener in a thread of their own."""

    def __init__(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('peer', context=self.context)
        self.targets: list[TrackedTarget] = []
        self.states: list[TrackerStatus] = []
        self.arrived = threading.Condition()
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.node.create_subscription(
            TrackedTarget, '/robot/eye/target', lambda m: self.keep(self.targets, m), 10)
        self.node.create_subscription(
            TrackerStatus, '/robot/eye/status', lambda m: self.keep(self.states, m), latched)
        self.camera = self.node.create_publisher(Image, '/camera/image_raw', 1)
        self.node.create_timer(0.1, self.publish)
        self.picture = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.thread = threading.Thread(target=self.executor.spin, daemon=True)
        self.thread.start()

    def publish(self) -> None:
        message = Image(height=120, width=160, encoding='bgr8', step=480)
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id = 'camera_optical'
        message.data = self.picture.tobytes()
        self.camera.publish(message)

    def keep(self, messages: list, message: object) -> None:
        with self.arrived:
            messages.append(message)
            self.arrived.notify_all()

    def wait(self, condition) -> bool:
        with self.arrived:
            return self.arrived.wait_for(condition, WAIT)

    def parameters(self, *names: str) -> list:
        """Values of parameters of the node."""
        client = self.node.create_client(GetParameters, '/robot/eye/get_parameters')
        assert client.wait_for_service(WAIT)
        answered = threading.Event()
        future = client.call_async(GetParameters.Request(names=names))
        future.add_done_callback(lambda _: answered.set())
        assert answered.wait(WAIT)
        return [parameter_value_to_python(value) for value in future.result().values]

    def close(self) -> None:
        self.executor.shutdown()
        rclpy.try_shutdown(context=self.context)
        self.thread.join(10)


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


@pytest.mark.launch(fixture=launch_description)
def test_the_box_of_the_command_line_becomes_the_target(peer: Peer):
    assert peer.wait(lambda: any(m.target_id for m in peer.targets)), (
        f'{len(peer.targets)} targets, states {[m.state for m in peer.states]}')
    target = next(m for m in peer.targets if m.target_id)
    assert target.header.frame_id == 'camera_optical'
    assert abs(target.bbox.center.position.x - 80) < 20
    assert (target.image_width, target.image_height) == (160, 120)
    assert peer.parameters('model.device', 'image_reliability', 'use_sim_time', 'autostart') == [
        'cpu', 'reliable', False, True]
    assert peer.parameters('use_depth', 'depth_slop', 'target_height', 'fallback_hfov',
                           'image_rectified') == [True, 0.1, 2.0, 60.0, True]
    assert LEAKS == [None]
    assert peer.wait(lambda: any(name.startswith('init_box') for name, _ in EXITS))
    yield  # the launch is shut down here
    codes = {name.rpartition('-')[0]: code for name, code in EXITS}
    assert codes == {'init_box': 0, 'tracker_node': 0}


PLAYER = '''#!{python}
import sys, time
import numpy as np, rclpy
from sensor_msgs.msg import Image
assert sys.argv[1:3] == ['bag', 'play']
rclpy.init()
node = rclpy.create_node('player')
camera = node.create_publisher(Image, '/camera/image_raw', 1)
picture = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8).tobytes()
while not camera.get_subscription_count():
    time.sleep(0.01)
for second in range(1, {count}):
    message = Image(height=120, width=160, encoding='bgr8', step=480, data=picture)
    message.header.stamp.sec = second
    camera.publish(message)
    time.sleep(0.1)
'''
"""In the place of `ros2 bag play`: ten images a second, the first stamped 1 s, the next 2 s."""


@launch_pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LaunchDescription:
    program = tmp_path / 'ros2'
    program.write_text(PLAYER.format(python=sys.executable, count=200))
    program.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}{os.pathsep}{os.environ["PATH"]}')
    wall_time = tmp_path / 'wall_time.yaml'
    wall_time.write_text('/**: {ros__parameters: {use_sim_time: false, status_rate: 2.0}}')
    return included(namespace='robot', node_name='eye', image_topic='/camera/image_raw',
                    device='cpu', bag='walk', init_box='80,60,40,40', params_file=str(wall_time))


class Listener(Peer):
    """Without a camera: the bag has one."""

    def publish(self) -> None:
        pass


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


@pytest.mark.launch(fixture=played)
def test_a_bag_is_played_and_the_box_meets_its_first_images(listener: Listener):
    assert listener.wait(lambda: any(m.target_id for m in listener.targets))
    target = next(m for m in listener.targets if m.target_id)
    assert target.header.stamp.sec <= 3
    assert listener.parameters('use_sim_time', 'status_rate') == [True, 2.0]
    assert LEAKS == [None]


@pytest.fixture(scope='module')
def functions() -> dict:
    """What the installed launch file defines."""
    share = Path(get_package_share_directory('siamx_ros'))
    return runpy.run_path(str(share / 'launch/tracker.launch.py'))


def start(functions: dict, **arguments: str) -> list:
    """The actions of the launch file for some arguments, not executed."""
    context = LaunchContext()
    for argument in functions['arguments']():
        given = arguments.get(argument.name)
        context.launch_configurations[argument.name] = (
            perform_substitutions(context, argument.default_value) if given is None else given)
    return functions['actions'](context)


@pytest.mark.parametrize(('given', 'remaps'), [
    ({'image_topic': 'image', 'depth_topic': 'depth', 'camera_info_topic': ''},
     {'camera_info': 'camera_info', 'depth': 'depth'}),
    ({'image_topic': '/c/image_raw', 'depth_topic': '/d/image_rect', 'camera_info_topic': ''},
     {'image': '/c/image_raw', 'image/compressed': '/c/image_raw/compressed',
      'camera_info': '/c/camera_info', 'depth': '/d/image_rect'}),
    ({'image_topic': '/c/image', 'depth_topic': 'depth', 'camera_info_topic': '/other/info'},
     {'camera_info': '/other/info'})])
def test_topics_become_remaps(functions: dict, given: dict, remaps: dict) -> None:
    made = dict(functions['remappings'](given))
    assert {name: made[name] for name in remaps} == remaps
    assert made.keys() == {'image', 'image/compressed', 'camera_info', 'depth'}


def test_a_bag_is_played_with_its_clock(functions: dict) -> None:
    _, waiting, ready = start(functions, bag='/bags/walk', bag_rate='0.5')
    assert ready.node_executable == 'await_active'

    def after(status: int) -> list:
        ended = ProcessExited(action=ready, name='await_active', cmd=[], cwd=None, env=None,
                              pid=1, returncode=status)
        assert waiting.event_handler.matches(ended)
        return waiting.event_handler.handle(ended, LaunchContext()) or []

    assert after(1) == [], 'interrupted before the node was active'
    [player] = after(0)
    words = [perform_substitutions(LaunchContext(), word) for word in player.cmd]
    assert words[:4] == ['ros2', 'bag', 'play', '/bags/walk']
    assert words[words.index('--rate') + 1] == '0.5' and '--clock' in words


@pytest.mark.parametrize('namespace', ['robot', '/robot'])
def test_the_debug_view_has_an_absolute_topic(functions: dict, namespace: str) -> None:
    given = {'namespace': namespace, 'node_name': 'eye'}
    assert functions['debug_topic'](given) == '/robot/eye/debug_image'
    assert functions['debug_topic']({**given, 'namespace': ''}) == '/eye/debug_image'


def parameters(node: Node) -> list:
    """What a node is given, in order: paths of files and dicts."""
    return list(evaluate_parameters(LaunchContext(), node._Node__parameters))


@pytest.mark.parametrize(('given', 'sets'), [
    ('', []), ('false', [{'autostart': False}]), ('true', [{'autostart': True}])])
def test_autostart_is_left_to_the_parameter_file_unless_given(
        functions: dict, given: str, sets: list) -> None:
    [node] = start(functions, autostart=given)
    assert parameters(node)[1:] == sets


@pytest.mark.parametrize(('given', 'sets'), [
    ({}, []), ({'use_sim_time': 'false'}, [False]), ({'use_sim_time': 'true'}, [True]),
    ({'bag': 'walk'}, [True]), ({'bag': 'walk', 'use_sim_time': 'false'}, [True])], ids=str)
def test_the_clock_overrules_the_parameter_file_and_goes_to_the_helpers(
        functions: dict, given: dict, sets: list) -> None:
    actions = start(functions, init_box='80,60,40,40', **given)
    tracker, *helpers = [action for action in actions if isinstance(action, Node)]
    assert len(helpers) == 1 + ('bag' in given)
    file, *after = parameters(tracker)
    assert file.name == 'tracker.yaml' and after == [{'use_sim_time': on} for on in sets]
    assert all(parameters(helper) == after for helper in helpers)


def test_only_the_node_is_started_by_default(functions: dict) -> None:
    [node] = start(functions)
    assert node.node_executable == 'tracker_node'


@pytest.mark.skipif(not shutil.which('ros2'), reason='ros2 is not installed')
def test_show_args_reads_well() -> None:
    done = subprocess.run(['ros2', 'launch', 'siamx_ros', 'tracker.launch.py', '--show-args'],
                          text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in ('image_topic', 'params_file', 'init_box', 'log_level'):
        assert f"'{name}':" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 160


@pytest.mark.skipif(not shutil.which('ros2'), reason='ros2 is not installed')
def test_the_launch_ends_with_its_bag_and_fails_without_it(tmp_path: Path) -> None:
    """As `bag:=walk` does: the real node, a player that ends, or one that finds no bag."""
    program = tmp_path / 'ros2'
    program.write_text(PLAYER.format(python=sys.executable, count=4))
    program.chmod(0o755)
    environment = {**os.environ, 'PATH': f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'}
    command = [shutil.which('ros2'), 'launch', 'siamx_ros', 'tracker.launch.py', 'bag:=walk',
               'image_topic:=/camera/image_raw', 'device:=cpu']

    def launched() -> tuple[int, str]:
        done = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=WAIT)
        return done.returncode, done.stdout
    status, said = launched()
    assert status == 0 and 'Traceback' not in said, said
    assert re.search(r'tracker_node-\d+\]: process has finished cleanly', said), said
    program.write_text(f'#!{sys.executable}\nraise SystemExit(1)\n')
    status, said = launched()
    assert status == 1 and 'ros2 bag play ended with status 1' in said, said
