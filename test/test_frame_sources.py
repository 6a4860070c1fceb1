from __future__ import annotations

import logging
import struct

import cv2
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.imaging import natural_key
from siamx_ros.frame_sources import UNKNOWN_FPS, open_source, turn_of


def grey(value: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def write_video(path, images, fps=30.0, code='MJPG'):
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), fps, (width, height))
    for image in images:
        writer.write(image)
    writer.release()


def noise(count):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(count)]


def test_folder_is_read_in_natural_order(tmp_path):
    for number in (10, 9, 1, 100):
        cv2.imwrite(str(tmp_path / f'frame{number}.png'), grey(number))
    (tmp_path / 'groundtruth.txt').write_text('1,2,3,4')
    (tmp_path / '.hidden.png').write_bytes(b'')
    source = open_source(str(tmp_path))
    assert [image[0, 0, 0] for image in source] == [1, 9, 10, 100]
    assert source.frame_count == 4
    assert source.fps == UNKNOWN_FPS
    assert source.name == tmp_path.name
    assert [source.number for _ in source] == [0, 1, 2, 3], 'a source can be read again'


def test_folder_named_img_takes_the_name_of_its_sequence(tmp_path):
    folder = tmp_path / 'walk' / 'img'
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / '1.png'), grey(1))
    assert open_source(str(folder)).name == 'walk'


def test_grey_and_deep_images_become_bgr_bytes(tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), np.full((4, 5), 200, np.uint8))
    cv2.imwrite(str(tmp_path / '2.png'), np.full((4, 5, 3), 200 * 257, np.uint16))
    for image in open_source(str(tmp_path)):
        assert image.shape == (4, 5, 3) and image.dtype == np.uint8
        assert (image == 200).all()


def test_colours_stay_blue_green_red(tmp_path):
    image = grey(0)
    image[..., 0] = 250
    cv2.imwrite(str(tmp_path / '1.png'), image)
    assert next(iter(open_source(str(tmp_path))))[0, 0].tolist() == [250, 0, 0]


def test_a_broken_image_inside_a_folder_is_named(tmp_path):
    cv2.imwrite(str(tmp_path / '1.png'), grey(1))
    (tmp_path / '2.png').write_bytes(b'nothing')
    images = iter(open_source(str(tmp_path)))
    next(images)
    with pytest.raises(InputError, match=r'2\.png'):
        next(images)


def test_video_knows_rate_and_length_and_can_be_read_again(tmp_path):
    path = tmp_path / 'walk.avi'
    write_video(path, list(map(grey, (20, 120, 220))), 12.5)
    source = open_source(str(path))
    assert (source.name, source.frame_count) == ('walk', 3)
    assert source.fps == pytest.approx(12.5)
    for _ in range(2):
        values = [float(image.mean()) for image in source]
        assert values == pytest.approx([20, 120, 220], abs=6)


