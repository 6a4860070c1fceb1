"""Windows that are cut out of images."""

import cv2
import numpy as np
import pytest

from siamx_ros.errors import InputError
from siamx_ros.geometry import CropWindow
from siamx_ros.imaging import CROPS, from_16_bit, is_cut_short, read_image, warp


def texture(seed: int = 0) -> np.ndarray:
    """48 x 64 grey values from 0 to 255."""
    noise = np.random.default_rng(seed).integers(0, 255, (48, 64), np.uint8)
    return cv2.normalize(cv2.blur(noise, (5, 5)), None, 0, 255, cv2.NORM_MINMAX)


@pytest.mark.parametrize('gain, offset', [
    (4, 0), (16, 0), (64, 0), (4, 7000), (1, 60_000)],
    ids=['10 bit', '12 bit', '14 bit', 'thermal', 'few values'])
def test_values_that_use_a_part_of_16_bits_are_spread(gain, offset):
    grey = texture()
    seen = from_16_bit(grey.astype(np.uint16) * gain + offset)
    assert seen.dtype == np.uint8 and seen.std() > 0.45 * grey.std()
    order = np.argsort(grey, axis=None, kind='stable')
    assert (np.diff(seen.ravel()[order].astype(int)) >= 0).all(), 'darker stays darker'


def test_values_that_use_16_bits_are_taken_as_they_are():
    grey = texture()
    np.testing.assert_array_equal(from_16_bit(grey.astype(np.uint16) * 257), grey)


def test_a_slow_change_of_exposure_never_makes_the_picture_jump():
    grey = texture()
    seen = [from_16_bit((grey * gain).astype(np.uint16)).astype(int) for gain in
            np.geomspace(2, 257, 400)]
    assert max(np.abs(b - a).max() for a, b in zip(seen, seen[1:])) <= 8


def test_the_noise_of_an_empty_picture_is_not_spread():
    pixels = 500 + np.random.default_rng(0).integers(0, 3, (48, 64)).astype(np.uint16)
    assert from_16_bit(pixels).std() < 2


@pytest.mark.parametrize('extension, whole', [('.jpg', 2), ('.png', 4)])
@pytest.mark.parametrize('progressive', [0, 1])
def test_files_that_are_cut_short_are_reported_and_refused(tmp_path, extension, whole, progressive):
    data = cv2.imencode(extension, texture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, progressive])[1]
    data = data.tobytes()
    assert not is_cut_short(data) and not is_cut_short(data + bytes(7)), 'padding does no harm'
    path = tmp_path / f'a{extension}'
    for length in (3, len(data) // 2, len(data) - 20, len(data) - whole - 5):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match='cannot read an image'):
            read_image(path)
        assert length < 20 or is_cut_short(data[:length])


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_file():
    data = cv2.imencode('.jpg', texture())[1].tobytes()
    small = cv2.imencode('.jpg', texture()[:16, :16])[1].tobytes()
    with_thumbnail = data[:2] + b'\xff\xe1' + (len(small) + 2).to_bytes(2, 'big') + small + data[2:]
    assert not is_cut_short(with_thumbnail)
    assert is_cut_short(with_thumbnail[:-len(data) // 2])


def test_files_of_16_bits_are_spread(tmp_path):
    grey = texture()
    for name, pixels in (('full', grey.astype(np.uint16) * 257), ('ten', grey * np.uint16(4))):
        cv2.imwrite(str(tmp_path / f'{name}.png'), pixels)
    np.testing.assert_array_equal(
        read_image(tmp_path / 'full.png'), cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    assert read_image(tmp_path / 'ten.png').std() > 0.9 * grey.std()


@pytest.mark.parametrize('side', [0.3, 1e-9])
@pytest.mark.parametrize('crop', CROPS)
def test_a_window_below_a_pixel_shows_the_pixel(crop, side):
    image = np.full((8, 10, 3), (10, 120, 250), np.uint8)
    patch = CROPS[crop](image, CropWindow(4.5, 3.5, side, 127), (0.0, 0.0, 0.0))
    assert patch.shape == (127, 127, 3) and (patch == image[0, 0]).all()


def test_only_what_both_directions_shrink_is_averaged():
    """Stripes of one pixel stay where the patch is as fine, whatever its resolution downwards."""
    image = np.zeros((120, 40, 3), np.uint8)
    image[:, ::2] = 200
    matrix = np.array([[1.0, 0.0, 4.0], [0.0, 3.0, 4.0]])
    patch = warp(image, matrix, 24, (0.0, 0.0, 0.0))
    assert (patch == image[:24, 4:28]).all()
