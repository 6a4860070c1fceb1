"""Copies with an absence: what they show, where the boxes are, and that they repeat."""

import cv2
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.data.interruption import GAP, interrupted, write_sequence
from siamx_ros.data.sequence import read_folder
from siamx_ros.errors import InputError


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
    assert 'needs another' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, sentence', [
    (('--out', 'new', '--seed', '-1'), '--seed must be at least 0, got -1'),
    (('--out', 'file/x'), 'cannot make the folder file/x/blue: Not a directory')])
def test_bad_input_is_refused(pair, tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').touch()
    assert main(['interrupt', 'data', *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_an_image_that_cannot_be_written_is_told(pair, tmp_path, monkeypatch):
    monkeypatch.setattr(cv2, 'imwrite', lambda *_: False)
    with pytest.raises(InputError, match='cannot write .*00000001.jpg'):
        write_sequence(tmp_path / 'copy', interrupted(*pair, np.random.default_rng(0)))
