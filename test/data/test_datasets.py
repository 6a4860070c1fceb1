"""Official folder layouts, each written small and read."""

import json
import logging
import shutil

import cv2
import numpy as np
import pytest

from siamx_ros.data.annotation import TEST, TRAIN, polygon_bounds
from siamx_ros.data.catalogue import DATASETS, kinds, read_benchmark
from siamx_ros.errors import InputError

BOX = '11,21,30,40'


def images(folder, count, pattern='{:08d}.jpg', first=1):
    folder.mkdir(parents=True)
    for index in range(first, first + count):
        cv2.imwrite(str(folder / pattern.format(index)), np.zeros((60, 80, 3), np.uint8))


def lasot(root):
    for name in ('cat-1', 'cat-20'):
        images(root / 'cat' / name / 'img', 3)
        (root / 'cat' / name / 'groundtruth.txt').write_text(f'{BOX}\n' * 3)
        (root / 'cat' / name / 'full_occlusion.txt').write_text('0,1,0')
        (root / 'cat' / name / 'out_of_view.txt').write_text('0,0,1')
    (root / 'testing_set.txt').write_text('cat-20\n')


def got10k(root):
    for name in ('GOT-10k_Val_000001', 'GOT-10k_Val_000002'):
        images(root / 'val' / name, 3)
        (root / 'val' / name / 'groundtruth.txt').write_text('10.0000,20.0000,30,40\n' * 3)
        (root / 'val' / name / 'cover.label').write_text('8\n0\n1\n')


def trackingnet(root):
    images(root / 'TEST' / 'frames' / 'abc_0', 12, '{}.jpg', 0)
    (root / 'TEST' / 'anno').mkdir()
    (root / 'TEST' / 'anno' / 'abc_0.txt').write_text('10,20,30,40\n')


def vot(root):
    for name in ('agility', 'ants1'):
        images(root / 'sequences' / name / 'color', 2)
        (root / 'sequences' / name / 'groundtruth.txt').write_text(
            '10,20,40,20,40,60,10,60\n' * 2)
    (root / 'sequences' / 'list.txt').write_text('ants1\nagility\n')


def vot_long_term(root):
    images(root / 'person' / 'color', 3)
    (root / 'person' / 'groundtruth.txt').write_text('10,20,30,40\nnan,nan,nan,nan\nnan\n')


def otb(root):
    images(root / 'David' / 'img', 302, '{:04d}.jpg')
    (root / 'David' / 'groundtruth_rect.txt').write_text('11\t21\t30\t40\n' * 3)
    images(root / 'Jogging' / 'img', 2, '{:04d}.jpg')
    for number in (1, 2):
        (root / 'Jogging' / f'groundtruth_rect.{number}.txt').write_text('11,21,30,40\n' * 2)


def uav(root):
    images(root / 'data_seq' / 'UAV123' / 'bird1', 5, '{:06d}.jpg')
    (root / 'anno' / 'UAV123').mkdir(parents=True)
    (root / 'anno' / 'UAV123' / 'bird1_2.txt').write_text('11,21,30,40\nNaN,NaN,NaN,NaN\n')
    (root / 'configSeqs.m').write_text(
        "seqUAV123={struct('name','bird1_2','path','..\\data_seq\\UAV123\\bird1\\',"
        "'startFrame',3,'endFrame',4,'nz',6,'ext','jpg','init_rect', [0,0,0,0])};\n")


def vot360(root):
    images(root / '0000' / 'image', 2, '{:06d}.jpg', 0)
    label = {'bbox': {'cx': 25, 'cy': 40, 'w': 30, 'h': 40, 'rotation': 0}}
    (root / '0000' / 'label.json').write_text(
        json.dumps({'000000.jpg': label, '000001.jpg': label}))


WRITERS = {'lasot': lasot, 'got10k': got10k, 'trackingnet': trackingnet, 'vot': vot,
           'votlt': vot_long_term, 'otb': otb, 'uav': uav, '360vot': vot360}
EXPECTED = {
    'lasot': {'cat-20': [1, 0, 0]}, 'trackingnet': {'abc_0': [1] + [0] * 11},
    'got10k': {'GOT-10k_Val_000001': [1, 0, 1], 'GOT-10k_Val_000002': [1, 0, 1]},
    'vot': {'agility': [1, 1], 'ants1': [1, 1]}, 'votlt': {'person': [1, 0, 0]},
    'otb': {'David': [1, 1, 1], 'Jogging.1': [1, 1], 'Jogging.2': [1, 1]},
    'uav': {'bird1_2': [1, 0]}, '360vot': {'0000': [1, 1]}}


