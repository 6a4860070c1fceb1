"""Reading sequences from folders, and first boxes that are a little off, the same each time."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from siamx_ros.cli import main
from siamx_ros.commands import evaluate
from siamx_ros.data.folders import read_sequences
from siamx_ros.data.inexact import DEVIATION, with_inexact_starts
from siamx_ros.data.sequence import Sequence, read_folder
from siamx_ros.errors import InputError
from siamx_ros.evaluation.runner import first_visible
from siamx_ros.frame_sources import FolderSource


def make(folder, names=('1.jpg', '2.jpg', '10.jpg'), truth='1,2,3,4\n1,2,3,4\n1.5,2,3,4\n'):
    (folder / 'img').mkdir(parents=True)
    for name in names:
        cv2.imwrite(str(folder / 'img' / name), np.zeros((8, 8, 3), np.uint8))
    (folder / 'groundtruth.txt').write_text(truth)
    return folder


def test_images_are_in_natural_order_and_stray_files_ignored(tmp_path):
    make(tmp_path / 's')
    (tmp_path / 's' / 'img' / 'Thumbs.db').write_text('')
    (tmp_path / 's' / 'img' / '._1.jpg').write_text('')
    sequence = read_folder(tmp_path / 's')
    assert [path.name for path in sequence.frame_paths] == ['1.jpg', '2.jpg', '10.jpg']
    assert sequence.name == 's' and sequence.boxes_xywh[2, 0] == 1.5


@pytest.mark.parametrize('names', [
    ('1.webp', '2.tif', '10.ppm', '11.tiff'), ('a1.png', 'B2.png', 'c3.PNG'), ('01.png', '1.png')])
def test_images_are_those_of_a_source_in_the_same_order(tmp_path, names):
    make(tmp_path / 's', names, '1,2,3,4\n' * len(names))
    sequence = read_folder(tmp_path / 's')
    assert tuple(path.name for path in sequence.frame_paths) == names
    assert sequence.frame_paths == FolderSource(tmp_path / 's' / 'img').paths


@pytest.mark.parametrize('line', ['nan,nan,nan,nan', '0,0,0,0', '5,5,0,7', 'NaN 3 4 5', '3,4,-2,5'])
def test_absent(tmp_path, line):
    make(tmp_path / 's', truth=f'1,2,3,4\n{line}\n1,2,3,4\n')
    sequence = read_folder(tmp_path / 's')
    assert list(sequence.visible) == [True, False, True]
    assert np.isnan(sequence.boxes_xywh[1]).all()


@pytest.mark.parametrize('truth, sentence', [
    ('1,2,3\n1,2,3,4\n1,2,3,4\n', 'line 1, must hold 4 numbers'),
    ('1,2,3,4\n1,2,x,4\n1,2,3,4\n', 'line 2, must hold 4 numbers'),
    ('1,2,3,4\n\n1,2,3,4\n', 'line 2, must hold 4 numbers'),
    ('1,2,3,4\n', '3 images but 1 boxes')])
def test_malformed_truth_is_named(tmp_path, truth, sentence):
    make(tmp_path / 's', truth=truth)
    with pytest.raises(InputError, match=sentence):
        read_folder(tmp_path / 's')


def test_missing_parts(tmp_path):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match='no images'):
        read_folder(tmp_path / 'empty')
    make(tmp_path / 's')
    (tmp_path / 's' / 'groundtruth.txt').unlink()
    with pytest.raises(InputError, match='no groundtruth.txt'):
        read_folder(tmp_path / 's')
    (tmp_path / 's' / 'groundtruth.txt').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(InputError, match='cannot read'):
        read_folder(tmp_path / 's')


def test_folders_of_sequences(tmp_path):
    for name in ('b', 'a'):
        make(tmp_path / name)
    (tmp_path / 'notes').mkdir()
    (tmp_path / 'file').touch()
    sequences = read_sequences(tmp_path)
    assert [sequence.name for sequence in sequences] == ['a', 'b']
    assert [sequence.name for sequence in read_sequences(tmp_path / 'b')] == ['b']
    assert [sequence.name for sequence in read_sequences(tmp_path, ['b', 'a'])] == ['b', 'a']
    for name, sentence in (('notes', 'holds no sequence'), ('x', 'there is no folder'),
                           ('file', 'is a file, expected a folder')):
        with pytest.raises(InputError, match=sentence):
            read_sequences(tmp_path / name)
        with pytest.raises(InputError, match=sentence):
            read_sequences(tmp_path / name, ['a'])
    with pytest.raises(InputError, match="no sequence 'c'; known: a, b"):
        read_sequences(tmp_path, ['c'])
    with pytest.raises(InputError, match="sequence 'a' is named more than once"):
        read_sequences(tmp_path, ['a', 'a', 'b'])


NAN = [np.nan] * 4


def sequence(name='a', boxes=(NAN, [100, 80, 40, 20], [102, 81, 40, 20])):
    boxes = np.array(boxes, float)
    return Sequence(name, tuple(Path(f'{i}.jpg') for i in range(len(boxes))), boxes)


def test_only_the_first_box_is_displaced():
    original = sequence()
    first, second = with_inexact_starts([original], 2)
    assert (first.name, second.name) == ('a~1', 'a~2')
    for each in (first, second):
        assert each.frame_paths == original.frame_paths
        np.testing.assert_array_equal(each.boxes_xywh[[0, 2]], original.boxes_xywh[[0, 2]])
        assert (each.boxes_xywh[1] != original.boxes_xywh[1]).all()
    assert not np.array_equal(first.boxes_xywh[1], second.boxes_xywh[1])
    np.testing.assert_array_equal(original.boxes_xywh[1], [100, 80, 40, 20])


def test_the_displacement_is_the_same_each_time_and_of_its_size():
    starts = np.array([s.boxes_xywh[1] for s in with_inexact_starts([sequence()], 500)])
    again = np.array([s.boxes_xywh[1] for s in with_inexact_starts([sequence()], 500)])
    np.testing.assert_array_equal(starts, again)
    size = np.log(starts[:, 2] / 40)
    np.testing.assert_allclose(starts[:, 2] / 40, starts[:, 3] / 20)
    shift = (starts[:, :2] + starts[:, 2:] / 2 - [120, 90]) / [40, 20]
    for deviate in (size, *shift.T):
        assert abs(deviate.mean()) < 0.003 and deviate.std() == pytest.approx(DEVIATION, rel=0.1)
    other = with_inexact_starts([sequence('b')], 1)[0].boxes_xywh[1]
    assert not np.array_equal(other, starts[0])


def test_names_that_are_not_utf_8_have_displacements_too():
    first, other = (with_inexact_starts([sequence(os.fsdecode(name))], 1)[0].boxes_xywh[1]
                    for name in (b'caf\xe9', b'caf\xe8'))
    assert not np.array_equal(first, other)


def test_a_target_that_is_never_there_is_refused_as_ever():
    first, = with_inexact_starts([sequence(boxes=(NAN, NAN))], 1)
    with pytest.raises(InputError, match='a~1 has no frame with a true box'):
        first_visible(first)


def test_the_command_runs_each_start(tmp_path, monkeypatch, capfd):
    """Sequences of two starts each in the table; official figures refuse it."""
    seen = []
    monkeypatch.setattr('siamx_ros.commands.evaluate.read_benchmark', lambda *_: [sequence()])
    monkeypatch.setattr('siamx_ros.evaluation.campaign.run_campaign',
                        lambda campaign: seen.extend(campaign.sequences) or {
                            'siamx': campaign.sequences})
    monkeypatch.setattr(evaluate, '_print_tables', lambda runs: None)
    assert main(['evaluate', str(tmp_path), '--trackers', 'siamx', '--inexact', '2']) == 0
    assert [each.name for each in seen] == ['a~1', 'a~2']
    assert main(['evaluate', str(tmp_path), '--inexact', '1', '--benchmark', 'otb']) == 2
    assert 'start from the true box' in capfd.readouterr().err
