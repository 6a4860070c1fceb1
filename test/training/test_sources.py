"""Data sets in their official layouts: what is drawn is in its box, test parts are never read."""

from dataclasses import replace
import json
import logging
import shutil
import struct
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.settings import SettingsError
from siamx_ros.training import loading, sources
from siamx_ros.training.cache import PictureCache, read_picture
from siamx_ros.training.pairs import PairDataset, render
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.plans import make_plan
from siamx_ros.training.samples import Sample, Target
from siamx_ros.training.train_config import SourceSpec, TrainConfig
from siamx_ros.training.sources import read_sources

FRAMES = 6
CALM = {f'augment.{name}': 0.0 for name in (
    'colour', 'grey', 'blur', 'downscale', 'noise', 'occluder', 'distractor', 'negative',
    'backdrop',
    'hard_negative', 'still_rotation', 'still_flip')}


def picture(path, x, y, size=(30, 36)):
    """A grey picture with one red rectangle, saved losslessly enough."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((120, 160, 3), 110, np.uint8)
    image[y:y + size[1], x:x + size[0]] = (0, 0, 220)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95])


def frames(folder, pattern, first, offset=0):
    """Six frames with the target moving by four pixels; the lines of its boxes."""
    for i in range(FRAMES):
        picture(folder / (pattern % (first + i)), 30 + 4 * i, 40)
    return '\n'.join(f'{30 + 4 * i + offset},{40 + offset},30,36' for i in range(FRAMES)) + '\n'


def make_coco(root):
    boxes = [[20.0, 30.0, 30.0, 36.0], [90.0, 30.0, 30.0, 36.0]]
    images, annotations = [], []
    for number in range(1, 5):
        name = f'{number:012d}.jpg'
        picture(root / 'train2017' / name, 20, 30)
        image = cv2.imread(str(root / 'train2017' / name))
        image[30:66, 90:120] = (220, 0, 0)
        cv2.imwrite(str(root / 'train2017' / name), image)
        images.append({'id': number, 'file_name': name, 'width': 160, 'height': 120})
        annotations += [{'image_id': number, 'bbox': box, 'iscrowd': 0, 'segmentation': [[1, 2]]}
                        for box in boxes]
        annotations.append({'image_id': number, 'bbox': [0, 0, 160, 120], 'iscrowd': 1})
    (root / 'annotations').mkdir()
    annotations.append({'image_id': 99, 'bbox': [0, 0, 20, 20]})
    table = {'images': images, 'annotations': annotations}
    (root / 'annotations' / 'instances_train2017.json').write_text(json.dumps(table))
    (root / 'annotations' / 'instances_val2017.json').write_text('{}')


def make_got10k(root, part='Train'):
    names = [f'GOT-10k_{part}_{n:06d}' for n in (1, 2, 3)]
    base = root / part.lower()
    for name in names:
        lines = frames(base / name, '%08d.jpg', 1)
        (base / name / 'groundtruth.txt').write_text(lines)
        (base / name / 'absence.label').write_text('0\n1\n0\n0\n0\n0\n')
        (base / name / 'cover.label').write_text('8\n8\n0\n7\n8\n8\n')
    (base / 'list.txt').write_text('\n'.join(names) + '\n')


def make_lasot(root):
    for name in ('cat-1', 'cat-2', 'cat-3'):
        folder = root / 'cat' / name
        lines = frames(folder / 'img', '%08d.jpg', 1, offset=1)
        (folder / 'groundtruth.txt').write_text(lines)
        (folder / 'full_occlusion.txt').write_text('0,1,0,0,0,0\n')
        (folder / 'out_of_view.txt').write_text('0,0,0,0,0,1\n')
    (root / 'testing_set.txt').write_text('cat-2\n')


def make_trackingnet(root):
    for part, name in (('TRAIN_0', 'a-1_0'), ('TRAIN_3', 'b_2'), ('TEST', 'c_3')):
        lines = frames(root / part / 'frames' / name, '%d.jpg', 0)
        (root / part / 'anno').mkdir(parents=True)
        (root / part / 'anno' / f'{name}.txt').write_text(lines)


MAKERS = {'coco': make_coco, 'got10k': make_got10k, 'lasot': make_lasot,
          'trackingnet': make_trackingnet}


@pytest.fixture(params=MAKERS)
def source(request, tmp_path):
    root = tmp_path / 'set:one'
    root.mkdir()
    MAKERS[request.param](root)
    return request.param, root


def configure(kind, root, **changes):
    return TrainConfig().replace({**CALM, 'sources': [f'{kind}:{root}:1:3'], **changes})


def test_the_target_is_in_its_box(source):
    config = configure(*source)
    dataset = PairDataset(None, config, length=16, seed=2, sources=read_sources(config)[0])
    for i in range(16):
        _, search, box, *_ = dataset[i]
        x, y = (box[:2] + box[2:]) / 2
        core = search[int(y) - 6:int(y) + 6, int(x) - 6:int(x) + 6].astype(int)
        coloured = np.ptp(core, axis=2)
        assert coloured.min() > 100, f'pair {i} shows no target at the centre of its box'
        left = search[int(y), max(0, int(box[0]) - 6)].astype(int)
        assert np.ptp(left) < 60, f'pair {i}: the box is too large or misplaced'


@pytest.mark.parametrize('size, shrink', [
    ((100, 90), 1), ((151, 149), 2), ((301, 283), 4), ((560, 600), 8)])
def test_large_targets_are_decoded_smaller_and_stay_in_their_box(tmp_path, size, shrink):
    """The sides of the red rectangle to a pixel of the patch."""
    image = np.full((1001, 1203, 3), 110, np.uint8)
    image[200:200 + size[1], 300:300 + size[0]] = (0, 0, 220)
    cv2.imwrite(str(tmp_path / 'large.jpg'), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    cache, shrinks = PictureCache(1e9), []

    def read(factor):
        shrinks.append(factor)
        return cache.read(tmp_path / 'large.jpg', factor)
    target = Target(read, BoundingBox(300, 200, *size), shrinks=True)
    config = TrainConfig().replace({**CALM, 'augment.search_shift': 20.0,
                                    'augment.search_scale': 0.02}).augment
    for seed in range(6):
        plan = make_plan(Sample(target, target, False), target, np.random.default_rng(seed), config)
        search = render(plan)[1]
        red = search[..., 2].astype(float) - search[..., 0] > 110
        ys, xs = np.nonzero(red)
        corners = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        np.testing.assert_allclose(corners, plan.box, atol=1.1)
    assert set(shrinks) == {shrink}


def test_absent_frames_are_not_drawn(tmp_path):
    make_got10k(tmp_path)
    entry = read_sources(configure('got10k', tmp_path))[0][0].entries[0]
    assert np.isfinite(entry.boxes).all(1).tolist() == [True, False, False, True, True, True]
    lasot = tmp_path / 'lasot'
    lasot.mkdir()
    make_lasot(lasot)
    video = read_sources(configure('lasot', lasot))[0][0].entries[0]
    assert np.isfinite(video.boxes).all(1).tolist() == [True, False, True, True, True, False]
    assert video.boxes[0].tolist() == [30, 40, 30, 36]


def test_frame_range_of_a_source(tmp_path):
    """With a range of one frame, no pair is further apart, although the general range allows it."""
    make_trackingnet(tmp_path)
    config = TrainConfig().replace({'sources': [f'trackingnet:{tmp_path}:1:1']})
    source = read_sources(config)[0][0]
    moves = []
    for i in range(60):
        sample = source.draw(np.random.default_rng(i))
        moves.append(abs(sample.template.box.x - sample.search.box.x))
    assert max(moves) == 4


def test_test_parts_are_never_read(tmp_path):
    make_lasot(tmp_path)
    videos = read_sources(configure('lasot', tmp_path))[0][0].entries
    assert [video.folder.parent.name for video in videos] == ['cat-1', 'cat-3']
    (tmp_path / 'training_set.txt').write_text('cat-1\ncat-2\n')
    videos = read_sources(configure('lasot', tmp_path))[0][0].entries
    assert [video.folder.parent.name for video in videos] == ['cat-1']
    for name in ('training_set.txt', 'testing_set.txt'):
        (tmp_path / name).unlink()
    with pytest.raises(InputError, match='cannot be told apart'):
        read_sources(configure('lasot', tmp_path))


@pytest.mark.parametrize('part', ['Val', 'Test'])
def test_got10k_val_and_test_are_refused(tmp_path, part):
    """By the name of the folder or, where it was renamed, by the names of its sequences."""
    make_got10k(tmp_path, part)
    official, renamed = tmp_path / part.lower(), tmp_path / 'other'
    with pytest.raises(InputError, match='never trained on'):
        read_sources(configure('got10k', official))
    official.rename(renamed)
    with pytest.raises(InputError, match='never trained on'):
        read_sources(configure('got10k', renamed))


def test_trackingnet_test_is_refused(tmp_path):
    make_trackingnet(tmp_path)
    names = [video.folder.name for video in
             read_sources(configure('trackingnet', tmp_path))[0][0].entries]
    assert names == ['a-1_0', 'b_2']
    with pytest.raises(InputError, match='no training data'):
        read_sources(configure('trackingnet', tmp_path / 'TEST'))


def test_targets_of_one_recording_of_trackingnet_are_one_scene(tmp_path):
    make_trackingnet(tmp_path)
    frames(tmp_path / 'TRAIN_3' / 'frames' / 'a-1_12', '%d.jpg', 0)
    shutil.copy(tmp_path / 'TRAIN_0' / 'anno' / 'a-1_0.txt',
                tmp_path / 'TRAIN_3' / 'anno' / 'a-1_12.txt')
    source, rng = read_sources(configure('trackingnet', tmp_path))[0][0], np.random.default_rng(0)
    scenes = {}
    for entry in source.entries:
        sample = replace(source, entries=(entry,)).draw(rng)
        scenes[entry.folder.name] = sample.scenes
    assert scenes['a-1_0'] == scenes['a-1_12'] != scenes['b_2']


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
    run = subprocess.run([sys.executable, '-c', AFTER_THREADS, tmp_path], capture_output=True,
                         text=True, timeout=120)
    assert run.stdout == '4 batches\n', run.stderr


def test_a_set_without_a_readable_picture_ends_in_one_sentence(tmp_path):
    make_trackingnet(tmp_path)
    config = configure('trackingnet', tmp_path)
    dataset = PairDataset(None, config, length=1, seed=1, sources=read_sources(config)[0])
    for path in tmp_path.rglob('*.jpg'):
        path.unlink()
    with pytest.raises(InputError, match='100 pairs in a row'):
        dataset[0]


def test_weights_decide_the_mixture(data, tiny_config, tmp_path):
    make_coco(tmp_path)
    config = tiny_config.replace({'sources': [f'coco:{tmp_path}:3'], 'folder_weight': 1.0})
    content = loading.read_data(data, config)
    dataset = PairDataset(content.folder, config, length=1, seed=1, sources=content.sources)
    assert dataset.mixture[-1] == pytest.approx(0.75) and dataset.mixture.sum() == pytest.approx(1)
    alone = PairDataset(content.folder, config.replace({'folder_weight': 0.0}), length=1, seed=1,
                        sources=content.sources)
    assert alone.mixture[:-1].sum() == 0


def test_held_out_entries_are_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, 'HELD_OUT_EVERY', 3)
    make_coco(tmp_path)
    training, held_out = read_sources(configure('coco', tmp_path))
    names = [[photo.path.stem[-1] for photo in part[0].entries] for part in (training, held_out)]
    assert names == [['1', '2', '4'], ['3']]
    assert all(len(photo.boxes) == 2 for photo in training[0].entries), 'crowds are no targets'


def test_no_recording_is_both_trained_on_and_held_out(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, 'HELD_OUT_EVERY', 2)
    make_trackingnet(tmp_path)
    for name in ('a-1_12', 'd_0'):
        frames(tmp_path / 'TRAIN_3' / 'frames' / name, '%d.jpg', 0)
        shutil.copy(tmp_path / 'TRAIN_0' / 'anno' / 'a-1_0.txt',
                    tmp_path / 'TRAIN_3' / 'anno' / f'{name}.txt')
    parts = read_sources(configure('trackingnet', tmp_path))
    names = [[entry.folder.name for entry in part[0].entries] for part in parts]
    assert names == [['a-1_0', 'a-1_12', 'd_0'], ['b_2']]
    assert parts[0][0].cache is not parts[1][0].cache, 'they are used in two threads'


def test_pictures_stay_on_the_disk_and_the_cache_is_bounded(tmp_path):
    for i in range(5):
        picture(tmp_path / f'{i}.jpg', 20, 20)
    size = 120 * 160 * 3
    cache = PictureCache(2.5 * size)
    for i in (0, 1, 0, 2):
        cache.read(tmp_path / f'{i}.jpg')
    assert len(cache) == 2 and cache.used == 2 * size
    first = cache.read(tmp_path / '0.jpg')
    assert cache.read(tmp_path / '0.jpg') is first
    assert PictureCache(0).read(tmp_path / '3.jpg').shape == (120, 160, 3)
    with pytest.raises(InputError, match='absent.jpg'):
        read_picture(tmp_path / 'absent.jpg')


def test_a_cut_off_file_is_refused_even_where_opencv_would_fill_it_up(tmp_path, monkeypatch):
    """Older versions of OpenCV return such pictures with a grey rest."""
    picture(tmp_path / 'a.jpg', 20, 20)
    monkeypatch.setattr(cv2, 'imdecode', lambda data, flags: np.zeros((9, 9, 3), np.uint8))
    assert read_picture(tmp_path / 'a.jpg').shape == (9, 9, 3)
    (tmp_path / 'a.jpg').write_bytes((tmp_path / 'a.jpg').read_bytes()[:-100])
    with pytest.raises(InputError, match='damaged'):
        read_picture(tmp_path / 'a.jpg')


def test_a_picture_that_fills_the_memory_is_named(tmp_path, monkeypatch):
    def decode(data, flags):
        raise MemoryError
    picture(tmp_path / 'a.jpg', 20, 20)
    monkeypatch.setattr(cv2, 'imdecode', decode)
    with pytest.raises(InputError, match='a.jpg is no picture'):
        read_picture(tmp_path / 'a.jpg')


@pytest.mark.parametrize('text, expected', [
    ('coco:/d/coco:0.5', ('coco', '/d/coco', 0.5, 100)),
    ('lasot:/d/a:b:2:40', ('lasot', '/d/a:b', 2.0, 40)),
    ('got10k:/d/a:b:2', ('got10k', '/d/a:b', 2.0, 100))])
def test_specifications(text, expected):
    spec = SourceSpec.parse(text, 100)
    assert (spec.kind, str(spec.path), spec.weight, spec.frame_range) == expected


@pytest.mark.parametrize('text', [
    'coco', 'coco:/d', 'voc:/d:1', 'coco::1', 'coco:/d:-1', 'coco:/d:nan', 'coco:/d:1:0',
    'coco:/d:1:2.5', 'coco:/d:0'])
def test_wrong_specifications(text):
    with pytest.raises(SettingsError, match='source'):
        TrainConfig().replace({'sources': [text]})


def test_coco_boxes_of_unknown_images_are_named(tmp_path, caplog):
    make_coco(tmp_path)
    assert len(read_sources(configure('coco', tmp_path))[0][0].entries) == 4
    assert 'not used: boxes of 1 images that' in caplog.text


def test_coco_without_its_pictures(tmp_path):
    make_coco(tmp_path)
    (tmp_path / 'train2017').rename(tmp_path / 'elsewhere')
    with pytest.raises(InputError, match='no folder of photographs'):
        read_sources(configure('coco', tmp_path))


def turn(path, orientation):
    """Give a JPEG file an EXIF orientation, as a camera that was held otherwise does."""
    entry = struct.pack('<2sHIHHHII', b'II', 42, 8, 1, 0x112, 3, 1, orientation) + bytes(4)
    block = b'Exif\0\0' + entry
    content = path.read_bytes()
    path.write_bytes(
        content[:2] + b'\xff\xe1' + struct.pack('>H', len(block) + 2) + block + content[2:])


@pytest.mark.parametrize('orientation', [3, 6, 8])
@pytest.mark.parametrize('size', [(301, 283), (30, 36)], ids=['decoded smaller', 'whole'])
def test_coco_boxes_are_in_the_pixels_that_the_table_means(tmp_path, orientation, size):
    """Stored ones, or those of the turned picture where its width and height stand in the table."""
    image = np.full((900, 1203, 3), 110, np.uint8)
    image[200:200 + size[1], 300:300 + size[0]] = (0, 0, 220)
    path = tmp_path / 'train2017' / '1.jpg'
    path.parent.mkdir()
    (tmp_path / 'annotations').mkdir()
    cv2.imwrite(str(path), image)
    turn(path, orientation)
    turned = cv2.imread(str(path))
    assert (turned.shape != image.shape) == (orientation != 3), 'OpenCV follows the orientation'
    for picture in [image] if orientation == 3 else [image, turned]:
        red = np.nonzero((picture[..., 2].astype(int) - picture[..., 0]) > 60)
        x, y, right, bottom = *np.min(red, 1)[::-1], *(np.max(red, 1)[::-1] + 1)
        (tmp_path / 'annotations' / 'instances_train2017.json').write_text(json.dumps({
            'images': [{'id': 1, 'file_name': '1.jpg', 'width': picture.shape[1],
                        'height': picture.shape[0]}],
            'annotations': [{'image_id': 1, 'bbox': [int(v) for v in (
                x, y, right - x, bottom - y)]}]}))
        config = configure('coco', tmp_path)
        dataset = PairDataset(None, config, length=3, seed=2, sources=read_sources(config)[0])
        for i in range(3):
            _, search, box, *_ = dataset[i]
            column, row = ((box[:2] + box[2:]) / 2).astype(int)
            core = search[row - 4:row + 4, column - 4:column + 4].astype(int)
            assert (core[..., 2] - core[..., 0]).min() > 80


def test_a_picture_of_another_size_than_its_boxes_is_refused(tmp_path):
    picture(tmp_path / 'a.jpg', 20, 20)
    assert read_picture(tmp_path / 'a.jpg', 8, (160, 120)).shape == (15, 20, 3)
    with pytest.raises(InputError, match='160x120 pixels, its boxes were drawn in 640x480'):
        read_picture(tmp_path / 'a.jpg', 1, (640, 480))


def test_photographs_by_any_suffix_and_with_a_folder_in_their_name(tmp_path, caplog):
    """Every one with boxes is used, to train on or held out; whatever is not used is named."""
    names = [f'{i}.{suffix}' for i in range(8) for suffix in ('jpg', 'JPG', 'jpeg', 'png')]
    for name in names:
        picture(tmp_path / 'images' / name, 20, 30)
    (tmp_path / 'images' / 'x.heic').write_bytes(b'')
    picture(tmp_path / 'clips' / 'run' / '1.PNG', 20, 30)
    for prefix in ('', 'images/'):
        table = {prefix + name: [[20, 30, 30, 36]] for name in (*names, 'gone.jpg')}
        (tmp_path / 'boxes.json').write_text(json.dumps(table))
        parts = [read_pictures(tmp_path, TrainConfig(), held_out=kept) for kept in (False, True)]
        assert sum(len(part.boxed) for part in parts) == len(names)
        assert len(parts[0].plain) == len(parts[0].boxed) + 1, 'the frame of the clip'
        for name in ('x.heic', f'{prefix}gone.jpg'):
            assert caplog.text.count(name) == 1, 'named once, not for each part'
        caplog.clear()
    with pytest.raises(InputError, match='there is no photograph images/gone.jpg of'):
        read_pictures(tmp_path, TrainConfig(bad_files='refuse'))


@pytest.mark.parametrize('table', ['{"images": 3}', '[', '{"images": [{}], "annotations": []}'])
def test_a_broken_coco_table(tmp_path, table):
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'train2017').mkdir()
    (tmp_path / 'annotations' / 'instances_train2017.json').write_text(table)
    with pytest.raises(InputError, match='not a COCO table'):
        read_sources(configure('coco', tmp_path))
