"""The launch file run for real: the node comes up as asked, and a box starts a track."""

from __future__ import annotations

import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import time

from ament_index_python.packages import get_package_share_directory
from command_line import finished
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription, OpaqueFunction
from launch.actions import RegisterEventHandler
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
import launch_pytest
from launch_pytest.actions import ReadyToTest
import numpy as np
import pytest
from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python

from siamx_ros.client.probe import Probe
from siamx_ros.msg import TrackedTarget

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


@pytest.fixture
def probe():
    """A listener to the node."""
    probe = Probe('/robot/eye', '/camera/image_raw')
    probe.client(GetParameters, 'get_parameters')  # the node knows who asks by the first call
    yield probe
    probe.close()


@pytest.fixture
def camera(probe: Probe) -> None:
    """Ten images a second from the probe."""
    picture = np.random.default_rng(1).integers(0, 255, (120, 160, 3), np.uint8)

    def show() -> None:
        picture[0, 0] += 1  # or the camera counts as frozen
        probe.publish(picture, time.time_ns(), frame_id='camera_optical')
    probe.node.create_timer(0.1, show)


def first_target(probe: Probe) -> TrackedTarget:
    """The node's first answer about a target."""
    found = probe.wait(lambda: next((m for m in probe.heard['target'] if m.target_id), None), WAIT)
    assert found, f'states {[m.state for m in probe.heard["status"]]}'
    return found


def values(probe: Probe, *names: str) -> list:
    """Values of parameters of the node."""
    answer = probe.call(GetParameters, 'get_parameters', GetParameters.Request(names=names), WAIT)
    return list(map(parameter_value_to_python, answer.values))


@pytest.mark.launch(fixture=launch_description)
def test_the_box_of_the_command_line_becomes_the_target(probe: Probe, camera: None):
    target = first_target(probe)
    assert target.header.frame_id == 'camera_optical'
    assert abs(target.bbox.center.position.x - 80) < 20
    assert (target.image_width, target.image_height) == (160, 120)
    assert values(probe, 'model.device', 'image_reliability', 'use_sim_time', 'autostart') == [
        'cpu', 'reliable', False, True]
    assert values(probe, 'use_depth', 'depth_slop', 'target_height', 'fallback_hfov',
                  'image_rectified') == [True, 0.1, 2.0, 60.0, True]
    assert LEAKS == [None]
    assert probe.wait(lambda: any(name.startswith('init_box') for name, _ in EXITS), WAIT)
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
                    device='cpu', bag='/dev', init_box='80,60,40,40', params_file=str(wall_time))


@pytest.mark.launch(fixture=played)
def test_a_bag_is_played_and_the_box_meets_its_first_images(probe: Probe):
    assert first_target(probe).header.stamp.sec <= 3
    assert values(probe, 'use_sim_time', 'status_rate') == [True, 2.0]
    assert LEAKS == [None]


@pytest.mark.skipif(not shutil.which('ros2'), reason='ros2 is not installed')
def test_show_args_reads_well() -> None:
    done = finished('ros2', 'launch', 'siamx_ros', 'tracker.launch.py', '--show-args')
    assert done.returncode == 0, done.stderr
    for name in ('image_topic', 'params_file', 'init_box', 'log_level'):
        assert f"'{name}':" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 160


@pytest.mark.skipif(not shutil.which('ros2'), reason='ros2 is not installed')
def test_the_launch_ends_with_its_bag_and_fails_without_it(tmp_path: Path) -> None:
    """As `bag:=FOLDER` does: the real node, a player that ends, or one that cannot read it."""
    program = tmp_path / 'ros2'
    program.write_text(PLAYER.format(python=sys.executable, count=4))
    program.chmod(0o755)
    environment = {**os.environ, 'PATH': f'{tmp_path}{os.pathsep}{os.environ["PATH"]}'}
    command = [shutil.which('ros2'), 'launch', 'siamx_ros', 'tracker.launch.py', 'bag:=/dev',
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
    wrong = tmp_path / 'wrong.yaml'
    wrong.write_text('/**: {ros__parameters: {tracking: {lost_threshold: 7.0}}}\n')
    command.append(f'params_file:={wrong}')
    status, said = launched()
    assert status == 1 and 'the tracker ended with status 2' in said, said
