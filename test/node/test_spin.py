"""What rclpy refuses while a node is made: one sentence and status 2, as for other bad input."""

from __future__ import annotations

from command_line import refused, script
import pytest

pytestmark = pytest.mark.ros


def test_a_name_of_another_node_that_is_none() -> None:
    pytest.importorskip('aiohttp', reason='aiohttp is not installed')
    refused(script('panel', '--ros-args', '-p', 'tracker:=a-b'), "'a-b/target'")


@pytest.mark.parametrize('words, said', [
    ('-p use_sim_time:=5', "'use_sim_time' to '5'"),
    ('--tag', "unknown arguments of ROS: ['--tag']")])
def test_an_argument_of_ros(words: str, said: str) -> None:
    refused(script('target_from_detections', '--ros-args', *words.split()), said)
