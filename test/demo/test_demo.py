"""The whole demonstration with a stand-in for the node, over real ROS."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
import signal
import subprocess
import sys

from command_line import python, refused
import cv2
import numpy as np
import pytest

from siamx_ros.client.node_process import NodeDied, NodeProcess
from siamx_ros.demo import __main__ as demo
from siamx_ros.demo.__main__ import _frames, main
from siamx_ros.frame_sources import FolderSource

BOX = '162.5,147,121,112'


def node(path: str, mode: str) -> tuple[str, ...]:
    return sys.executable, path, mode


@pytest.mark.ros
def test_a_folder_is_played_followed_and_recorded(red_cup, colour_node, tmp_path, capsys):
    out = tmp_path / 'out'
    status = main(['--video', str(red_cup), '--box', BOX, '--out', str(out)],
                  node(colour_node, 'follow'))
    text = capsys.readouterr().out
    assert status == 0
    assert '0.0 s  UNINITIALISED -> TRACKING' in text
    for name in ('tracked.mp4', 'plot.png', 'track.csv', 'summary.json'):
        assert str(out / name) in text and (out / name).stat().st_size > 0
    summary = json.loads((out / 'summary.json').read_text())
    assert summary['frames'] == 60
    assert summary['frames_per_second'] > 0
    assert summary['valid_share'] == 1.0 and 'followed_share' not in summary, 'nothing is claimed'
    rows = list(csv.DictReader((out / 'track.csv').open()))
    assert len(rows) == 60
    assert {row['state'] for row in rows} == {'TRACKING'}
    assert cv2.VideoCapture(str(out / 'tracked.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 60


class Damaged(FolderSource):
    """A damaged video: some frames are missing in the middle, and the target is gone at the end."""

    missing, gone_from = range(20, 25), 40

    def __iter__(self):
        for image in super().__iter__():
            if self.number not in self.missing:
                yield image if self.number < self.gone_from else np.zeros_like(image)


def test_images_have_the_numbers_and_stamps_of_their_frames(red_cup):
    stamps = np.arange(60) * 1000 + 7
    frames = list(_frames(Damaged(red_cup), stamps))
    assert [frame.index for frame in frames] == list(range(60))
    assert [frame.stamp for frame in frames] == stamps.tolist()
    assert [frame.index for frame in frames if frame.image is None] == list(Damaged.missing)
    for count in (22, 30):  # --frames
        assert [frame.index for frame in _frames(Damaged(red_cup), stamps[:count])
                if frame.image is not None] == [
                    number for number in range(count) if number not in Damaged.missing]


@pytest.mark.ros
def test_a_damaged_video_keeps_its_numbers_and_times(red_cup, colour_node, tmp_path, capsys,
                                                     monkeypatch):
    monkeypatch.setattr(demo, 'open_source', lambda spec: Damaged(Path(spec)))
    assert main(['--video', str(red_cup), '--box', BOX, '--out', str(tmp_path)],
                node(colour_node, 'follow')) == 0
    assert ' 1.3 s  TRACKING -> LOST' in capsys.readouterr().out, 'image 40 of 30 a second'
    rows = list(csv.DictReader((tmp_path / 'track.csv').open()))
    numbers = [number for number in range(60) if number not in Damaged.missing]
    assert [int(row['frame']) for row in rows] == numbers
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert summary['frames'] == 55 and summary['valid_share'] == pytest.approx(35 / 55)
    found, lost = summary['changes']
    assert (found['frame'], lost['frame']) == (0, 40)
    assert lost['stamp_ns'] - found['stamp_ns'] == 40 * round(1e9 / 30)
    assert cv2.VideoCapture(str(tmp_path / 'tracked.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 55


@pytest.mark.ros
def test_the_clip_is_scored_against_the_truth(colour_node, tmp_path):
    assert main(['--frames', '40', '--out', str(tmp_path)], node(colour_node, 'follow')) == 0
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert summary['clip'] == 'courtyard'
    assert summary['followed_share'] > 0.85
    assert summary['wrong_share'] < 0.1


@pytest.mark.ros
def test_the_real_node_follows_the_cup(tmp_path, capsys):
    assert main(['--frames', '60', '--out', str(tmp_path)]) == 0, capsys.readouterr().err
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert summary['followed_share'] > 0.8
    assert summary['wrong_share'] == 0.0
    assert summary['changes'][-1]['state'] == 'TRACKING'


@pytest.mark.ros
@pytest.mark.parametrize('mode, status, sentences', [
    ('die', 1, ('ended with status 3', 'the network caught fire')), ('exit', 1, ('no such model',)),
    ('refuse', 2, ('refuses the first box (707): the box is too small',))])
def test_a_node_that_fails_ends_the_demonstration(red_cup, colour_node, tmp_path, capsys, mode,
                                                  status, sentences):
    assert main(['--video', str(red_cup), '--box', BOX, '--out', str(tmp_path)],
                node(colour_node, mode)) == status
    error = capsys.readouterr().err
    assert all(sentence in error for sentence in sentences), error


@pytest.mark.ros
def test_an_interrupt_ends_the_node_too(colour_node, tmp_path):
    code = ('import sys; from siamx_ros.demo.__main__ import main; '
            f'sys.exit(main(sys.argv[1:], {node(colour_node, "follow")!r}))')
    process = subprocess.Popen(
        [sys.executable, '-c', code, '--out', str(tmp_path)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if 'TRACKING' in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert 'Traceback' not in errors
    child = int((tmp_path / 'node.log').read_text().split('process ')[1].split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


@pytest.mark.parametrize('arguments, part', [
    (['--video', 'nowhere.mp4', '--box', BOX], 'nowhere.mp4'),
    (['--video', 'FOLDER'], '--box'), (['--box', BOX], '--video'),
    (['--video', 'FOLDER', '--box', 'nan,1,2,3'], 'finite'),
    (['--video', 'FOLDER', '--box', '9000,1,20,30'], 'inside the first image'),
    (['--frames', '1'], '--frames'), (['--frams', '1'], '--frames'),
    (['--video', 'FOLDER', '--box', BOX, '--out', '/proc/nowhere'], '/proc/nowhere')])
def test_bad_input_is_refused_before_a_node_starts(arguments, part, red_cup, capsys, tmp_path,
                                                   monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [str(red_cup) if word == 'FOLDER' else word for word in arguments]
    assert main(arguments, ('/no/such/node',)) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and part in error


def test_without_ros_the_error_says_what_to_do(red_cup, tmp_path):
    code = ('import sys; sys.modules["rclpy"] = None; from siamx_ros.demo.__main__ import main; '
            'sys.exit(main())')
    refused(python('-c', code, '--video', red_cup, '--box', BOX, '--out', tmp_path),
            'rclpy', 'make demo')


def test_the_node_is_ended_with_the_block(tmp_path):
    stubborn = ('import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); '
                'print("up", flush=True); time.sleep(60)')
    with NodeProcess(tmp_path, {'a': {'b': 1}}, {'image': '/demo/image'},
                     (sys.executable, '-c', stubborn)) as process:
        process.check()
        child = process._process
        while 'up' not in process.log_path.read_text():
            process.check()
    assert child.poll() is not None
    assert '--params-file' in child.args and 'image:=/demo/image' in child.args
    with pytest.raises(NodeDied, match='up'):
        process.check()
