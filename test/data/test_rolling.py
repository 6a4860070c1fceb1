"""Copies whose camera rolls: where the target is, how large its box, and what is refused."""

import cv2
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.data.rolling import angles
from siamx_ros.data.sequence import read_folder

BOX = 60.0, 10.0, 24.0, 12.0


@pytest.fixture
def data(tmp_path):
    """A red ellipse that stands right of the middle of an image twice as wide as high."""
    folder = tmp_path / 'data' / 'red'
    (folder / 'img').mkdir(parents=True)
    image = np.full((60, 120, 3), 90, np.uint8)
    cv2.ellipse(image, (72, 16), (12, 6), 0, 0, 360, (0, 0, 255), -1)
    for number in range(12):
        cv2.imwrite(str(folder / 'img' / f'{number:04d}.png'), image)
    rows = [BOX] * 10 + [[np.nan] * 4] * 2
    np.savetxt(folder / 'groundtruth.txt', rows, '%.2f', delimiter=',')
    return tmp_path / 'data'


def red(path, middle) -> np.ndarray:
    """The box around what is red at a place, x, y, w, h; its mirror image may be seen elsewhere."""
    image = cv2.imread(str(path))
    mask = ((image[..., 2] > 150) & (image[..., 0] < 60)).astype(np.uint8)
    parts = cv2.connectedComponents(mask)[1]
    x, y = np.round(middle).astype(int)
    assert parts[y, x]
    rows, columns = np.nonzero(parts == parts[y, x])
    return np.array([columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1])


@pytest.mark.parametrize('speed', [30, -45, 90])
def test_the_box_goes_round_with_the_target(data, tmp_path, speed):
    assert main(['roll', str(data), '--out', str(tmp_path / 'copy'), '--speed', str(speed)]) == 0
    copy = read_folder(tmp_path / 'copy' / 'red')
    assert copy.visible.tolist() == [True] * 10 + [False] * 2
    for path, box in zip(copy.frame_paths[:10], copy.boxes_xywh):
        assert cv2.imread(str(path)).shape == (120, 120, 3)
        assert box == pytest.approx(red(path, box[:2] + box[2:] / 2), abs=2.5)


def test_it_turns_counter_clockwise(data, tmp_path):
    assert main(['roll', str(data), '--out', str(tmp_path / 'copy'), '--speed', '90']) == 0
    first, second = read_folder(tmp_path / 'copy' / 'red').boxes_xywh[:2]
    assert first == pytest.approx((60, 40, 24, 12), abs=0.01)
    assert second == pytest.approx((40, 36, 12, 24), abs=0.01), 'a quarter: what was right is above'


@pytest.mark.parametrize('speed, within, expected', [
    (10, 0, [0, 10, 20, 30, 40, 50]), (10, 20, [0, 10, 20, 10, 0, -10, -20, -10, 0]),
    (-15, 30, [0, -15, -30, -15, 0, 15, 30, 15])])
def test_it_swings_where_it_is_held_within(speed, within, expected):
    assert angles(len(expected), speed, within) == pytest.approx(expected)


def test_what_leaves_the_image_is_absent(data, tmp_path):
    """The corner of an image is outside of the square after an eighth of a turn."""
    folder = data / 'red'
    np.savetxt(folder / 'groundtruth.txt', [(114.0, 0.0, 6.0, 4.0)] * 12, '%.2f', delimiter=',')
    assert main(['roll', str(data), '--out', str(tmp_path / 'copy'), '--speed', '-26']) == 0
    assert read_folder(tmp_path / 'copy' / 'red').visible.tolist()[:2] == [True, False]


@pytest.mark.parametrize('options, sentence', [
    (['--speed', '0'], '--speed must be up to 90 degrees an image, either way, and not 0, got 0'),
    (['--speed', '91'], 'got 91'), (['--speed', 'nan'], 'got nan'),
    (['--within', '-1'], '--within must be 0 to 180 degrees, got -1'),
    (['--within', 'nan'], 'got nan'), (['--within', '181'], 'got 181')])
def test_bad_input_is_refused(data, tmp_path, capsys, options, sentence):
    assert main(['roll', str(data), '--out', str(tmp_path / 'copy'), *options]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / 'copy').exists()


def test_nothing_is_written_over(data, tmp_path, capsys):
    (tmp_path / 'copy').mkdir()
    assert main(['roll', str(data), '--out', str(tmp_path / 'copy')]) == 2
    assert 'exists already' in capsys.readouterr().err


def test_a_sequence_begins_with_its_target(data, tmp_path, capsys):
    rows = [[np.nan] * 4] + [BOX] * 11
    np.savetxt(data / 'red' / 'groundtruth.txt', rows, '%.2f', delimiter=',')
    assert main(['roll', str(data), '--out', str(tmp_path / 'copy')]) == 2
    assert 'red must show its target in its first image' in capsys.readouterr().err


def test_what_is_broken_off_leaves_no_folder(data, tmp_path, capsys):
    (data / 'red' / 'img' / '0005.png').write_bytes(b'damaged')
    assert main(['roll', str(data), '--out', str(tmp_path / 'copy')]) == 2
    assert '0005.png' in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ['data']
