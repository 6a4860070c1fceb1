"""Images of every encoding, transport and quality of service arrive as the same picture."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed')

from rclpy.qos import QoSProfile, ReliabilityPolicy  # noqa: E402
from sensor_msgs.msg import CompressedImage, Image  # noqa: E402

from siamx_ros.client.probe import BEST_EFFORT, stamp  # noqa: E402
from siamx_ros.errors import InputError  # noqa: E402
from siamx_ros.messages import conversions  # noqa: E402

pytestmark = pytest.mark.ros


def message(array: np.ndarray, encoding: str, width: int, height: int, **fields) -> Image:
    """An image message from raw values, one row of the message a row of the array."""
    raw = np.ascontiguousarray(array).view(np.uint8).reshape(array.shape[0], -1)
    return Image(height=height, width=width, encoding=encoding, step=raw.shape[1],
                 data=raw.tobytes(), **fields)


def picture() -> np.ndarray:
    """Smooth colours, so that chroma subsampling and demosaicing change little."""
    small = np.random.default_rng(3).integers(40, 215, (4, 5, 3), np.uint8)
    return cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC)


def packed(bgr: np.ndarray, encoding: str) -> np.ndarray:
    """The picture as a camera would send it; rows x values."""
    ycc = cv2.cvtColor(bgr, cv2.COLOR_BGR2YCrCb)
    luma, u, v = ycc[..., 0], ycc[:, ::2, 2], ycc[:, ::2, 1]
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    if encoding in ('nv12', 'nv21'):
        first, second = (u, v) if encoding == 'nv12' else (v, u)
        chroma = np.stack([first[::2], second[::2]], -1).reshape(60, 160)
        return np.concatenate([limited(luma), limited_chroma(chroma)])
    if encoding in ('yuyv', 'yuv422_yuy2', 'uyvy', 'yuv422'):
        chroma = limited_chroma(np.stack([u, v], -1).reshape(120, 160))
        order = (limited(luma), chroma) if encoding.startswith(('yuyv', 'yuv422_')) else (
            chroma, limited(luma))
        return np.stack(order, -1)
    simple = {
        'bgr8': bgr, '8UC3': bgr, 'rgb8': bgr[..., ::-1],
        'bgra8': np.dstack([bgr, grey]), 'rgba8': np.dstack([bgr[..., ::-1], grey]),
        'mono8': grey, '8UC1': grey, 'mono16': grey.astype(np.uint16) << 8,
        '16UC1': grey.astype(np.uint16) << 8}
    return simple[encoding] if encoding in simple else mosaic(bgr, encoding)


def limited(luma: np.ndarray) -> np.ndarray:
    return np.round(16 + luma * (219 / 255)).astype(np.uint8)


def limited_chroma(chroma: np.ndarray) -> np.ndarray:
    return np.round(128 + (chroma.astype(float) - 128) * (224 / 255)).astype(np.uint8)


def mosaic(bgr: np.ndarray, encoding: str) -> np.ndarray:
    """Each pixel keeps the colour that the pattern's name gives to it, row by row."""
    pattern = encoding[6:10]
    raw = np.empty(bgr.shape[:2], np.uint8)
    for index, letter in enumerate(pattern):
        y, x = divmod(index, 2)
        raw[y::2, x::2] = bgr[y::2, x::2, 'bgr'.index(letter)]
    return raw.astype(np.uint16) << 8 if encoding.endswith('16') else raw


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


def test_over_dds_the_target_is_tracked_in_another_encoding(rig):
    sent = message(packed(picture(), 'nv12'), 'nv12', 160, 120)
    sent.header.stamp, sent.header.frame_id = stamp(rig.next_stamp()), 'c'
    rig.probe.camera.publish(sent)
    assert rig.probe.answer(rig.clock_ns)
    answer = rig.init()
    assert answer.success, answer.message


