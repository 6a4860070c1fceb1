"""Copies with an absence: what they show, where the boxes are, and that they repeat."""

import errno
import os
from pathlib import Path
import re

import cv2
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.data.degradation import Degradation
from siamx_ros.data.interruption import GAP, interrupted, write_sequence
from siamx_ros.data.sequence import read_folder


def write(folder, name, colour, count=20, size=(80, 60)):
    """A square of one colour that moves over grey."""
    (folder / name / 'img').mkdir(parents=True)
    lines = []
    for index in range(count):
        image = np.full((size[1], size[0], 3), 90, np.uint8)
        x, y = 20 + index, 20
        image[y:y + 12, x:x + 10] = colour
        cv2.imwrite(str(folder / name / 'img' / f'{index:04d}.png'), image)
        lines.append(f'{x},{y},10,12')
    (folder / name / 'groundtruth.txt').write_text('\n'.join(lines))
    return read_folder(folder / name)


@pytest.fixture
def pair(tmp_path):
    return (write(tmp_path / 'data', 'red', (0, 0, 255)),
            write(tmp_path / 'data', 'blue', (255, 0, 0), size=(100, 50)))


@pytest.mark.parametrize('seed', range(4))
def test_the_target_is_where_its_box_is_and_nowhere_while_absent(pair, seed):
    frames = list(interrupted(*pair, np.random.default_rng(seed)))
    absent = [bool(np.isnan(box).any()) for _, box in frames]
    assert GAP[0] <= sum(absent) <= GAP[1] and len(frames) == 20 + sum(absent)
    first, last = absent.index(True), len(absent) - 1 - absent[::-1].index(True)
    assert all(absent[first:last + 1]) and 0.3 * 20 < first < 0.7 * 20
    for image, box in frames:
        assert image.shape == (60, 80, 3)
        red = (image[..., 2] > 200) & (image[..., 0] < 60)
        if np.isnan(box).any():
            assert not red.any()
            continue
        x, y, w, h = box.astype(int)
        assert red[max(y, 0):y + h, max(x, 0):x + w].all()


def test_the_return_is_elsewhere(pair):
    frames = list(interrupted(*pair, np.random.default_rng(1)))
    boxes = np.array([box for _, box in frames if np.isfinite(box).all()])
    steps = np.abs(np.diff(boxes[:, :2], axis=0))
    assert (steps.sum(1) > 3).sum() == 1, 'one jump, at the return'


def test_command(pair, tmp_path, capsys):
    data = tmp_path / 'data'
    for out in ('a', 'b'):
        assert main(['interrupt', str(data), '--out', str(tmp_path / out), '--seed', '3']) == 0
    assert '2 sequences' in capsys.readouterr().out
    ours, again = (read_folder(tmp_path / out / 'red') for out in ('a', 'b'))
    np.testing.assert_array_equal(ours.boxes_xywh, again.boxes_xywh)
    assert (~ours.visible).sum() >= GAP[0] and ours.visible.sum() == 20
    assert main(['interrupt', str(data), '--out', str(tmp_path / 'a')]) == 2
    assert main(['interrupt', str(data / 'red'), '--out', str(tmp_path / 'c')]) == 2
    assert 'one recording, of red' in capsys.readouterr().err


def test_another_target_of_the_same_recording_is_not_shown_meanwhile(pair, tmp_path):
    """It begins with the same picture, and shows the target too."""
    data = tmp_path / 'data'
    write(data, 'same', (0, 0, 255))
    for seed in range(4):
        out = tmp_path / f'out{seed}'
        assert main(['interrupt', str(data), '--out', str(out), '--seed', str(seed)]) == 0
        for name in ('red', 'same'):
            copy = read_folder(out / name)
            for path, there in zip(copy.frame_paths, copy.visible):
                image = cv2.imread(str(path)).astype(int)
                assert there or not ((image[..., 2] > 200) & (image[..., 0] < 60)).any()


def test_a_poorer_camera_shows_the_target_where_its_smaller_box_is(pair, tmp_path):
    data = tmp_path / 'data'
    assert main(['interrupt', str(data), '--out', str(tmp_path / 'copy'),
                 '--every', '4', '--shrink', '2', '--quality', '100']) == 0
    copy = read_folder(tmp_path / 'copy' / 'red')
    assert copy.visible.sum() == 5 and GAP[0] <= (~copy.visible).sum() <= GAP[1]
    before = copy.boxes_xywh[:2]
    np.testing.assert_allclose(before, [[10, 10, 5, 6], [12, 10, 5, 6]])
    for path, box in zip(copy.frame_paths, copy.boxes_xywh):
        image = cv2.imread(str(path))
        assert image.shape == (30, 40, 3)
        if np.isfinite(box).all():
            centre = np.clip(box[:2] + box[2:] / 2, 0, (39, 29)).astype(int)
            assert image[centre[1], centre[0], 2] > 150 > image[centre[1], centre[0], 0]


def test_an_odd_image_shrinks_to_whole_pixels_and_its_box_with_it():
    image, box = Degradation(shrink=2).shrunk(
        np.zeros((51, 81, 3), np.uint8), np.array([8.1, 5.1, 81, 51]))
    assert image.shape == (25, 40, 3)
    np.testing.assert_allclose(box, [4, 2.5, 40, 25])


def test_lower_quality_makes_smaller_files(pair, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    frames = [(noise, np.array([20.0, 20, 10, 12]))]
    sizes = []
    for quality in (95, 20):
        write_sequence(tmp_path / str(quality), iter(frames), Degradation(quality=quality))
        sizes.append((tmp_path / str(quality) / 'img' / '00000001.jpg').stat().st_size)
    assert sizes[1] < sizes[0] / 2


@pytest.mark.parametrize('arguments, sentence', [
    (('--out', 'new', '--seed', '-1'), '--seed must be at least 0, got -1'),
    (('--out', 'new', '--every', '0'), '--every must be at least 1, got 0'),
    (('--out', 'new', '--every', '20'), 'has one image, of every 20: it cannot be interrupted'),
    (('--out', 'new', '--shrink', '-2'), '--shrink must be at least 1, got -2'),
    (('--out', 'new', '--shrink', '4'), '--shrink 4 leaves 25x12 pixels of an image of 100x50'),
    (('--out', 'new', '--quality', '101'), '--quality must be 1 to 100, got 101'),
    (('--out', 'file/x'), '--out file/x would lie in ')])
def test_bad_input_is_refused(pair, tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').touch()
    assert main(['interrupt', 'data', *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / 'new').exists()


@pytest.mark.parametrize('owner, function, name', [
    (Path, 'write_bytes', r'img/00000001\.jpg'), (np, 'savetxt', r'groundtruth\.txt')])
@pytest.mark.parametrize('number, status', [(errno.ENOSPC, 1), (errno.ENOENT, 2)])
def test_what_cannot_be_written_is_named(pair, tmp_path, capsys, monkeypatch, owner, function, name,
                                         number, status):
    """The disk is full, or somebody removed the folder."""
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(owner, function, fail)
    assert main(['interrupt', str(tmp_path / 'data'), '--out', str(tmp_path / 'out')]) == status
    assert re.search(f'error: cannot write .*{name}: {os.strerror(number)}\n',
                     capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ['data']


def test_a_copy_whose_name_is_not_utf_8(pair, tmp_path):
    folder = tmp_path / os.fsdecode(b'caf\xe9')
    assert write_sequence(folder, interrupted(*pair, np.random.default_rng(0))) == len(
        list((folder / 'img').iterdir()))
