"""What of a data set cannot be read is named, and another pair is drawn; or training is refused."""

import logging

from command_line import python
import pytest
import torch
from training_sets import configure, make_coco, make_got10k, make_trackingnet

from siamx_ros.errors import InputError
from siamx_ros.training import loading
from siamx_ros.training.pairs import PairDataset
from siamx_ros.training.sources import read_sources


def test_a_damaged_sequence_is_named_and_skipped_or_refused(tmp_path, caplog):
    make_got10k(tmp_path)
    (tmp_path / 'train' / 'GOT-10k_Train_000002' / 'groundtruth.txt').write_text('1,2,3\n4,x,6,7\n')
    with caplog.at_level(logging.WARNING):
        assert len(read_sources(configure('got10k', tmp_path))[0][0].entries) == 2
    assert 'GOT-10k_Train_000002' in caplog.text
    with pytest.raises(InputError, match='GOT-10k_Train_000002'):
        read_sources(configure('got10k', tmp_path, bad_files='refuse'))


def test_a_missing_frame_is_refused_at_the_start(tmp_path):
    make_got10k(tmp_path)
    (tmp_path / 'train' / 'GOT-10k_Train_000003' / '00000006.jpg').unlink()
    with pytest.raises(InputError, match='00000006.jpg is missing'):
        read_sources(configure('got10k', tmp_path, bad_files='refuse'))


@pytest.mark.parametrize('workers', [0, 2])
def test_damage_found_while_training_draws_another_pair(tmp_path, workers, caplog, enlarged):
    """Missing, empty, cut-off, far too large, a box outside: named, and the pairs stay the same."""
    make_got10k(tmp_path)
    base = tmp_path / 'train'
    (base / 'GOT-10k_Train_000001' / '00000001.jpg').unlink()
    (base / 'GOT-10k_Train_000001' / '00000004.jpg').write_bytes(b'')
    cut = base / 'GOT-10k_Train_000002' / '00000005.jpg'
    cut.write_bytes(cut.read_bytes()[:-300])
    enlarged(base / 'GOT-10k_Train_000003' / '00000006.jpg')
    boxes = (base / 'GOT-10k_Train_000003' / 'groundtruth.txt')
    boxes.write_text('\n'.join(['900,900,30,36', *boxes.read_text().splitlines()[1:]]))
    config = configure('got10k', tmp_path, workers=workers, batch=5, negatives=0, steps=6)
    data = loading.read_data(None, config)
    process = loading.Process(0, 1, torch.device('cpu'))
    with caplog.at_level(logging.WARNING):
        batches = list(loading.training_loader(data, config, process, 0))
        again = list(loading.training_loader(data, config, process, 2))
    assert len(batches) == 6 and len(again) == 4
    for whole, resumed in zip(batches[2:], again):
        assert all(a.equal(b) for a, b in zip(whole[:2], resumed[:2]))
    if not workers:
        for name in ('00000001.jpg', '00000004.jpg', '00000005.jpg', '00000006.jpg',
                     '900,900,30,36'):
            assert name in caplog.text


AFTER_THREADS = """
import sys
from pathlib import Path
import cv2
import numpy as np
import torch
from siamx_ros.training import loading
from siamx_ros.training.train_config import TrainConfig

cv2.setNumThreads(4)
cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 3)  # OpenCV starts its threads
config = TrainConfig().replace({
    'workers': 2, 'batch': 2, 'negatives': 0, 'steps': 4, 'folder_weight': 0.0,
    'sources': [f'got10k:{sys.argv[1]}:1']})
loader = loading.training_loader(
    loading.read_data(None, config), config, loading.Process(0, 1, torch.device('cpu')), 0)
print(sum(1 for _ in loader), 'batches')
"""


def test_workers_do_not_wait_for_threads_that_were_not_forked(tmp_path):
    make_got10k(tmp_path)
    run = python('-c', AFTER_THREADS, tmp_path)
    assert run.stdout == '4 batches\n', run.stderr


def test_a_set_without_a_readable_picture_ends_in_one_sentence(tmp_path):
    make_trackingnet(tmp_path)
    config = configure('trackingnet', tmp_path)
    dataset = PairDataset(None, config, length=1, seed=1, sources=read_sources(config)[0])
    for path in tmp_path.rglob('*.jpg'):
        path.unlink()
    with pytest.raises(InputError, match='100 pairs in a row'):
        dataset[0]


def test_coco_boxes_of_unknown_images_are_named(tmp_path, caplog):
    make_coco(tmp_path)
    assert len(read_sources(configure('coco', tmp_path))[0][0].entries) == 4
    assert 'not used: boxes of 1 images that' in caplog.text


def test_coco_without_its_pictures(tmp_path):
    make_coco(tmp_path)
    (tmp_path / 'train2017').rename(tmp_path / 'elsewhere')
    with pytest.raises(InputError, match='no folder of photographs'):
        read_sources(configure('coco', tmp_path))


@pytest.mark.parametrize('table', ['{"images": 3}', '[', '{"images": [{}], "annotations": []}'])
def test_a_broken_coco_table(tmp_path, table):
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'train2017').mkdir()
    (tmp_path / 'annotations' / 'instances_train2017.json').write_text(table)
    with pytest.raises(InputError, match='not a COCO table'):
        read_sources(configure('coco', tmp_path))
