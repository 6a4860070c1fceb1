"""Data sets in their official layouts: what is drawn is in its box, test parts are never read."""

from dataclasses import replace
import json
import shutil

import numpy as np
import pytest
from training_sets import (
    MAKERS, configure, frames, make_coco, make_got10k, make_lasot, make_trackingnet, picture)

from siamx_ros.errors import InputError
from siamx_ros.settings import SettingsError
from siamx_ros.training import loading, sources
from siamx_ros.training.pairs import PairDataset
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.train_config import SourceSpec, TrainConfig
from siamx_ros.training.sources import read_sources


@pytest.fixture(params=MAKERS)
def source(request, tmp_path):
    root = tmp_path / 'set:one'
    root.mkdir()
    MAKERS[request.param](root)
    return request.param, root


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
    with pytest.raises(InputError, match='cannot be recognised'):
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


def test_photographs_by_any_suffix_and_with_a_folder_in_their_name(tmp_path, caplog):
    """Every one with boxes is used, to train on or held out; whatever is not used is named."""
    names = [f'{i}.{suffix}' for i in range(8) for suffix in ('jpg', 'JPG', 'jpeg', 'png')]
    for number, name in enumerate(names):  # no two alike: copies of those held out are left out
        picture(tmp_path / 'images' / name, 20 + number, 30)
    (tmp_path / 'images' / 'x.heic').write_bytes(b'')
    picture(tmp_path / 'clips' / 'run' / '1.PNG', 20, 40)
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
