"""The simulated robot with the real tracker and the real follower, over DDS."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from siamx_ros.follow_demo import __main__ as command
from siamx_ros.simulation.frame import CameraConfig, CameraFrame

pytestmark = pytest.mark.ros
SECONDS = '3'


@pytest.fixture(scope='module')
def output(tmp_path_factory) -> Path:
    """What short runs leave: one world twice, with one tracker process."""
    pytest.importorskip('panda3d', reason='panda3d is not installed')
    folder = tmp_path_factory.mktemp('follow')
    assert command.main(['--world', '2', '2', '--seconds', SECONDS, '--out', str(folder)]) == 0
    return folder


def test_the_robot_follows_and_leaves_video_plot_and_summary(output: Path) -> None:
    score, _ = json.loads((output / 'summary.json').read_text())
    assert score['collisions'] == 0 and score['wrong_s'] == 0 and score['lost_s'] < 0.5
    assert score['travelled'] > 0.3 and score['nearest'] > 1.2
    video = cv2.VideoCapture(str(output / 'world_02' / 'follow.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == pytest.approx(20 * float(SECONDS), abs=4)
    assert (output / 'world_02' / 'plot.png').stat().st_size > 20000
    assert (output / 'summary.md').read_text().count('| 2 |') == 2


def test_the_same_world_gives_the_same_result(output: Path) -> None:
    """Whatever the tracker followed before."""
    first, again = ((output / name / 'summary.json').read_bytes()
                    for name in ('world_02', 'world_02_2'))
    assert first == again


def test_the_truth_leads_the_robot(tmp_path: Path) -> None:
    pytest.importorskip('panda3d', reason='panda3d is not installed')
    assert command.main(['--truth', '--world', '2', '--seconds', SECONDS, '--out',
                         str(tmp_path)]) == 0
    score, = json.loads((tmp_path / 'summary.json').read_text())
    assert score['wrong_s'] == score['lost_s'] == 0 and score['travelled'] > 0.3
    assert (tmp_path / 'follow.mp4').stat().st_size > 10000


def test_the_camera_on_the_base_is_where_tf_says() -> None:
    """A target straight ahead of the tilted camera is seen above the horizon of the base."""
    from siamx_ros.follow_demo.robot_topics import camera_info, mounting
    from siamx_ros.follower.transforms import mounting as placed
    camera = CameraConfig(pitch=10.0, forward=0.1, mount_height=0.8)
    pose = placed(mounting(camera).transform)
    bearing, distance = pose.seen(0.0, math.radians(-10.0), 2.0)
    assert bearing == pytest.approx(0.0, abs=1e-6) and distance == pytest.approx(2.1)
    aside, _ = pose.seen(0.3, 0.0, 2.0)
    assert 0.25 < aside < 0.32
    level = placed(mounting(CameraConfig(pitch=0.0, forward=0.0)).transform)
    assert level.rotation @ (0.0, 0.0, 1.0) == pytest.approx((1.0, 0.0, 0.0), abs=1e-9)
    assert level.rotation @ (1.0, 0.0, 0.0) == pytest.approx((0.0, -1.0, 0.0), abs=1e-9)
    assert placed(mounting(camera).transform).translation[2] == 0.8
    info = camera_info(camera, 1_001_500_000_000)
    assert info.k[0] == pytest.approx(camera.focal) and info.header.stamp.sec == 1001


def test_a_depth_image_fits_the_image_and_is_read_as_metres() -> None:
    from siamx_ros.follow_demo.robot_topics import CAMERA_FRAME, depth_image
    from siamx_ros.messages.conversions import depth_from_msg
    depth = np.arange(12, dtype=np.uint16).reshape(3, 4) * 500
    message = depth_image(CameraFrame(0.0, np.zeros((6, 8, 3), np.uint8), depth, depth, 1.0), 7)
    assert message.header.stamp.nanosec == 7 and message.header.frame_id == CAMERA_FRAME
    metres = depth_from_msg(message)
    assert metres.shape == (6, 8) and np.isnan(metres[:2, :2]).all()
    assert (metres[4:, 6:] == 5.5).all()


@pytest.mark.parametrize('distribution', ['jazzy', 'kilted'])
def test_the_robot_hears_what_the_follower_of_the_distribution_says(monkeypatch, distribution):
    import rclpy
    from siamx_ros.client.probe import Probe
    from siamx_ros.control.observation import Command
    from siamx_ros.follow_demo.robot_topics import NAMESPACE, RobotTopics
    from siamx_ros.follower.follower_node import FollowerNode
    monkeypatch.setenv('ROS_DISTRO', distribution)
    probe, context = Probe(f'{NAMESPACE}/siamx_tracker', f'{NAMESPACE}/image'), rclpy.Context()
    rclpy.init(context=context)
    try:
        topics = RobotTopics(probe, CameraConfig(), depth=False)
        follower = FollowerNode(context=context, namespace=NAMESPACE)
        assert probe.wait(lambda: follower.send(Command(0.25, -0.5)) or topics.count)
        assert topics.fresh() == (0.25, -0.5)
        follower.destroy_node()
    finally:
        rclpy.try_shutdown(context=context)
        probe.close()


@pytest.mark.parametrize('arguments, words', [
    (['--attach'], '--real-time'), (['--worlds', '0'], 'at least 1'),
    (['--truth', '--no-depth'], 'goes without'), (['--truth', '--adaptive', 'off'], 'without'),
    (['--world', '1', '2', '--worlds', '2'], 'one --world'), (['--world', '-1'], 'negative'),
    (['--seconds', '0'], 'at least 1'), (['--seconds', 'nan'], 'at least 1'),
    (['--seconds', 'inf'], 'at least 1'), (['--speed', '1'], 'unknown'),
    (['--attach', '--real-time', '--weights', 'x.pt'], "without the tracker's options"),
    (['--faults', '--world', '3', '--no-depth'], '--faults goes without --world, --no-depth')])
def test_what_makes_no_sense_is_refused(arguments: list[str], words: str, capsys) -> None:
    assert command.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, capsys) -> None:
    (tmp_path / 'file').touch()
    assert command.main(['--out', str(tmp_path / 'file' / 'out')]) == 2
    assert 'cannot write' in capsys.readouterr().err


def test_the_score_of_a_fault_counts_from_the_last_valid_message() -> None:
    from siamx_ros.follow_demo.node_faults import BEGIN_S, NodeFaultScore, table
    from siamx_ros.msg import TrackedTarget
    score, heard = NodeFaultScore('silence'), []
    for k in range(-4, 12):
        if k <= 2:
            heard.append(TrackedTarget(valid=k <= 0, seq=k + 10))
        score.note(BEGIN_S + k / 10, 0.4 if k < 6 else 0.0, heard)
    assert score.speed_before == 0.4
    assert score.forward_s == pytest.approx(0.5) and score.stop_s == pytest.approx(0.6)
    assert '| silence | 0.40 | 0 | 0.50 | 0.60 |' in table([score])


def fault_score(speed: float, last_valid: int | None, stands_after: int | None):
    """A score in tenths of a second from the beginning of the fault; None: never."""
    from siamx_ros.follow_demo.node_faults import BEGIN_S, NodeFaultScore
    from siamx_ros.msg import TrackedTarget
    score, heard = NodeFaultScore('silence'), []
    for k in range(-4, 12):
        if last_valid is not None and k <= last_valid:
            heard.append(TrackedTarget(valid=True, seq=k + 10))
        stands = stands_after is not None and k >= stands_after
        score.note(BEGIN_S + k / 10, 0.0 if stands else speed, heard)
    return score


@pytest.mark.parametrize('speed, last_valid, stands_after, words', [
    (0.5, 0, 4, ''), (0.0, 0, 4, 'at 0.00 m/s'), (0.3, 0, 4, 'nothing was tested'),
    (0.5, None, 4, 'after the last valid message'), (0.5, 0, 8, 'for 0.70 s after'),
    (0.5, 11, None, 'never stood')])
def test_a_fault_that_tested_nothing_or_did_not_stop_the_robot_fails(
        speed, last_valid, stands_after, words) -> None:
    failure = fault_score(speed, last_valid, stands_after).failure()
    assert words in failure and bool(failure) is bool(words)


@pytest.mark.parametrize('speed, status', [(0.5, 0), (0.0, 1)])
def test_the_command_fails_where_a_fault_does(monkeypatch, tmp_path, capsys, speed, status) -> None:
    from siamx_ros.follow_demo import node_faults
    given = []

    def run_fault(name, folder, tracker):
        given.append(tracker)
        return fault_score(speed, 0, 4)
    monkeypatch.setattr(node_faults, 'run_fault', run_fault)
    arguments = ['--faults', '--out', str(tmp_path), '--weights', 'other.pt']
    assert command.main(arguments) == status
    assert given == [{'model': {'weights': 'other.pt'}}] * len(node_faults.FAULTS)
    said = capsys.readouterr()
    assert ('not safe: silence: the robot drove at 0.00 m/s' in said.err) is bool(status)
    assert '| silence |' in said.out