def test_compressed_transport(make_rig):
    rig = make_rig({'image_transport': 'compressed'}, ready=False)
    camera = rig.probe.node.create_publisher(
        CompressedImage, f'{rig.namespace}/image/compressed', 1)
    assert rig.probe.wait(camera.get_subscription_count, 60)
    data = cv2.imencode('.png', np.kron(picture(), np.ones((2, 2, 1), np.uint8)))[1].tobytes()

    def show(data=data):
        sent = CompressedImage(format='png', data=data)
        sent.header.stamp = stamp(rig.next_stamp())
        camera.publish(sent)
        return rig.probe.answer(rig.clock_ns)
    show()
    answer = rig.init(image_width=160, image_height=120)
    assert answer.success and answer.bbox.size_x == 80.0, 'scaled by the decoded size'
    target = show()
    assert target.target_id == answer.target_id
    assert (target.image_width, target.image_height) == (320, 240)
    bad = show(b'no image')
    assert not bad.valid and bad.box_source == bad.BOX_NONE


@pytest.mark.parametrize('qos, setting', [
    (BEST_EFFORT, 'auto'), (BEST_EFFORT, 'best_effort'), (QoSProfile(depth=1), 'best_effort')])
def test_images_arrive_whatever_the_publisher_offers(make_rig, qos, setting):
    rig = make_rig({'image_reliability': setting}, ready=False)
    rig.probe.node.destroy_publisher(rig.probe.camera)
    assert rig.probe.wait(lambda: rig.probe.heard['status'] and not
                          rig.probe.heard['status'][-1].message.endswith('not active'), 60)
    rig.probe.camera = rig.probe.node.create_publisher(Image, f'{rig.namespace}/image', qos)
    assert rig.probe.wait(rig.probe.camera.get_subscription_count)
    deadline = time.monotonic() + 20
    while not rig.probe.heard['target'] and time.monotonic() < deadline:
        message_ = message(picture(), 'bgr8', 160, 120)
        message_.header.stamp = stamp(rig.next_stamp())
        rig.probe.camera.publish(message_)
        rig.probe.wait(lambda: rig.probe.heard['target'], 0.1)
    assert rig.probe.heard['target']
    _, values = rig.diagnosis(lambda status, values: 'input' in values)
    reliable = qos.reliability == ReliabilityPolicy.RELIABLE
    assert 'subscribed as best effort' in values['input']
    assert ('(reliable)' if reliable else '(best effort)') in values['input']
    if setting == 'auto':
        assert 'subscribed again as best effort' in rig.log


def test_a_forced_reliability_that_cannot_match_is_reported(make_rig):
    rig = make_rig({'image_reliability': 'reliable', 'image_timeout': 0.5}, ready=False)
    rig.probe.node.destroy_publisher(rig.probe.camera)
    rig.probe.camera = rig.probe.node.create_publisher(
        Image, f'{rig.namespace}/image', BEST_EFFORT)
    status, _ = rig.diagnosis(lambda status, values: 'no image' in status.message, 60)
    assert 'subscribed as reliable' in status.message and '(best effort)' in status.message
    assert 'image_reliability is reliable, but' in rig.log


@pytest.mark.parametrize('broken', [False, True], ids=['shipped', 'broken'])
def test_the_profile_for_large_images_is_understood(
        make_rig, make_scene, monkeypatch, tmp_path, repository, broken):
    """The broken one shows that a fault in it would be seen."""
    profile = repository / 'config/middleware/fastdds_large_images.xml'
    if broken:
        text = profile.read_text(encoding='utf-8').replace('segment_size', 'segment_width')
        profile = tmp_path / 'broken.xml'
        profile.write_text(text, encoding='utf-8')
    monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', str(profile))
    rig = make_rig()
    assert rig.show(make_scene(1080, 1920)).image_width == 1920
    assert ('XMLPARSER' in rig.log) == broken, rig.log


def test_an_encoding_can_be_overridden_while_running(rig):
    assert rig.set_parameters(image_encoding_override='rgb8').successful
    rig.started()
    assert rig.show(encoding='nonsense').valid
    assert rig.set_parameters(image_encoding_override='').successful
    assert not rig.show(encoding='nonsense').valid
    assert rig.probe.wait(lambda: "'nonsense'" in rig.probe.heard['status'][-1].message)
