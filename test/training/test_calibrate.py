"""Fitting the confidence of a model: what it runs over, and the command."""

import json
import shutil

from command_line import python
import numpy as np
import pytest
import torch

from siamx_ros.cli import main
from siamx_ros.commands.calibrate import CUT, _cut_away, _poor, _videos, answers
from siamx_ros.config import TrackerConfig
from siamx_ros.data.sequence_writer import SequenceWriter
from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.records import TrackResult, TrackState
from siamx_ros.synthetic import sequence
from siamx_ros.training.synthetic_video import SyntheticVideo
from siamx_ros.training.pictures import PictureSet


def video(count, size, value):
    return SyntheticVideo([np.full((*size, 3), value, np.uint8)] * count, np.ones((count, 4)))


def test_videos_end_with_another_one_in_their_size():
    first, second = _cut_away([(1, video(5, (40, 60), 1)), (2, video(30, (20, 30), 2))])
    assert len(first.images) == 5 + CUT and len(second.images) == 30 + 5
    assert {image.shape for image in first.images} == {(40, 60, 3)}
    assert first.images[4].max() == 1 and first.images[5].min() == 2
    assert np.isnan(first.boxes[5:]).all() and np.isfinite(first.boxes[:5]).all()


def test_a_single_video_is_left_as_it_is():
    assert len(_cut_away([(1, video(5, (40, 60), 1))])[0].images) == 5


def test_a_video_does_not_end_with_one_of_its_own_scene():
    """In which its target may be, labelled as absent."""
    ends = [{int(image.max()) for image in each.images[5:]} for each in _cut_away(
        [(scene, video(5, (40, 60), value)) for scene, value in ((7, 1), (7, 2), (8, 3))])]
    assert ends == [{3}, {3}, {1, 2}]


def test_a_cut_shows_another_target_in_the_place_of_the_last():
    picture = np.zeros((50, 80, 3), np.uint8)
    picture[20:30, 35:45] = 200
    small = SyntheticVideo([picture] * 3, np.tile([35.0, 20.0, 10.0, 10.0], (3, 1)))
    large = SyntheticVideo([np.full((120, 160, 3), 7, np.uint8)] * 2,
                           np.array([[100.0, 40.0, 40.0, 40.0], [20.0, 60.0, 40.0, 40.0]]))
    _, _, first, *_ = _cut_away([(1, large), (2, small)])[0].images
    rows, columns = np.nonzero(first[..., 0] > 100)
    assert first.shape == (120, 160, 3)
    assert rows.min() == pytest.approx(60, abs=2) and rows.max() == pytest.approx(99, abs=2)
    assert columns.min() == pytest.approx(20, abs=2) and columns.max() == pytest.approx(59, abs=2)


def test_a_poor_copy_has_fewer_and_smaller_images_and_its_boxes():
    images = [np.full((40, 60, 3), value, np.uint8) for value in range(5)]
    boxes = np.arange(5)[:, None] + np.array([[20.0, 10.0, 12.0, 8.0]])
    poor = _poor(SyntheticVideo(images, boxes), 2)
    assert [image.max() for image in poor.images] == [0, 2, 4]
    assert {image.shape for image in poor.images} == {(20, 30, 3)}
    np.testing.assert_allclose(poor.boxes, boxes[[0, 2, 4]] / 2)


def test_a_video_begins_with_its_first_box():
    boxes = np.ones((4, 4))
    boxes[[0, 1, 3]] = np.nan
    images = [np.full((8, 8, 3), value, np.uint8) for value in range(4)]
    (scene, cut), = _videos(PictureSet(images, [], [], [([0, 1, 2, 3], boxes)], [9] * 4))
    assert scene == 9 and [image.max() for image in cut.images] == [2, 3]
    assert np.isfinite(cut.boxes[0]).all() and np.isnan(cut.boxes[1]).all()


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