@pytest.mark.parametrize('kind', WRITERS)
def test_layouts(tmp_path, kind):
    """Names, visibility, and the same box in our coordinates whatever the benchmark counts from."""
    root = tmp_path / kind
    root.mkdir()
    WRITERS[kind](root)
    sequences = read_benchmark(root, kind)
    assert {each.name: each.visible.astype(int).tolist() for each in sequences} == EXPECTED[kind]
    for sequence in sequences:
        np.testing.assert_array_equal(sequence.boxes_xywh[0], [10, 20, 30, 40])
        assert len(sequence.truth) == len(sequence.frame_paths)


def test_offsets_of_frames(tmp_path):
    otb(tmp_path / 'otb')
    [david] = [each for each in read_benchmark(tmp_path / 'otb', 'otb') if each.name == 'David']
    assert david.frame_paths[0].name == '0300.jpg' and len(david.frame_paths) == 3
    uav(tmp_path / 'uav')
    assert read_benchmark(tmp_path / 'uav', 'uav')[0].frame_paths[0].name == '000003.jpg'


def test_every_kind_is_tested():
    assert set(WRITERS) | {'folder'} == set(kinds(TEST))


@pytest.mark.parametrize('kind', kinds(TEST))
def test_an_empty_folder_is_refused(tmp_path, kind):
    with pytest.raises(InputError, match='holds no sequence'):
        read_benchmark(tmp_path, kind)


@pytest.mark.parametrize('kind', ['lasot', 'got10k', 'vot', 'otb'])
def test_missing_frames_are_named(tmp_path, kind):
    WRITERS[kind](tmp_path)
    sorted(tmp_path.rglob('*.jpg'))[-1].unlink()
    with pytest.raises(InputError, match=r'has \d+ images but \d+ boxes'):
        read_benchmark(tmp_path, kind)


def test_bad_input(tmp_path):
    with pytest.raises(InputError, match="unknown benchmark 'lassot'; known: folder, got10k"):
        read_benchmark(tmp_path, 'lassot')
    with pytest.raises(InputError, match='there is no folder'):
        read_benchmark(tmp_path / 'x', 'lasot')
    vot(tmp_path)
    (tmp_path / 'sequences' / 'ants1' / 'groundtruth.txt').write_text('1,2,3,4,5,6,7,8\n1,2,3,4\n')
    with pytest.raises(InputError, match='line 2, must hold 4 or 8 numbers'):
        read_benchmark(tmp_path, 'vot')
    vot360(tmp_path / 'o')
    (tmp_path / 'o' / '0000' / 'label.json').write_text('{"000000.jpg": {}}')
    with pytest.raises(InputError, match='has no entry'):
        read_benchmark(tmp_path / 'o', '360vot')
    shutil.rmtree(tmp_path / 'o' / '0000' / 'image')
    with pytest.raises(InputError, match='0000 is no sequence: it has no images in image/'):
        read_benchmark(tmp_path / 'o', '360vot')


def test_a_withheld_truth_without_images_is_refused(tmp_path):
    folder = tmp_path / 'GOT-10k_Test_000001'
    folder.mkdir(parents=True)
    (folder / 'groundtruth.txt').write_text('1,2,30,40\n')
    (tmp_path / 'list.txt').write_text('GOT-10k_Test_000001\n')
    with pytest.raises(InputError, match='has 0 images but 1 boxes'):
        read_benchmark(tmp_path, 'got10k')


def test_bounds_of_polygons():
    np.testing.assert_array_equal(
        polygon_bounds(np.array([[5.0, 0, 10, 5, 5, 10, 0, 5]])), [[0, 0, 10, 10]])


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
def test_lasot_never_trains_on_a_listed_test_sequence(three_lasot, content, with_training_list):
    (three_lasot / 'testing_set.txt').write_bytes(content)
    if with_training_list:
        (three_lasot / 'training_set.txt').write_bytes(
            MARK + b'cat/cat-1,Cat-20\r\nbird-20\r\n')
    expected = {'cat-20'} if b'bird' in content else {'cat-20', 'bird-20'}
    assert training_names(three_lasot) == expected


