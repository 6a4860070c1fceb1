"""LaSOT: whatever the lists look like, no test sequence is trained on; flags count."""

import shutil

from benchmark_folders import lasot
import numpy as np
import pytest

from siamx_ros.data.annotation import TEST, TRAIN
from siamx_ros.data.catalogue import DATASETS, read_benchmark
from siamx_ros.errors import InputError

MARK = b'\xef\xbb\xbf'
LISTS = {
    'plain': b'cat-1\n', 'mark': MARK + b'cat-1\r\n', 'commas': b'cat-1,bird-20',
    'blanks': b' cat-1 ', 'path': b'cat/cat-1\n', 'folder': b'./cat/cat-1/\n',
    'other system': b'cat\\cat-1\r\n', 'capitals': b'Cat-1\n', 'zeros': b'CAT-001\n'}
"""Ways to say that cat-1 is for tests."""


@pytest.fixture
def three_lasot(tmp_path):
    """cat-1, cat-20 and bird-20 without a list."""
    lasot(tmp_path)
    shutil.copytree(tmp_path / 'cat' / 'cat-20', tmp_path / 'bird' / 'bird-20')
    (tmp_path / 'testing_set.txt').unlink()
    return tmp_path


def training_names(root, kind='lasot'):
    return {read().folder.parent.name for read in DATASETS[kind][TRAIN](root)}


@pytest.mark.parametrize('content', LISTS.values(), ids=LISTS)
@pytest.mark.parametrize('with_training_list', [False, True])
def test_lasot_never_trains_on_a_listed_test_sequence_and_evaluates_on_it(
        three_lasot, content, with_training_list):
    (three_lasot / 'testing_set.txt').write_bytes(content)
    if with_training_list:
        (three_lasot / 'training_set.txt').write_bytes(
            MARK + b'cat/cat-1,Cat-20\r\nbird-20\r\n')
    tested = {'cat-1', 'bird-20'} if b'bird' in content else {'cat-1'}
    assert training_names(three_lasot) == {'cat-1', 'cat-20', 'bird-20'} - tested
    assert {sequence.name for sequence in read_benchmark(three_lasot, 'lasot')} == tested


@pytest.mark.parametrize('text', ['cat_1\n', 'cat 1\n', 'cat-1.zip\n', 'cat-1\n# comment\n', ''])
def test_lasot_refuses_a_test_list_that_it_cannot_read(three_lasot, text):
    (three_lasot / 'testing_set.txt').write_text(text)
    with pytest.raises(InputError, match='testing_set.txt'):
        training_names(three_lasot)
    with pytest.raises(InputError, match='testing_set.txt'):
        read_benchmark(three_lasot, 'lasot')


def test_lasot_lists_name_what_is_there(three_lasot):
    """A test list may name sequences that were never loaded, if it only says what to leave out."""
    (three_lasot / 'testing_set.txt').write_text('cat-1\ncow-7\n')
    assert training_names(three_lasot) == {'cat-20', 'bird-20'}
    with pytest.raises(InputError, match="1 sequences that are not there, such as 'cow-7'"):
        read_benchmark(three_lasot, 'lasot')
    (three_lasot / 'training_set.txt').write_text('cat-20\ncow-8\n')
    with pytest.raises(InputError, match="such as 'cow-8'"):
        training_names(three_lasot)


def test_lasot_refuses_folders_that_could_be_test_sequences(three_lasot):
    (three_lasot / 'testing_set.txt').write_text('cat-1\n')
    shutil.copytree(three_lasot / 'cat' / 'cat-1', three_lasot / 'cat' / 'copy')
    with pytest.raises(InputError, match="'copy' in .* is no sequence <class>-<n>"):
        training_names(three_lasot)
    shutil.move(three_lasot / 'cat' / 'copy', three_lasot / 'spare' / 'cat-01')
    with pytest.raises(InputError, match='two sequences of one name'):
        training_names(three_lasot)


@pytest.mark.parametrize('flags', [b'0,1.0,0', b'0,True,0', b'0\n1\n0\n'])
@pytest.mark.parametrize('split', [TRAIN, TEST])
def test_lasot_flags_count_however_written(three_lasot, flags, split):
    (three_lasot / 'testing_set.txt').write_text('cat-1\n')
    for path in three_lasot.rglob('full_occlusion.txt'):
        path.write_bytes(flags)
    for path in three_lasot.rglob('out_of_view.txt'):
        path.write_bytes(MARK + b'1,0,0')
    for read in DATASETS['lasot'][split](three_lasot):
        entry = read()
        boxes = entry.boxes if split == TRAIN else entry.boxes_xywh
        assert np.isfinite(boxes).all(1).tolist() == [False, False, True]
