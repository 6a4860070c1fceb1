"""Fitting the confidence of a model: what it runs over, and the command."""

import json
import shutil

from command_line import python
import numpy as np
import pytest
import torch

from siamx_ros.cli import main
from siamx_ros.commands.calibrate import _among_others, _begun, _videos, answers
from siamx_ros.config import TrackerConfig
from siamx_ros.data.sequence_writer import SequenceWriter
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.model.weights import load_checkpoint, save_checkpoint
from siamx_ros.records import TrackResult, TrackState
from siamx_ros.synthetic import sequence
from siamx_ros.training.synthetic_video import SyntheticVideo, boxed_targets
from siamx_ros.training.pictures import PictureSet


def video(count, size, value):
    return SyntheticVideo([np.full((*size, 3), value, np.uint8)] * count, np.ones((count, 4)))


def test_a_video_begins_with_its_first_box():
    boxes = np.ones((4, 4))
    boxes[[0, 1, 3]] = np.nan
    images = [np.full((8, 8, 3), value, np.uint8) for value in range(4)]
    (scene, cut), = _videos(PictureSet(images, [], [], [([0, 1, 2, 3], boxes)], [9] * 4))
    assert scene == 9 and [image.max() for image in cut.images] == [2, 3]
    assert np.isfinite(cut.boxes[0]).all() and np.isnan(cut.boxes[1]).all()


def test_a_video_begins_with_the_first_box_that_the_tracker_takes(caplog):
    """Where it takes none, the video is left out and counted."""
    boxes = np.array([[-9.0, 2.0, 10.0, 4.0], [-5.0, 2.0, 10.0, 4.0], [-2.0, 2.0, 10.0, 4.0]])
    images = [np.full((8, 12, 3), value, np.uint8) for value in range(3)]
    pictures = PictureSet(images, [], [], [([0, 1, 2], boxes), ([0, 1], boxes[:2])], [9] * 3)
    (_, begun), (_, outside) = _videos(pictures)
    assert [image.max() for image in begun.images] == [2] and len(outside.images) == 2
    assert _begun([begun, outside], 'videos') == [begun]
    assert 'videos: 1 of 2 are left out' in caplog.text


def test_others_are_cut_from_boxes_that_stick_out_of_a_photograph():
    """Those that lie outside altogether are none."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (120, 160, 3), np.uint8) for _ in range(2)]
    rows = np.array([[-20.0, 30.0, 40.0, 40.0], [60.0, -20.0, 40.0, 40.0],
                     [-60.0, 10.0, 40.0, 40.0], [160.0, 10.0, 40.0, 40.0]])
    pictures = PictureSet(images, [(0, rows), (1, rows[:2])], [], [], [1, 2])
    assert [len(boxes) for _, boxes in boxed_targets(pictures)] == [2, 2]
    for video in _among_others(pictures, 4, rng):
        assert len(video.images) == len(video.boxes)


def test_the_tracker_sees_each_video_in_its_light():
    seen = []

    class Watching:
        def init(self, image, box):
            seen.append(image.max())

        def update(self, image):
            seen.append(image.max())
            return TrackResult(BoundingBox(1, 1, 1, 1), 0.5, TrackState.TRACKING)

    gains = np.array([[1.0] * 3, [0.5] * 3, [2.0] * 3])
    shown = video(3, (8, 8), 100)
    shown.boxes[2] = np.nan
    rows, right, absent = answers(Watching(), [(shown, gains)], 'light')
    assert seen == [100, 50, 200] and rows.shape == (2, 6)
    assert (right == [True, False]).all() and (absent == [False, True]).all()


@pytest.fixture
def photographs(data, tmp_path):
    """The training folder with so many photographs that two are held out.

    A video begins without a box.
    """
    root = tmp_path / 'photographs'
    shutil.copytree(data, root)
    boxes = json.loads((root / 'boxes.json').read_text())
    for i in range(26):
        boxes[f'more_{i:02d}.jpg'] = boxes['photo_0.jpg']
        shutil.copy(root / 'images' / f'photo_{i % 4}.jpg', root / 'images' / f'more_{i:02d}.jpg')
    (root / 'boxes.json').write_text(json.dumps(boxes))
    truth = root / 'video' / 'seen' / 'groundtruth.txt'
    truth.write_text('\n'.join(['nan,nan,nan,nan', *truth.read_text().splitlines()[1:]]))
    return root


def calibrate(root, out, *options):
    """Run the command in this process; returns its status."""
    return main(['calibrate', str(root), '--weights', 'default', '--out', str(out), *options])


@pytest.mark.slow
def test_the_command_writes_both_tables(photographs, tmp_path):
    out = tmp_path / 'fitted.pt'
    writer = SequenceWriter(tmp_path / 'simulated' / 'world', quality=90)
    for image in sequence(frames=3):
        writer.add(image, np.array([40.0, 40.0, 30.0, 30.0]))
    writer.finish()
    done = python('-m', 'siamx_ros', 'calibrate', photographs, '--weights', 'default', '--out', out,
                  '--synthetic', '2', '--held_out', 'kept', '--device', 'cpu', '--half',
                  '--simulated', tmp_path / 'simulated', timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'agreement' in done.stdout and str(out) in done.stdout
    content = torch.load(out, weights_only=True)
    assert set(content['calibration']) == {'online', 'network'}
    assert set(content['card']['calibration']['online']) == {
        'synthetic', 'look-alikes', 'videos', 'poor videos', 'simulated worlds'}
    assert content['card']['calibration']['online']['simulated worlds']['frames'] == 2
    assert content['calibration']['network']['response'] == 0
    assert all(low <= 0 < high for low, high in content['ranges'].values())
    assert sum('tower' in name for name in content['ranges']) == 12


def test_it_runs_over_whole_patches(photographs, tmp_path, monkeypatch):
    """A steady target's small patch seldom shows a second peak."""
    used = []

    def refuse(engine, config, calibration):
        used.append(config)
        raise InputError('enough')

    monkeypatch.setattr('siamx_ros.commands.calibrate.Tracker', refuse)
    monkeypatch.setattr('siamx_ros.commands.calibrate._ranges', lambda *_: None)
    assert calibrate(photographs, tmp_path / 'fitted.pt', '--synthetic', '2', '--held_out', 'kept',
                     '--device', 'cpu') == 2
    assert [config.steady_size for config in used] == [TrackerConfig().search_size]


