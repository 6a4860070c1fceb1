"""The command track: the same table twice, what it refuses, and how it ends."""

import csv
import json
import re
import signal
import subprocess
import sys

from command_line import ROOT, command, refused
import cv2
import pytest

from siamx_ros.cli import main
from siamx_ros.imaging import read_image
from siamx_ros.recording import CSV_COLUMNS
from siamx_ros.synthetic import sequence


def test_track_writes_the_same_table_twice(folder, box, tmp_path):
    tables = [tmp_path / 'a.csv', tmp_path / 'b.csv']
    for table in tables:
        process = command('track', folder / 'img', '--box', box, '--weights', 'random',
                          '--device', 'cpu', '--csv', table)
        assert process.returncode == 0, process.stderr
    assert tables[0].read_bytes() == tables[1].read_bytes()
    rows = list(csv.DictReader(tables[0].open()))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [int(row['frame']) for row in rows] == list(range(12))
    assert rows[0]['state'] == 'TRACKING'
    first = [float(rows[0][name]) for name in 'xywh']
    assert first == pytest.approx([float(n) for n in box.split(',')], abs=1e-3)


def test_track_of_a_video_ends_with_one_line_of_json(folder, box, tmp_path):
    video = tmp_path / 'out.mp4'
    process = command('track', folder / 'clip.mp4', '--box', box, '--weights', 'random',
                      '--device', 'cpu', '--video', video, '--adaptive', 'off', '--frames', '7')
    assert process.returncode == 0, process.stderr
    summary = json.loads(process.stdout.splitlines()[-1])
    assert len(process.stdout.splitlines()) == 1
    assert summary['frames'] == 7
    assert summary['frames_per_second'] > 0
    assert summary['adaptive'] == 'off'
    assert sum(summary['states'].values()) == 7
    capture = cv2.VideoCapture(str(video))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(25.0)
    frames = 0
    while capture.read()[0]:
        frames += 1
    assert frames == 7


@pytest.mark.parametrize('value', ['a,b,c,d', '-500,20,30,30', '2000,2000,30,30'])
def test_bad_boxes_are_refused(here, folder, value):
    refused(here('track', folder / 'img', '--box', value, '--weights', 'random'), value)


def test_missing_box_is_refused(here, folder):
    refused(here('track', folder / 'img'), '--box')


@pytest.mark.parametrize('arguments, parts', [
    (('--weights', 'no_such_model'), ('no_such_model',)),
    (('--weights', '/no/such/file.pt'), ('/no/such/file.pt',)),
    (('--device', 'abacus', '--weights', 'random'), ('abacus',)),
    (('--adaptive', 'maybe'), ('adaptive', 'paper')),
    (('--tracking.penalti_k', '0.1'), ('penalti_k', 'near names', '--tracking.penalty_k')),
    (('--tracking.penalty_k', '7'), ('penalty_k', 'at most 1')),
    (('--config', '/no/such/file.yaml'), ('/no/such/file.yaml',)),
    (('--frames', '0'), ('--frames',)), (('--frames', '9' * 20), ('--frames',)),
    (('--weights', '.'), ('.',)), (('--weights', './'), ('is a folder',)),
    (('--heat-map',), ('--heat-map', '--video or --show')),
    (('--csv', '/no/such/folder/a.csv', '--weights', 'random'), ('/no/such/folder/a.csv',)),
    (('--video', '/no/such/folder/a.mp4', '--weights', 'random'), ('/no/such/folder/a.mp4',)),
    (('--video', 'a.gif', '--weights', 'random'), ('a.gif', '.mp4')),
    (('surplus',), ("argument 'surplus'",)),
])
def test_bad_options_are_refused(here, folder, box, arguments, parts):
    refused(here('track', folder / 'img', '--box', box, *arguments), *parts)


@pytest.mark.parametrize('other', [('--video', 'a.gif'), ('--show',)])
def test_an_earlier_table_is_kept_where_the_rest_cannot_be_opened(
        here, folder, box, tmp_path, monkeypatch, other):
    def no_display(name):
        raise cv2.error('no display')
    monkeypatch.setattr(cv2, 'namedWindow', no_display)
    table = tmp_path / 'earlier.csv'
    table.write_text('earlier')
    assert here('track', folder / 'img', '--box', box, '--weights', 'random', '--csv', table,
                *other).returncode == 2
    assert table.read_text() == 'earlier'


def test_a_folder_of_a_sequence_is_told_from_its_images(here, folder, box):
    refused(here('track', folder, '--box', box), 'holds no image', 'there is a folder img/ in it')


