"""Every argument of every launch file in a real launch, whose processes only record their call."""

from __future__ import annotations

from itertools import count
import json
from pathlib import Path
import re
import runpy
import subprocess
import sys
import time

import launch
from launch.actions import IncludeLaunchDescription, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_tables import ALSO, TABLES
import pytest

pytestmark = pytest.mark.ros
RECORDER = '''#!{python}
import signal, sys
words = sys.argv[1:]
files = [words[i + 1] for i, word in enumerate(words) if word == '--params-file']
read = [' '.join(open(file).read().split()) for file in files]
with open({out!r}, 'a') as out:
    out.write(' '.join(words) + ' ' + ' '.join(read) + '\\n')
if {waits} and words[0].endswith('tracker_node'):
    signal.sigwait([signal.SIGINT, signal.SIGTERM])
'''
FOREIGN = {
    'rqt_image_view': 'rqt_image_view', 'twist_mux': 'twist_mux',
    'nav2_collision_monitor': 'collision_monitor', 'nav2_lifecycle_manager': 'lifecycle_manager',
    'opennav_following': 'opennav_following'}
"""Package -> its program, which the launch files start where they are installed."""


@pytest.fixture
def start(repository: Path, tmp_path: Path, monkeypatch):
    """Launches one of our files, or one of a path: (exit status of the launch, calls)."""
    out, recorder = tmp_path / 'calls', tmp_path / 'recorder'
    recorder.touch(0o755)
    (tmp_path / 'own.yaml').write_text('/**:\n  ros__parameters:\n    status_rate: 7.5\n')
    for package, program in FOREIGN.items():
        for path in (f'lib/{package}/{program}',
                     f'share/ament_index/resource_index/packages/{package}'):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch(0o755)
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path), prepend=':')

    def started(name: str | Path, ends_after: int | None = None, **arguments: str):
        out.write_text('')
        recorder.write_text(RECORDER.format(
            python=sys.executable, out=str(out), waits='bag' in arguments))
        given = {**arguments, 'launch-prefix': str(recorder)}
        service = launch.LaunchService(noninteractive=True)
        file = repository / f'launch/{name}.launch.py' if isinstance(name, str) else name
        source = PythonLaunchDescriptionSource(str(file))
        exits = count(1)
        ends = RegisterEventHandler(OnProcessExit(
            on_exit=lambda *_: [Shutdown()] if next(exits) == ends_after else []))
        service.include_launch_description(launch.LaunchDescription(
            [ends, IncludeLaunchDescription(source, launch_arguments=given.items())]))
        return service.run(), out.read_text()
    return started


def declared(repository: Path, name: str) -> set[str]:
    functions = runpy.run_path(str(repository / f'launch/{name}.launch.py'))
    return {argument.name for argument in functions['arguments']()}


@pytest.mark.parametrize('name, table', TABLES.items())
def test_the_table_has_every_argument(repository: Path, name: str, table: dict) -> None:
    assert set(table) == declared(repository, name)


@pytest.mark.parametrize('name, argument, value, words', [
    (name, argument, *row) for name, table in TABLES.items()
    for argument, row in table.items() if row[1]])
def test_it_reaches_the_call(start, tmp_path: Path, name: str, argument: str, value: str,
                             words: str) -> None:
    others = {**ALSO.get(name, {}), **ALSO.get(argument, {})}
    status, without = start(name, **{**others})
    assert status == 0 and words not in without
    status, calls = start(name, **{**others, argument: value.format(folder=tmp_path)})
    assert status == 0 and words.format(folder=tmp_path) in calls, calls


def test_respawn(start) -> None:
    status, calls = start('tracker', ends_after=2, respawn='true')
    assert status == 0 and calls.count('lib/siamx_ros/tracker_node') == 2