def test_a_cut_video_gives_what_it_has_and_warns(tmp_path, caplog):
    path = tmp_path / 'cut.avi'
    write_video(path, noise(40))
    data = path.read_bytes()
    path.write_bytes(data[:len(data) // 2])
    source = open_source(str(path))
    source.frame_count = 40
    with caplog.at_level(logging.WARNING):
        count = len(list(source))
    assert 0 < count < 40
    assert 'could be decoded' in caplog.text


def test_frames_after_damaged_ones_are_read(tmp_path, caplog):
    path = tmp_path / 'hole.mp4'
    write_video(path, noise(30), code='mp4v')
    data = bytearray(path.read_bytes())
    start = data.find(b'mdat') + 4 + (len(data) - data.find(b'mdat')) // 4
    data[start:start + 8000] = bytes(8000)
    path.write_bytes(data)
    capture = cv2.VideoCapture(str(path))
    reads = [capture.read()[0] for _ in range(30)]
    first = reads.index(False)
    assert sum(reads) > first, 'the hole ends the video: this shows nothing'
    with caplog.at_level(logging.WARNING):
        source = open_source(str(path))
        assert [source.number for _ in source] == [
            number for number, has_frame in enumerate(reads) if has_frame]
    assert f'announces 30 frames, {sum(reads)} could be decoded' in caplog.text


@pytest.mark.parametrize('name, content', [
    ('noise.mp4', bytes(range(256)) * 50), ('empty.mp4', b''), ('text.txt', b'hello\n')])
def test_what_is_no_video_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        open_source(str(tmp_path / name))


@pytest.mark.parametrize('degrees, corner', [(0, (10, 15)), (90, (15, 54)), (180, (54, 81)),
                                             (270, (81, 10))])
def test_frames_are_turned_as_the_file_says(tmp_path, degrees, corner):
    """A red corner, top left, in a file whose matrix turns it clockwise by so many degrees."""
    path = tmp_path / 'phone.mp4'
    image = np.zeros((64, 96, 3), np.uint8)
    image[:20, :30] = (0, 0, 255)
    write_video(path, [image] * 3, code='mp4v')
    content = bytearray(path.read_bytes())
    matrix = content.index(b'tkhd') + 44
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    struct.pack_into('>5i', content, matrix, *(value << 16 for value in (
        cosine, sine, 0, -sine, cosine)))
    path.write_bytes(content)
    frames = list(open_source(str(path)))
    assert len(frames) == 3
    for frame in frames:
        assert frame.shape[:2] == ((64, 96) if degrees % 180 == 0 else (96, 64))
        red = np.argwhere((frame[..., 2] > 150) & (frame[..., 0] < 90))
        np.testing.assert_allclose(red.mean(0), corner, atol=2)


@pytest.mark.parametrize('version, automatic, degrees, turn', [
    ('4.5.5', 0, 90, cv2.ROTATE_90_CLOCKWISE), ('4.6.0', 0, 90, cv2.ROTATE_90_COUNTERCLOCKWISE),
    ('4.6.0', 0, 180, cv2.ROTATE_180), ('4.6.0', 0, 0, None), ('4.11.0', 0, 0, None),
    ('4.60.0', 0, 270, cv2.ROTATE_90_COUNTERCLOCKWISE), ('4.8.1', 1, 90, None)])
def test_turns_of_other_versions_of_opencv(monkeypatch, version, automatic, degrees, turn):
    """4.6 counts the other way round; what a backend turns anyway is not turned twice."""
    class Capture:
        def get(self, name):
            return {cv2.CAP_PROP_ORIENTATION_AUTO: automatic,
                    cv2.CAP_PROP_ORIENTATION_META: degrees}[name]
    monkeypatch.setattr(cv2, '__version__', version)
    assert turn_of(Capture()) == turn


def test_missing_things_are_refused(tmp_path):
    with pytest.raises(InputError, match='nowhere'):
        open_source(str(tmp_path / 'nowhere'))
    with pytest.raises(InputError, match='holds no image'):
        open_source(str(tmp_path))
    with pytest.raises(InputError, match='camera 97'):
        open_source('97')


def test_a_folder_with_a_number_as_name_is_no_camera(tmp_path, monkeypatch):
    (tmp_path / '3').mkdir()
    cv2.imwrite(str(tmp_path / '3' / '1.png'), grey(1))
    monkeypatch.chdir(tmp_path)
    assert open_source('3').frame_count == 1


def test_natural_key_orders_numbers_and_words(tmp_path):
    names = ['b2', 'a10', 'a9', '7', 'a', '10']
    ordered = sorted((tmp_path / name for name in names), key=natural_key)
    assert [path.name for path in ordered] == ['7', '10', 'a', 'a9', 'a10', 'b2']


@pytest.mark.parametrize('number', [2 ** 31, 99999999999])
def test_a_number_beyond_all_cameras_is_refused(number):
    with pytest.raises(InputError, match=f'there is no camera {number}'):
        open_source(str(number))
