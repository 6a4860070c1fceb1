"""Images of every encoding become the same picture; what cannot be read is refused."""

import sys
import tracemalloc
from types import SimpleNamespace

from camera_messages import message, packed, picture
import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from siamx_ros.errors import InputError
from siamx_ros.messages import conversions

pytestmark = pytest.mark.ros
ENCODINGS = ('bgr8', '8UC3', 'rgb8', 'bgra8', 'rgba8', 'mono8', '8UC1', 'mono16', '16UC1', 'yuyv',
             'yuv422_yuy2', 'uyvy', 'yuv422', 'nv12', 'nv21',
             *(f'bayer_{p}{bits}' for p in ('rggb', 'bggr', 'gbrg', 'grbg') for bits in (8, 16)))


@pytest.mark.parametrize('padding', [0, 12])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding_gives_the_picture(encoding, padding):
    bgr = picture()
    raw = packed(bgr, encoding)
    raw = np.ascontiguousarray(raw).view(np.uint8).reshape(raw.shape[0], -1)
    raw = np.pad(raw, ((0, 0), (0, padding)), constant_values=255)
    seen = conversions.image_from_msg(message(raw, encoding, 160, 120))
    wanted = bgr
    if 'mono' in encoding or encoding.endswith('UC1'):
        wanted = cv2.cvtColor(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert seen.shape == (120, 160, 3) and seen.dtype == np.uint8 and seen.flags.c_contiguous
    error = np.abs(seen[2:-2, 2:-2].astype(int) - wanted[2:-2, 2:-2])
    exact = encoding[:4] not in ('yuyv', 'yuv4', 'uyvy', 'nv12', 'nv21', 'baye')
    assert error.max() <= (0 if exact else 14), error.max()
    assert error.mean() <= 4


@pytest.mark.parametrize('change, words', [
    ({'width': 0}, 'no pixels'), ({'height': 0}, 'no pixels'),
    ({'data': b'\0' * 100}, 'truncated'), ({'data': b''}, 'truncated'),
    ({'step': 10}, 'step is 10'), ({'encoding': 'rgb5'}, 'not supported'),
    ({'encoding': ''}, 'not supported'),
    ({'encoding': 'mono16', 'is_bigendian': 1}, 'big-endian'),
    ({'encoding': 'yuyv', 'width': 79}, 'cannot convert yuyv of 79x120'),
    ({'encoding': 'nv12', 'height': 61}, 'cannot convert nv12 of 160x61'),
    ({'width': 2**31, 'height': 2**31}, 'too large')], ids=str)
def test_refused_with_a_sentence(change, words):
    good = message(picture(), 'bgr8', 160, 120)
    for name, value in change.items():
        setattr(good, name, value)
    with pytest.raises(InputError, match=words):
        conversions.image_from_msg(good)


def test_a_step_of_one_row_costs_no_memory():
    row = message(picture()[:1], 'bgr8', 160, 1)
    row.step = 10 ** 8
    tracemalloc.start()
    assert (conversions.image_from_msg(row) == picture()[:1]).all()
    assert tracemalloc.get_traced_memory()[1] < 10 ** 6
    tracemalloc.stop()


def test_cv_bridge_converts_the_rest_where_it_is_installed(monkeypatch):
    """A stand-in: the real one is not on every machine."""
    class Bridge:
        def imgmsg_to_cv2(self, msg, encoding):
            assert encoding == 'bgr8'
            if msg.encoding == 'rgb16':
                return picture()[:, ::-1]
            raise ValueError('unheard of')
    monkeypatch.setitem(sys.modules, 'cv_bridge', SimpleNamespace(
        CvBridge=Bridge, CvBridgeError=RuntimeError))
    seen = conversions.image_from_msg(message(picture(), 'rgb16', 160, 120))
    np.testing.assert_array_equal(seen, picture()[:, ::-1])
    assert seen.flags.c_contiguous
    claimed = message(picture(), 'bgr16', 160, 120)
    np.testing.assert_array_equal(conversions.image_from_msg(claimed, 'rgb16'), seen)
    assert claimed.encoding == 'bgr16', 'the message stays as it is'
    with pytest.raises(InputError, match='cannot be converted: unheard of'):
        conversions.image_from_msg(message(picture(), 'rgb5', 160, 120))


def test_depth_in_metres_and_millimetres():
    metres = np.float32([[1.5, np.nan], [0.25, 3.0]])
    seen = conversions.depth_from_msg(message(metres, '32FC1', 2, 2))
    np.testing.assert_array_equal(seen, metres)
    millimetres = np.uint16([[1500, 0], [250, 3000]])
    seen = conversions.depth_from_msg(message(millimetres, '16UC1', 2, 2))
    np.testing.assert_array_equal(seen, metres)
    with pytest.raises(InputError, match='32FC1 or 16UC1'):
        conversions.depth_from_msg(message(picture(), 'bgr8', 160, 120))


@pytest.mark.parametrize('extension', ['.png', '.jpg'])
def test_compressed_images(extension):
    data = cv2.imencode(extension, picture())[1].tobytes()
    assert conversions.compressed_size(data) == (160, 120)
    seen = conversions.image_from_compressed(CompressedImage(data=data))
    assert np.abs(seen.astype(int) - picture()).mean() < 3
    for broken in (data[:20], data[:len(data) // 8], b'', b'x' * 500, data[:2] + b'\xff' * 500):
        with pytest.raises(InputError):
            conversions.image_from_compressed(CompressedImage(data=broken))


def test_a_small_file_that_claims_a_huge_picture_is_not_decoded():
    data = bytearray(cv2.imencode('.png', picture())[1].tobytes())
    data[16:24] = (60000).to_bytes(4, 'big') * 2
    with pytest.raises(InputError, match='too large: 60000x60000'):
        conversions.image_from_compressed(CompressedImage(data=bytes(data)))


def test_a_size_is_read_from_a_whole_header_before_the_pixels_alone():
    frame = b'\xff\xc0\x00\x0b\x08' + b'\x00\x30\x00\x40' + b'\x01' * 4  # 48 rows of 64
    scan = b'\xff\xda\x00\x08' + b'\x01' * 6
    assert conversions.compressed_size(b'\xff\xd8' + frame + scan) == (64, 48)
    assert conversions.compressed_size(b'\xff\xd8' + frame[:8]) == (0, 0), 'cut off'
    assert conversions.compressed_size(b'\xff\xd8' + scan + frame) == (0, 0), 'those are pixels'
