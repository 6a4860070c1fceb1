"""Official folder layouts, each written small and read."""

import json
import shutil

import cv2
import numpy as np
import pytest

from siamx_ros.data.benchmarks import READERS, polygon_bounds, read_benchmark
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
    assert set(WRITERS) | {'folder'} == set(READERS)


@pytest.mark.parametrize('kind', READERS)
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
    with pytest.raises(InputError, match="unknown benchmark 'lassot'; known: folder, lasot"):
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
