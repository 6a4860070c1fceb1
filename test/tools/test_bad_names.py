"""Names and arguments of ROS that cannot be used: the tools say so in a sentence."""

from __future__ import annotations

from command_line import refused, script
import pytest

pytestmark = pytest.mark.ros


@pytest.mark.parametrize('words, said', [
    ('init_box 1,2,3,4 --node a-b', "must not contain characters other than alphanumerics"),
    ('init_box 1,2,3,4 --node a-b', "'a-b/init'"),
    ('await_active --node {x}', "unknown substitution: {x}"),
    ('await_active --node 1x', "must not start with a number: '1x/get_state'"),
    ('select_target --image /a-b --clicks /c', "remap rule: '-r image:=/a-b'"),
    ('select_target --node a-b --clicks /c', "'a-b/target'"),
    ('select_target --clicks /a-b', "'/a-b'")])
def test_a_name(words: str, said: str) -> None:
    refused(script(*words.split()), said)


@pytest.mark.parametrize('words, said', [
    ('-r bad', "remap rule: '-r bad'"), ('--tag', "unknown arguments of ROS: ['--tag']"),
    ('--params-file /missing.yaml', '/missing.yaml'), ('-e /a:b', 'Enclave name is not valid'),
    ('-p use_sim_time:=5', "'use_sim_time' to '5'")])
def test_an_argument_of_ros(words: str, said: str) -> None:
    done = script('init_box', '1,2,3,4', '--timeout', 1, '--ros-args', *words.split())
    refused(done, said)
    assert '.c:' not in done.stderr.splitlines()[-1], 'where rcl says it'


@pytest.mark.parametrize('tool', ['await_active', 'select_target'])
def test_every_tool_refuses_what_ros_cannot_read(tool: str) -> None:
    refused(script(tool, '--ros-args', '-r', 'bad'), "remap rule: '-r bad'")
