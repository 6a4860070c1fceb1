"""The training folder: what is held out, and what is damaged, missing or too small."""

import json
import logging
import shutil

import cv2
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.training import samples
from siamx_ros.training.pictures import read_pictures
from siamx_ros.training.train_config import TrainConfig


def test_a_damaged_video_is_named_and_skipped_or_refused(data, tiny_config, tmp_path, caplog):
    root = tmp_path / 'train'
    shutil.copytree(data, root)
    (root / 'video' / 'seen' / 'groundtruth.txt').write_text('1,2,3\n')
    with caplog.at_level(logging.WARNING):
        assert read_pictures(root, tiny_config).videos == []
    assert 'seen' in caplog.text
    with pytest.raises(InputError, match='seen'):
        read_pictures(root, tiny_config.replace({'bad_files': 'refuse'}))


def test_a_video_of_a_held_out_recording_is_not_trained_on(data, tiny_config, tmp_path, caplog):
    """It begins with the same picture, but follows another target."""
    root = tmp_path / 'copy'
    shutil.copytree(data, root)
    shutil.copytree(root / 'video' / 'kept', root / 'video' / 'kept_too')
    assert len(read_pictures(root, tiny_config).videos) == 1
    assert f'first picture is held out: {root / "video" / "kept_too"}' in caplog.text
    assert len(read_pictures(root, tiny_config, held_out=True).videos) == 1


def test_copies_of_what_is_held_out_are_not_trained_on(data, tiny_config, tmp_path, caplog):
    """Of photographs and videos, as photographs, clips and videos."""
    root = tmp_path / 'copy'
    shutil.copytree(data, root)
    before = read_pictures(root, tiny_config)
    frame = root / 'video' / 'kept' / 'img' / '00000001.jpg'
    shutil.copy(frame, root / 'images' / 'frame.jpg')
    shutil.copy(root / 'images' / 'photo_0.jpg', root / 'images' / 'zero.jpg')
    shutil.copytree(frame.parent, root / 'clips' / 'kept_too')
    shutil.copytree(root / 'video' / 'seen', root / 'video' / 'still')
    shutil.copy(root / 'images' / 'photo_0.jpg', root / 'video' / 'still' / 'img' / '00000001.jpg')
    caplog.clear()
    after = read_pictures(root, tiny_config)
    assert after.scenes == before.scenes and len(after.images) == len(before.images)
    for name in ('frame.jpg', 'zero.jpg', 'kept_too', 'still'):
        assert caplog.text.count(name) == 1


def test_others_of_the_same_size_are_trained_on(data, tiny_config, tmp_path):
    root = tmp_path / 'copy'
    shutil.copytree(data, root)
    for name in ('one', 'two'):
        (root / 'images' / f'{name}.bmp').write_bytes(cv2.imencode('.bmp', np.full(
            (40, 60, 3), len(name) + ord(name[0]), np.uint8))[1].tobytes())
    boxes = json.loads((root / 'boxes.json').read_text())
    (root / 'boxes.json').write_text(json.dumps({'one.bmp': [[5, 5, 20, 20]], **boxes}))
    held_out = read_pictures(root, tiny_config, held_out=True)
    assert held_out.images[0].shape == (40, 60, 3), 'the first by name'
    training = read_pictures(root, tiny_config)
    assert sum(image.shape == (40, 60, 3) for image in training.images) == 1


@pytest.mark.parametrize('first', ['dangling', 'folder'])
def test_a_first_frame_that_is_no_file_is_named(data, tiny_config, tmp_path, caplog, first):
    root = tmp_path / 'copy'
    shutil.copytree(data, root)
    frame = root / 'video' / 'seen' / 'img' / '00000001.jpg'
    frame.unlink()
    if first == 'folder':
        frame.mkdir()
    else:
        frame.symlink_to(tmp_path / 'gone.jpg')
    frames, boxes = read_pictures(root, tiny_config).videos[0]
    assert len(frames) == len(boxes) == 5 and f'cannot read {frame}' in caplog.text
    with pytest.raises(InputError, match='cannot read .*00000001.jpg'):
        read_pictures(root, tiny_config.replace({'bad_files': 'refuse'}))