@pytest.mark.parametrize('name, wrong, words', [
    ('tracker', {'use_depht': 'true'}, "no argument 'use_depht'; near names: use_depth"),
    ('tracker', {'target_height': 'tall'}, "target_height must be a number, got 'tall'"),
    ('tracker', {'image_transport': 'theora'}, '"theora" is not valid'),
    ('tracker', {'params_file': '/nope.yaml'}, 'params_file /nope.yaml is no file'),
    ('tracker', {'bag': '/nope'}, 'bag /nope does not exist'),
    ('tracker', {'init_box': '1,2,3'}, 'init_box: a box is "cx,cy,w,h"'),
    ('tracker', {'image_topic': '/c/image/compressed'}, 'image_topic is without its /compressed'),
    ('follow_me', {'params_file': '/tmp'}, 'params_file /tmp is no file'),
    ('follow_me', {'use_dept': 'true'}, "no argument 'use_dept'; near names: use_depth"),
    ('follow_me_twist_mux', {'cmd_vel': '/a'}, "no argument 'cmd_vel'; near names: cmd_vel"),
    ('follow_me_twist_mux', {'cmd_vel_topic': '/a'}, "no argument 'cmd_vel_topic'"),
    ('nav2_follow', {'follow': 'true'}, "no argument 'follow'; near names: follow_object"),
    ('evaluate', {'bag': 'b', 'mode': 'fast'}, '"fast" is not valid'),
    ('evaluate', {'bag': 'b', 'latencies': '2'}, "no argument 'latencies'; near names: latency")])
