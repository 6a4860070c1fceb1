"""Reading pictures: from a bounded memory, smaller, turned as their boxes are, never half."""

import json

import cv2
from exif import oriented
import numpy as np
import pytest
from training_sets import STILL, configure, picture

from siamx_ros.errors import InputError
from siamx_ros.geometry import BoundingBox
from siamx_ros.imaging import read_image
from siamx_ros.training.cache import PictureCache, read_picture
from siamx_ros.training.pairs import PairDataset, render
from siamx_ros.training.plans import make_plan
from siamx_ros.training.samples import Sample, Target
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.sources import read_sources


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
    config = TrainConfig().replace({**STILL, 'augment.search_shift': 20.0,
                                    'augment.search_scale': 0.02}).augment
    for seed in range(6):
        plan = make_plan(Sample(target, target, False), target, np.random.default_rng(seed), config)
        search = render(plan)[1]
        red = search[..., 2].astype(float) - search[..., 0] > 110
        ys, xs = np.nonzero(red)
        corners = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        np.testing.assert_allclose(corners, plan.box, atol=1.1)
    assert set(shrinks) == {shrink}


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


def turn(path, orientation):
    """Give a JPEG file an EXIF orientation, as a camera that was held otherwise does."""
    path.write_bytes(oriented(path.read_bytes(), orientation))


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
    for meant in [image] if orientation == 3 else [image, turned]:
        red = np.nonzero((meant[..., 2].astype(int) - meant[..., 0]) > 60)
        x, y, right, bottom = *np.min(red, 1)[::-1], *(np.max(red, 1)[::-1] + 1)
        (tmp_path / 'annotations' / 'instances_train2017.json').write_text(json.dumps({
            'images': [{'id': 1, 'file_name': '1.jpg', 'width': meant.shape[1],
                        'height': meant.shape[0]}],
            'annotations': [{'image_id': 1, 'bbox': [int(v) for v in (
                x, y, right - x, bottom - y)]}]}))
        config = configure('coco', tmp_path)
        dataset = PairDataset(None, config, length=3, seed=2, sources=read_sources(config)[0])
        for i in range(3):
            _, search, box, *_ = dataset[i]
            column, row = ((box[:2] + box[2:]) / 2).astype(int)
            core = search[row - 4:row + 4, column - 4:column + 4].astype(int)
            assert (core[..., 2] - core[..., 0]).min() > 80


@pytest.mark.parametrize('suffix', ['png', 'tiff', 'pgm'])
@pytest.mark.parametrize('shrink', [1, 4])
def test_16_bit_are_read_as_the_tracker_reads_them(tmp_path, suffix, shrink):
    """Spread over the range: the upper 8 bits of a camera of 12 would be black."""
    values = np.arange(64 * 96).reshape(64, 96) * 0.5 + 300
    cv2.imwrite(str(tmp_path / f'a.{suffix}'), values.astype(np.uint16))
    whole, read = read_image(tmp_path / f'a.{suffix}'), read_picture(
        tmp_path / f'a.{suffix}', shrink, (96, 64))
    assert np.ptp(whole) > 200
    blocks = whole.reshape(64 // shrink, shrink, 96 // shrink, shrink, 3).mean((1, 3))
    np.testing.assert_allclose(read, blocks, atol=0.6)


def test_other_files_are_read_as_before(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    assert (read_picture(tmp_path / 'a.png') == image).all()
    reduced = cv2.imread(str(tmp_path / 'a.png'), cv2.IMREAD_REDUCED_COLOR_2)
    assert (read_picture(tmp_path / 'a.png', 2) == reduced).all()


def test_a_picture_of_another_size_than_its_boxes_is_refused(tmp_path):
    picture(tmp_path / 'a.jpg', 20, 20)
    assert read_picture(tmp_path / 'a.jpg', 8, (160, 120)).shape == (15, 20, 3)
    with pytest.raises(InputError, match='160x120 pixels, its boxes were drawn in 640x480'):
        read_picture(tmp_path / 'a.jpg', 1, (640, 480))
