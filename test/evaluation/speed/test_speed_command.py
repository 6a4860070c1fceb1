"""The speed command as a whole."""

import json
from pathlib import Path

import cv2
import pytest

from siamx_ros.cli import main
from siamx_ros.evaluation.speed import measurement, report
from siamx_ros.evaluation.speed.stages import STAGES
from siamx_ros.synthetic import sequence

ADAPTER = '''
class Adapter:
    def __init__(self, word):
        self.word = word
    def init(self, image, box):
        assert image.shape == (120, 160, 3) and len(box) == 4
    def update(self, image):
        return (1, 2, 3, 4), 0.9, False

def make(word):
    assert word == 'fast'
    return Adapter(word)
'''


@pytest.fixture
def adapter(tmp_path):
    path = tmp_path / 'theirs.py'
    path.write_text(ADAPTER)
    return path


@pytest.fixture
def folder(tmp_path):
    """A folder with one sequence of ten images, 320 x 240."""
    clip = sequence(frames=10)
    images = tmp_path / 'data' / 'clip' / 'img'
    images.mkdir(parents=True)
    for index, image in enumerate(clip):
        cv2.imwrite(str(images / f'{index:04d}.png'), image)
    lines = [','.join(f'{value:g}' for value in box) for box in clip.boxes_xywh]
    (images.parent / 'groundtruth.txt').write_text('\n'.join(lines) + '\n')
    return images.parents[1]


def test_ours_and_another_one_are_measured(capfd, tmp_path, adapter, folder):
    out = tmp_path / 'speed.json'
    assert main(['speed', str(folder), '--beside', f'{adapter}:fast', '--device', 'cpu',
                 '--threads', '1', '--size', '160x120', '--turns', '3', '--frames', '9',
                 '--starts', '1', '--targets', '3', '--out', str(out)]) == 0
    values = json.loads(out.read_text())
    assert values['settings']['images'] == ['clip'] and values['settings']['size'] == [160, 120]
    assert values['targets']['3']['count'] == 9
    assert list(values['trackers']) == ['siamx', 'theirs:fast']
    for speed in values['trackers'].values():
        assert speed['update']['count'] == 9 and speed['init']['count'] == 3
        (start,) = speed['starts']
        assert 0 < start['loaded'] <= start['ready'] and start['peak_mb'] > 10
    stages = values['stages']
    assert list(stages) == list(STAGES)
    spared = {'backward check'}  # by most images
    assert all(stages[name]['mean'] > 0 for name in set(STAGES) - spared)
    assert values['lost']['count'] == 15
    assert 0 < values['network']['share'] and values['network']['gmacs'] > 0.1
    text = capfd.readouterr().out
    assert all(name in text for name in (*STAGES, 'theirs:fast', 'siamx while lost', 'GFLOPS'))


@pytest.mark.parametrize('arguments, sentence', [
    (['--size', '640'], '--size must be WIDTHxHEIGHT'), (['--turns', '0'], '--turns'),
    (['--starts', '-1'], '--starts'), (['--frames', '6'], '--frames must be at least 7'),
    (['--threads', '-1'], 'threads must be at least 0'),
    (['--weights', 'none.pt'], 'none.pt does not exist'), (['nowhere'], 'no folder nowhere'),
    (['--beside', 'theirs.py', '--starts', '0', '--turns', '1'], 'no file theirs.py'),
    (['--beside', 'csrt', '--beside', 'csrt'], 'different names'),
    (['--beside', 'a/siamx.py'], 'different names')])
def test_bad_input(capfd, arguments, sentence):
    assert main(['speed', '--device', 'cpu', '--size', '64x48', *arguments]) == 2
    assert sentence in capfd.readouterr().err


def test_what_was_measured_is_printed_where_no_file_can_be_written(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(measurement, 'measure', lambda plan, step: 'measured')
    monkeypatch.setattr(report, 'as_tables', lambda measured: f'the tables of what was {measured}')
    monkeypatch.setattr(report, 'as_values', lambda measured, settings: {})
    out = tmp_path / 'speed.json'
    out.with_name('speed.json.partial').symlink_to('/dev/full')
    assert main(['speed', '--device', 'cpu', '--size', '64x48', '--out', str(out)]) == 1
    said = capfd.readouterr()
    assert said.out == 'the tables of what was measured\n'
    assert f'error: cannot write {out}: No space left on device' in said.err
    assert not list(tmp_path.iterdir())


def test_a_sequence_that_is_too_short_is_refused(capfd, folder):
    assert main(['speed', str(folder), '--frames', '11']) == 2
    assert 'clip has 10 images' in capfd.readouterr().err


def test_what_is_read_is_not_written_over(capfd, folder):
    image = next(Path(folder).rglob('*.png'))
    assert main(['speed', str(folder), '--out', str(image)]) == 2
    assert str(image) in capfd.readouterr().err