def test_what_cannot_be_used_is_refused_before_anything_starts(
        name: str, wrong: dict, words: str) -> None:
    pytest.importorskip('ros2launch', reason='ros2 launch is not installed')
    done = subprocess.run(
        ['ros2', 'launch', 'siamx_ros', f'{name}.launch.py',
         *(f'{argument}:={value}' for argument, value in wrong.items())],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 1 and words in done.stdout and 'pid' not in done.stdout


def lines_of(calls: str, program: str) -> list[str]:
    return [line for line in calls.splitlines() if program in line]


def test_follow_me_gives_each_node_its_own_parameters(start) -> None:
    status, calls = start('follow_me', respawn='false', panel='true', use_sim_time='true',
                          image_topic='/c/image', image_transport='compressed')
    assert status == 0
    for program in ('tracker_node', 'follower', 'panel'):
        [line] = lines_of(calls, f'lib/siamx_ros/{program} ')
        assert f'/**/{program.replace("tracker_node", "siamx_tracker")}:' in line
        assert 'use_sim_time: true' in line
    assert 'image:=/c/image ' in lines_of(calls, 'lib/siamx_ros/panel ')[0]


def test_nodes_that_died_are_started_again_after_a_pause(start) -> None:
    begin = time.monotonic()
    status, calls = start('follow_me', ends_after=6, panel='true')
    assert status == 0 and time.monotonic() - begin > 2.0, 'one that is refused does not flood'
    for program in ('follower', 'panel', 'tracker_node'):
        assert len(lines_of(calls, f'lib/siamx_ros/{program} ')) == 2


def test_the_recipe_for_twist_mux(start) -> None:
    status, calls = start('follow_me_twist_mux', respawn='false', use_depth='true')
    [mux] = lines_of(calls, 'lib/twist_mux/twist_mux ')
    [follower] = lines_of(calls, 'lib/siamx_ros/follower ')
    assert status == 0 and 'cmd_vel_out:=cmd_vel ' in mux and 'priority: 255' in mux
    assert 'cmd_vel:=cmd_vel_follow ' in follower
    assert 'use_depth: true' in lines_of(calls, 'lib/siamx_ros/tracker_node ')[0]


@pytest.mark.parametrize('by_nav2', [False, True])
def test_the_recipe_for_nav2(start, by_nav2: bool) -> None:
    status, calls = start('nav2_follow', follow_object=str(by_nav2).lower(), respawn='false',
                          use_depth='true')
    assert status == 0 and 'use_depth: true' in lines_of(calls, 'lib/siamx_ros/tracker_node ')[0]
    assert lines_of(calls, 'collision_monitor/collision_monitor ')
    drivers = [lines_of(calls, f'lib/{name} ')
               for name in ('siamx_ros/follower', 'opennav_following/opennav_following')]
    assert [len(each) for each in drivers] == [not by_nav2, by_nav2]
    assert 'cmd_vel:=cmd_vel_follow' in drivers[by_nav2][0]
    [manager] = lines_of(calls, 'lifecycle_manager/lifecycle_manager ')
    assert manager.count('- following_server') == by_nav2


PROGRAMS = {
    'follow_me_twist_mux': ['twist_mux'],
    'nav2_follow': ['collision_monitor', 'lifecycle_manager', 'opennav_following']}
"""Recipe -> the programs of others that it starts, with `follow_object` where it has that."""


@pytest.mark.parametrize('name, own', [
    ('follow_me_twist_mux', {}), ('nav2_follow', {'follow_object': 'true'})])
@pytest.mark.parametrize('clock', ['true', 'false', ''])
def test_all_nodes_of_a_recipe_go_by_the_same_clock(
        start, name: str, own: dict, clock: str) -> None:
    status, calls = start(name, respawn='false', use_sim_time=clock, **own)
    assert status == 0
    for program in (*PROGRAMS[name], 'tracker_node'):
        [line] = lines_of(calls, f'/{program} ')
        assert line.count('use_sim_time: ') == bool(clock)
        assert line.endswith(clock), 'after its own file, which it overrules'


def test_the_clock_of_a_bag_is_for_nav2_too(start) -> None:
    status, calls = start('nav2_follow', follow_object='true', bag='/dev')
    assert status == 0 and 'ros2 bag play /dev' in calls
    for program in (*PROGRAMS['nav2_follow'], 'tracker_node'):
        assert 'use_sim_time: true' in lines_of(calls, f'/{program} ')[0]


@pytest.mark.parametrize('topic', ['/e_stop', 'halt'])
def test_twist_mux_and_the_follower_stop_on_one_topic(start, topic: str) -> None:
    status, calls = start('follow_me_twist_mux', respawn='false', namespace='robot1',
                          stop_topic=topic)
    assert status == 0
    for program in ('twist_mux/twist_mux', 'siamx_ros/follower'):
        [line] = lines_of(calls, f'lib/{program} ')
        assert '__ns:=/robot1 ' in line and f'stop:={topic} ' in line


@pytest.mark.parametrize('distribution, stamped', [('jazzy', 'false'), ('kilted', 'true')])
@pytest.mark.parametrize('name, own, setting, programs', [
    ('follow_me_twist_mux', {}, 'use_stamped', ['twist_mux']),
    ('nav2_follow', {'follow_object': 'true'}, 'enable_stamped_cmd_vel',
     ['collision_monitor', 'opennav_following'])])
def test_all_speak_the_type_of_the_distribution(
        start, monkeypatch, distribution, stamped, name, own, setting, programs) -> None:
    """In a namespace, too; a file of one's own comes after it and wins."""
    monkeypatch.setenv('ROS_DISTRO', distribution)
    status, calls = start(name, respawn='false', namespace='robot1', **own)
    for program in programs:
        [line] = lines_of(calls, f'/{program} ')
        assert '__ns:=/robot1 ' in line
        assert line.index(f'{setting}: {stamped}') < line.index('/**/'), 'its own file'


def test_an_including_file_has_arguments_of_its_own(
        start, repository: Path, tmp_path: Path) -> None:
    parent = tmp_path / 'parent.launch.py'
    parent.write_text(f"""
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource


def generate_launch_description():
    tracker = {json.dumps(str(repository / 'launch/tracker.launch.py'))}
    return LaunchDescription([DeclareLaunchArgument('robots', default_value='2'), GroupAction([
        IncludeLaunchDescription(PythonLaunchDescriptionSource(tracker),
                                 launch_arguments={{'image_topic': '/left'}}.items())])])
""")
    status, calls = start(parent, robots='3')
    assert status == 0 and 'image:=/left ' in calls


def test_two_cameras_as_the_documents_say(start, repository: Path, tmp_path: Path) -> None:
    parent = tmp_path / 'two.launch.py'
    text = (repository / 'docs/ros.md').read_text(encoding='utf-8')
    parent.write_text(re.search(r'```python\n(.*?)```', text, re.DOTALL)[1])
    status, calls = start(parent)
    first, second = calls.split('lib/siamx_ros/tracker_node')[1:]
    front, rear = (first, second) if '__ns:=/front' in first else (second, first)
    assert status == 0 and '__ns:=/front' in front and '__ns:=/rear' in rear
    assert 'image:=/front/image_raw ' in front and 'image:=/rear/image_raw ' in rear
    assert 'use_depth: true' in front and 'depth:=/front/depth' in front
    assert 'use_depth: true' not in rear and 'depth:=depth ' in rear
    assert 'model.device: cpu' in rear and 'model.device: cpu' not in front
