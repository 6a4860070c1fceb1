"""Reading sequences from folders."""

import cv2
import numpy as np
import pytest

from siamx_ros.data.folders import read_sequences, select
from siamx_ros.data.sequence import read_folder
from siamx_ros.errors import InputError
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
    sequences = read_sequences(tmp_path)
    assert [sequence.name for sequence in sequences] == ['a', 'b']
    assert [sequence.name for sequence in read_sequences(tmp_path / 'b')] == ['b']
    assert [sequence.name for sequence in select(sequences, ['b'])] == ['b']
    with pytest.raises(InputError, match="no sequence 'c'; known: a, b"):
        select(sequences, ['c'])
    with pytest.raises(InputError, match="sequence 'a' is named more than once"):
        select(sequences, ['a', 'a', 'b'])