@pytest.mark.parametrize('content', LISTS.values(), ids=LISTS)
def test_lasot_evaluates_on_the_listed_sequences(three_lasot, content):
    (three_lasot / 'testing_set.txt').write_bytes(content)
    names = {sequence.name for sequence in read_benchmark(three_lasot, 'lasot')}
    assert names == ({'cat-1', 'bird-20'} if b'bird' in content else {'cat-1'})


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


@pytest.mark.parametrize('text, sentence', [
    ('0,yes,0', 'flag 2 of .*full_occlusion.txt'), ('0,1', 'holds 2 flags for 3 boxes')])
def test_flags_that_do_not_match_are_refused(three_lasot, text, sentence):
    (three_lasot / 'cat' / 'cat-1' / 'full_occlusion.txt').write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_benchmark(three_lasot, 'lasot')


@pytest.mark.parametrize('kind, base', [('got10k', 'val'), ('vot', 'sequences')])
def test_lists_of_folders(tmp_path, kind, base, caplog):
    """Whatever is on the list must be there; what is there and not on the list is named."""
    WRITERS[kind](tmp_path)
    first, second = sorted(path.parent.name for path in tmp_path.rglob('groundtruth.txt'))
    listed = tmp_path / base / 'list.txt'
    listed.write_bytes(MARK + f'x/{first.upper()}\r\n'.encode())
    assert [each.name for each in read_benchmark(tmp_path, kind)] == [first]
    assert f'not used: 1 sequences that {listed} does not name: {second}' in caplog.text
    listed.write_text(f'{first}\nno_such\n')
    with pytest.raises(InputError, match="1 sequences that are not there, such as 'no_such'"):
        read_benchmark(tmp_path, kind)


@pytest.mark.parametrize('flags', ['8\n9\n1\n', '8\n-1\n1\n', '8\nx\n1\n', '8\n0\n'])
def test_covers_that_do_not_match_are_refused(tmp_path, flags):
    got10k(tmp_path)
    (tmp_path / 'val' / 'GOT-10k_Val_000001' / 'cover.label').write_text(flags)
    with pytest.raises(InputError, match='cover.label'):
        read_benchmark(tmp_path, 'got10k')


def test_otb_images_without_boxes_are_named(tmp_path, caplog):
    """But for those of which everyone knows: David begins at image 300."""
    otb(tmp_path)
    with caplog.at_level(logging.WARNING):
        read_benchmark(tmp_path, 'otb')
    assert caplog.text == ''
    (tmp_path / 'Jogging' / 'groundtruth_rect.1.txt').write_text('11,21,30,40\n')
    lengths = {each.name: len(each.frame_paths) for each in read_benchmark(tmp_path, 'otb')}
    assert lengths == {'David': 3, 'Jogging.1': 1, 'Jogging.2': 2}
    assert 'not used: the last 1 images of Jogging, for which groundtruth_rect.1.txt' in caplog.text


def test_trackingnet_frames_without_boxes_are_named(tmp_path, caplog):
    trackingnet(tmp_path)
    (tmp_path / 'TEST' / 'frames' / 'xyz_1').mkdir()
    assert len(read_benchmark(tmp_path, 'trackingnet')) == 1
    assert 'have no boxes in anno/: xyz_1' in caplog.text


def test_half_a_sequence_is_named(tmp_path, caplog):
    images(tmp_path / 'a' / 'img', 1)
    (tmp_path / 'a' / 'groundtruth.txt').write_text('1,2,3,4\n')
    images(tmp_path / 'b' / 'img', 1)
    assert [each.name for each in read_benchmark(tmp_path, 'folder')] == ['a']
    assert f'{tmp_path / "b"} has not both img/ and groundtruth.txt' in caplog.text


def test_360vot_entries_without_an_image_are_refused(tmp_path):
    vot360(tmp_path)
    (tmp_path / '0000' / 'image' / '000001.jpg').unlink()
    with pytest.raises(InputError, match='has 2 entries for 1 images'):
        read_benchmark(tmp_path, '360vot')


def test_every_data_set_has_a_split():
    for kind, listers in DATASETS.items():
        assert listers and set(listers) <= {TRAIN, TEST}, kind
