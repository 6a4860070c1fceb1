"""Fitting the confidence of a model: what it runs over, and the command."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from siamx_ros.cli import main
from siamx_ros.commands.calibrate import CUT, _cut_away
from siamx_ros.training.flights import Flight


def video(count, size, value):
    return Flight([np.full((*size, 3), value, np.uint8)] * count, np.ones((count, 4)))


def test_videos_end_with_another_one_in_their_size():
    first, second = _cut_away([video(5, (40, 60), 1), video(30, (20, 30), 2)])
    assert len(first.images) == 5 + CUT and len(second.images) == 30 + 5
    assert {image.shape for image in first.images} == {(40, 60, 3)}
    assert first.images[4].max() == 1 and first.images[5].min() == 2
    assert np.isnan(first.boxes[5:]).all() and np.isfinite(first.boxes[:5]).all()


def test_a_single_video_is_left_as_it_is():
    assert len(_cut_away([video(5, (40, 60), 1)])[0].images) == 5


@pytest.fixture
def photographs(data, tmp_path):
    """The training folder with so many photographs that two are held out."""
    root = tmp_path / 'photographs'
    shutil.copytree(data, root)
    boxes = json.loads((root / 'boxes.json').read_text())
    for i in range(26):
        boxes[f'more_{i:02d}.jpg'] = boxes['photo_0.jpg']
        shutil.copy(root / 'images' / f'photo_{i % 4}.jpg', root / 'images' / f'more_{i:02d}.jpg')
    (root / 'boxes.json').write_text(json.dumps(boxes))
    return root


def test_the_command_writes_both_tables(photographs, tmp_path):
    out = tmp_path / 'fitted.pt'
    done = subprocess.run(
        [sys.executable, '-m', 'siamx_ros', 'calibrate', str(photographs), '--weights', 'default', '--out',
         str(out), '--flights', '2', '--held_out', 'kept', '--device', 'cpu', '--half'],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'agreement' in done.stdout and str(out) in done.stdout
    content = torch.load(out, weights_only=True)
    assert set(content['calibration']) == {'online', 'network'}
    assert set(content['card']['calibration']['online']) == {'flights', 'videos'}
    assert content['calibration']['network']['response'] == 0
    assert all(low <= 0 < high for low, high in content['ranges'].values())
    assert sum('tower' in name for name in content['ranges']) == 8


def test_without_a_wrong_answer_it_is_refused(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('siamx_ros.commands.calibrate.look', lambda *args: (
        np.full((4, 4), 0.5), np.ones(4, bool)))
    assert main(['calibrate', str(data), '--weights', 'default', '--out', str(tmp_path / 'no.pt'),
                 '--flights', '1', '--held_out', 'kept']) == 2
    assert 'right and wrong' in capsys.readouterr().err and not (tmp_path / 'no.pt').exists()