def test_bad_sources_are_refused(here, tmp_path):
    (tmp_path / 'noise.mp4').write_bytes(bytes(range(256)) * 40)
    (tmp_path / 'empty.mp4').touch()
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'broken').mkdir()
    (tmp_path / 'broken' / '0.jpg').write_bytes(b'no image')
    for name in ('noise.mp4', 'empty.mp4', 'folder', 'broken', 'missing.mp4'):
        refused(here('track', tmp_path / name, '--box', '1,2,30,30'), name)


def test_config_file_is_read_and_options_win(here, folder, box, tmp_path):
    config = tmp_path / 'settings.yaml'
    config.write_text('/**:\n  ros__parameters:\n    image_timeout: 0.5\n'
                      '    tracking: {adaptive: "off"}\n    model.weights: random\n')
    arguments = ('track', folder / 'img', '--box', box, '--frames', 2, '--config', config)
    assert json.loads(here(*arguments).stdout)['adaptive'] == 'off'
    assert json.loads(here(*arguments, '--adaptive', 'paper').stdout)['adaptive'] == 'paper'


def test_unknown_names_in_a_config_file_are_refused(here, folder, box, tmp_path):
    config = tmp_path / 'settings.yaml'
    for text, part in (('tracking: {penalti_k: 0.1}', 'penalti_k'), ('trackin: {a: 1}', 'trackin'),
                       ('tracking: 3', 'is a group of settings, got 3'), ('- 1', 'mapping'),
                       ('a: [', 'cannot read'), ('a: 2024-13-01', 'cannot read')):
        config.write_text(text)
        refused(here('track', folder / 'img', '--box', box, '--config', config), part)


def test_a_full_disk_is_no_traceback(folder, box):
    process = command('track', folder / 'img', '--box', box, '--weights', 'random', '--device',
                      'cpu', '--csv', '/dev/full')
    assert process.returncode == 1
    assert 'error: cannot write /dev/full: No space left' in process.stderr
    assert 'Traceback' not in process.stderr


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_quietly_and_keeps_table_and_video(tmp_path, box, number):
    video = cv2.VideoWriter(
        str(tmp_path / 'long.avi'), cv2.VideoWriter_fourcc(*'MJPG'), 25.0, (320, 240))
    image = sequence(frames=1).image(0)
    for _ in range(3000):
        video.write(image)
    video.release()
    process = subprocess.Popen(
        [sys.executable, '-m', 'siamx_ros', 'track', str(tmp_path / 'long.avi'), '--box', box,
         '--weights', 'random', '--device', 'cpu', '--csv', str(tmp_path / 'a.csv'),
         '--video', str(tmp_path / 'a.mp4')],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))  # ignored under nohup
    seen = b''
    while b'/3000 [' not in seen and (byte := process.stderr.read(1)):
        seen += byte
    process.send_signal(number)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode == 130, rest
    assert b'Traceback' not in rest and b'interrupted' in rest
    lines = (tmp_path / 'a.csv').read_text().splitlines()
    assert len(lines) > 1 and all(line.count(',') == 6 for line in lines)
    capture = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) >= len(lines) - 2 and capture.read()[0]


class Silent(list):
    """A camera that opens, and no more."""

    name, fps, frame_count = 'camera0', 30.0, None


def test_a_camera_without_an_image_is_reported(monkeypatch, capsys):
    monkeypatch.setattr('siamx_ros.commands.track.open_source', lambda _: Silent())
    assert main(['track', '0', '--box', '1,1,9,9']) == 2
    assert 'camera0 is open, but gives no image' in capsys.readouterr().err


def test_an_image_of_another_size_is_named(tmp_path, folder, box, here):
    for index in range(4):
        image = read_image(folder / 'img' / f'{index}.png')
        cv2.imwrite(str(tmp_path / f'{index}.png'), image[:-8] if index == 2 else image)
    process = here('track', tmp_path, '--box', box, '--weights', 'random')
    assert process.returncode == 2
    assert f'{tmp_path}/2.png: the image is 320x232 pixels' in process.stderr


def test_frames_after_a_damaged_one_keep_their_numbers(tmp_path, box, here):
    clip, path = sequence(frames=6), tmp_path / 'hole.avi'
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25.0, (320, 240))
    for image in clip:
        video.write(image)
    video.release()
    data = bytearray(path.read_bytes())
    starts = [found.end() for found in re.finditer(rb'00dc.{4}\xff\xd8', data, re.DOTALL)]
    data[starts[2]:starts[2] + 1000] = bytes(1000)
    path.write_bytes(data)
    process = here('track', path, '--box', box, '--weights', 'random', '--csv', tmp_path / 'a.csv')
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)['frames'] == 5
    rows = csv.DictReader((tmp_path / 'a.csv').open())
    assert [int(row['frame']) for row in rows] == [0, 1, 3, 4, 5]