def test_held_out_videos_that_are_not_there_are_named(data, tiny_config, caplog):
    """Once; those that are held out without being asked for may be of another folder."""
    config = tiny_config.replace({'held_out': ('kept', 'keptt')})
    for held_out in (False, True):
        read_pictures(data, config, held_out=held_out)
    assert [record.message for record in caplog.records] == [
        f'not held out, as {data / "video"} has no such video: keptt']
    caplog.clear()
    read_pictures(data, config.replace({'held_out': TrainConfig().held_out}))
    assert not caplog.records


def test_all_is_held_out(data, tiny_config, tmp_path):
    shutil.copytree(data / 'video' / 'kept', tmp_path / 'video' / 'kept')
    with pytest.raises(InputError, match='nothing to train on: all its pictures are held out'):
        read_pictures(tmp_path, tiny_config)


def test_free_regions_lie_inside():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (90, 200, 3), np.uint8)
    for _ in range(50):
        box = samples.free_region(image, rng)
        assert box.visible_share(200, 90) == pytest.approx(1) and min(box.w, box.h) >= 8


def test_a_picture_too_small_for_a_target_gives_no_regions(data, tiny_config, tmp_path):
    shutil.copytree(data, tmp_path / 'copy')
    before = read_pictures(data, tiny_config).plain
    cv2.imwrite(str(tmp_path / 'copy' / 'images' / 'speck.jpg'), np.zeros((2, 300, 3), np.uint8))
    after = read_pictures(tmp_path / 'copy', tiny_config)
    assert len(after.plain) == len(before)
    assert min(min(after.images[index].shape[:2]) for index in after.plain) > 2


def test_nothing_to_validate_on_is_reported(data, tiny_config, tmp_path):
    shutil.copytree(data / 'images', tmp_path / 'images')
    with pytest.raises(InputError, match='nothing to validate on.*one of the videos kept'):
        read_pictures(tmp_path, tiny_config, held_out=True)


def test_held_out_is_apart(data, tiny_config):
    training, held_out = (read_pictures(data, tiny_config, held_out=h) for h in (False, True))
    assert len(training.videos) == len(held_out.videos) == 1
    assert len(training.boxed) == 3 and len(held_out.boxed) == 1
    assert all((boxes[:, 2:] >= 10).all() for _, boxes in training.boxed)


@pytest.mark.parametrize('damage', ['cut off', 'far too large'])
def test_a_damaged_file_is_named_and_skipped_or_refused(data, tiny_config, tmp_path, caplog,
                                                        enlarged, damage):
    root = tmp_path / 'train'
    shutil.copytree(data, root)
    broken = root / 'video' / 'seen' / 'img' / '00000002.jpg'
    if damage == 'cut off':
        broken.write_bytes(broken.read_bytes()[:20])
    else:
        enlarged(broken)
    with caplog.at_level(logging.WARNING):
        pictures = read_pictures(root, tiny_config)
    assert '00000002.jpg' in caplog.text
    frames, boxes = pictures.videos[0]
    assert len(frames) == len(boxes) == 5
    with pytest.raises(InputError, match='00000002.jpg'):
        read_pictures(root, tiny_config.replace({'bad_files': 'refuse'}))


@pytest.mark.parametrize('prepare, message', [
    (lambda root: None, 'holds no pictures'),
    (lambda root: (root / 'boxes.json').write_text('{"a": '), 'not a JSON table'),
    (lambda root: (root / 'boxes.json').write_text('[]'), 'not a JSON table of boxes: got a list'),
    (lambda root: root.rmdir(), 'does not exist')])
def test_unusable_folder(tmp_path, tiny_config, prepare, message):
    root = tmp_path / 'data'
    root.mkdir()
    prepare(root)
    with pytest.raises(InputError, match=message):
        read_pictures(root, tiny_config)
