"""Official folder layouts, each written small and read."""

import logging
import shutil

from benchmark_folders import WRITERS, images, otb, trackingnet, uav
import numpy as np
import pytest

from siamx_ros.data.annotation import TEST, polygon_bounds
from siamx_ros.data.catalogue import DATASETS, kinds, read_benchmark
from siamx_ros.errors import InputError

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


@pytest.mark.parametrize('kind', WRITERS)
def test_an_entry_has_the_name_of_its_sequence_before_that_is_opened(tmp_path, kind):
    WRITERS[kind](tmp_path)
    entries = list(DATASETS[kind][TEST](tmp_path))
    assert entries and [each.name for each in entries] == [each().name for each in entries]


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


def cut_off(root):
    """Without the last of all images."""
    sorted(root.rglob('*.jpg'))[-1].unlink()


def written(place, text):
    """A function that writes a text to a place below the root."""
    return lambda root: (root / place).write_text(text)


@pytest.mark.parametrize('kind, damage, sentence', [
    *((kind, cut_off, r'has \d+ images but \d+ boxes') for kind in (
        'lasot', 'got10k', 'vot', 'otb')),
    ('vot', written('sequences/ants1/groundtruth.txt', '1,2,3,4,5,6,7,8\n1,2,3,4\n'),
     'line 2, must hold 4 or 8 numbers'),
    ('360vot', written('0000/label.json', '{"000000.jpg": {}}'), 'has no entry'),
    ('360vot', cut_off, 'has 2 entries for 1 images'),
    ('360vot', lambda root: shutil.rmtree(root / '0000' / 'image'),
     '0000 is no sequence: it has no images in image/'),
    *(('got10k', written('val/GOT-10k_Val_000001/cover.label', flags), 'cover.label') for flags in (
        '8\n9\n1\n', '8\n-1\n1\n', '8\nx\n1\n', '8\n0\n'))])
def test_what_does_not_fit_is_refused(tmp_path, kind, damage, sentence):
    WRITERS[kind](tmp_path)
    damage(tmp_path)
    with pytest.raises(InputError, match=sentence):
        read_benchmark(tmp_path, kind)


def test_bad_input(tmp_path):
    with pytest.raises(InputError, match="unknown benchmark 'lassot'; known: folder, got10k"):
        read_benchmark(tmp_path, 'lassot')
    with pytest.raises(InputError, match='there is no folder'):
        read_benchmark(tmp_path / 'x', 'lasot')


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


@pytest.mark.parametrize('kind, base', [('got10k', 'val'), ('vot', 'sequences')])
def test_lists_of_folders(tmp_path, kind, base, caplog):
    """Whatever is on the list must be there; what is there and not on the list is named."""
    WRITERS[kind](tmp_path)
    first, second = sorted(path.parent.name for path in tmp_path.rglob('groundtruth.txt'))
    listed = tmp_path / base / 'list.txt'
    listed.write_bytes(f'\ufeffx/{first.upper()}\r\n'.encode())
    assert [each.name for each in read_benchmark(tmp_path, kind)] == [first]
    assert f'not used: 1 sequences that {listed} does not name: {second}' in caplog.text
    listed.write_text(f'{first}\nno_such\n')
    with pytest.raises(InputError, match="1 sequences that are not there, such as 'no_such'"):
        read_benchmark(tmp_path, kind)


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


def uav_entry(folder, last):
    """One of UAV123's own list."""
    return (f"struct('name','bird1_2','path','F:\\UAV123\\data_seq\\{folder}\\bird1\\',\t"
            f"'startFrame',3,'endFrame',{last},'nz',6)")


@pytest.mark.parametrize('lines', [
    ['UAV123 4', 'UAV123_10fps 5'], ['UAV123_10fps 5', 'UAV123 4'], ['UAV123 4', 'UAV123 5'],
    ['% UAV123 5', 'UAV123 4'], ['UAV20L 4', 'UAV20L 5']])
def test_the_lists_of_uav123(tmp_path, lines):
    """Videos of other lists have the same names."""
    uav(tmp_path)
    (tmp_path / 'configSeqs.m').write_text(''.join(
        f'{comment}seq{folder}={{{uav_entry(folder, last)}}};\n' for comment, folder, last in (
            (line.rpartition('% ')[1], *line.removeprefix('% ').split()) for line in lines)))
    [bird] = read_benchmark(tmp_path, 'uav')
    assert [path.name for path in bird.frame_paths] == ['000003.jpg', '000004.jpg']


@pytest.mark.parametrize('kind, folder', [
    ('uav', 'anno/UAV123'), ('trackingnet', 'TEST/anno'), ('trackingnet', 'TEST/frames')])
def test_what_a_mac_leaves_beside_files_is_passed_over(tmp_path, kind, folder, caplog):
    WRITERS[kind](tmp_path)
    (tmp_path / folder / '._x_1.txt').write_bytes(b'\0\5\x16\7\0\2\0\0Mac OS X\xa3\xff')
    assert {each.name for each in read_benchmark(tmp_path, kind)} == set(EXPECTED[kind])
    assert caplog.text == ''


def test_half_a_sequence_is_named(tmp_path, caplog):
    images(tmp_path / 'a' / 'img', 1)
    (tmp_path / 'a' / 'groundtruth.txt').write_text('1,2,3,4\n')
    images(tmp_path / 'b' / 'img', 1)
    assert [each.name for each in read_benchmark(tmp_path, 'folder')] == ['a']
    assert f'{tmp_path / "b"} has not both img/ and groundtruth.txt' in caplog.text