def test_without_anything_to_track_it_is_refused_at_once(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('siamx_ros.commands.calibrate._ranges', lambda *_: pytest.fail('went on'))
    root = tmp_path / 'stills'
    shutil.copytree(data, root, ignore=shutil.ignore_patterns('video'))
    assert calibrate(root, tmp_path / 'no.pt', '--synthetic', '3') == 2
    error = capsys.readouterr().err
    assert 'two held-out photographs' in error
    assert 'got 1 with boxes and 3 synthetic videos' in error


def test_fewer_than_no_synthetic_videos_are_refused(data, tmp_path, capsys):
    assert calibrate(data, tmp_path / 'no.pt', '--synthetic', '-3') == 2
    assert '--synthetic must be at least 0, got -3' in capsys.readouterr().err


def test_weights_beyond_fp16_are_refused_before_the_fit(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('siamx_ros.commands.calibrate._material', lambda *_: pytest.fail('fitted'))
    network = load_checkpoint('default').network
    name, value = next((n, v) for n, v in network.named_parameters() if v.ndim > 1)
    value.data[:] = 1e5
    save_checkpoint(tmp_path / 'wide.pt', network)
    assert main(['calibrate', str(data), '--weights', str(tmp_path / 'wide.pt'), '--half',
                 '--out', str(tmp_path / 'no.pt')]) == 2
    assert f'{name} holds 100000, fp16 at most 65504' in capsys.readouterr().err


@pytest.mark.parametrize('device, sentence', [
    ('abacus', "unknown device 'abacus'"), ('cuda:99', 'device cuda:99 was asked for')])
def test_a_device_that_is_not_there_is_refused_at_once(data, tmp_path, capsys, monkeypatch, device,
                                                       sentence):
    monkeypatch.setattr('siamx_ros.commands.calibrate.read_pictures',
                        lambda *_, **__: pytest.fail('went on'))
    assert calibrate(data, tmp_path / 'no.pt', '--device', device) == 2
    assert sentence in capsys.readouterr().err


def test_the_network_is_that_of_the_checkpoint(data, tmp_path, capsys):
    assert calibrate(data, tmp_path / 'no.pt', '--network.channels', '32') == 2
    assert "unknown option '--network.channels'" in capsys.readouterr().err


def test_without_simulated_worlds_it_is_refused_at_once(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('siamx_ros.commands.calibrate._ranges', lambda *_: pytest.fail('went on'))
    assert calibrate(data, tmp_path / 'no.pt', '--simulated', str(tmp_path / 'nowhere')) == 2
    assert 'there is no folder' in capsys.readouterr().err


def test_a_simulated_world_begins_with_its_target(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('siamx_ros.commands.calibrate._ranges', lambda *_: pytest.fail('went on'))
    writer = SequenceWriter(tmp_path / 'simulated' / 'world', quality=90)
    writer.add(np.zeros((40, 60, 3), np.uint8), np.full(4, np.nan))
    writer.finish()
    assert calibrate(data, tmp_path / 'no.pt', '--simulated', str(tmp_path / 'simulated')) == 2
    assert 'world must show its target in its first image' in capsys.readouterr().err


def test_without_a_wrong_answer_it_is_refused(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('siamx_ros.commands.calibrate._ranges', lambda *_: None)
    monkeypatch.setattr('siamx_ros.commands.calibrate.answers', lambda *args: (
        np.full((4, 6), 0.5), np.ones(4, bool), np.zeros(4, bool)))
    assert calibrate(data, tmp_path / 'no.pt', '--synthetic', '1', '--held_out', 'kept') == 2
    assert 'right and wrong' in capsys.readouterr().err and not (tmp_path / 'no.pt').exists()
