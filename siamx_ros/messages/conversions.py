"""Image messages to BGR arrays and back; duck-typed, so that it imports no ROS.

Any object with the fields of ``sensor_msgs/Image`` or ``CompressedImage`` will do, as from rclpy or
from a bag reader.
"""

from __future__ import annotations

from array import array
from copy import copy
from typing import Any, Callable

import cv2
import numpy as np

from siamx_ros.errors import InputError
from siamx_ros.imaging import (
    decode_image, from_16_bit, is_cut_short, jpeg_segments, value_range)
from siamx_ros.reduced_image import AnyImage, decode_reduced

JPEG = b'\xff\xd8'
"""How a JPEG file begins."""
PNG, PNG_BITS = b'\x89PNG\r\n\x1a\n', 24
"""How a PNG file begins, and which of its bytes says how many bits a channel has."""
MAX_PIXELS = 100_000_000
"""Larger images are refused: a message must not decide how much memory is used."""


def image_from_msg(msg: Any, encoding: str = '', *, spread: bool = True) -> np.ndarray:
    """Convert an Image message to H x W x 3 uint8 BGR.

    Args:
        encoding: assume this encoding instead of the message's.
        spread: 16 bit become 8 by :func:`siamx_ros.imaging.from_16_bit`; False for the upper 8.

    Raises:
        InputError: no pixels, truncated, big-endian 16 bit, or an encoding that is not known and
            that cv_bridge, where installed, cannot convert either.
    """
    name = (encoding or msg.encoding).lower()
    if msg.height <= 0 or msg.width <= 0:
        raise InputError(f'the image has no pixels: {msg.width}x{msg.height}')
    if msg.height * msg.width > MAX_PIXELS:
        raise InputError(f'the image is too large: {msg.width}x{msg.height}')
    if name not in DECODERS:
        return _through_cv_bridge(msg, name)
    channels, dtype, decode = DECODERS[name]
    if dtype == np.uint16 and msg.is_bigendian:
        raise InputError(f'big-endian images ({name}) are not supported')
    try:
        pixels = _pixels(msg, channels, dtype, name)
        if dtype == np.uint16:
            pixels = from_16_bit(pixels) if spread else (pixels >> 8).astype(np.uint8)
        return decode(pixels)
    except cv2.error:
        raise InputError(
            f'OpenCV cannot convert {name} of {msg.width}x{msg.height} pixels') from None


def sixteen_bit_range(msg: Any, encoding: str = '') -> tuple[int, int] | None:
    """Lowest and highest value of a 16-bit Image message that can be read; None for others."""
    channels, dtype, _ = DECODERS.get((encoding or msg.encoding).lower(), (0, np.uint8, None))
    return _range_of(_pixels(msg, channels, dtype, msg.encoding)) if dtype == np.uint16 else None


def sixteen_bit_png_range(msg: Any) -> tuple[int, int] | None:
    """The same of a CompressedImage message whose PNG file can be read and has 16 bits."""
    data = bytes(msg.data)
    if data[:8] != PNG or data[PNG_BITS] != 16:
        return None
    return _range_of(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


def _range_of(pixels: np.ndarray) -> tuple[int, int]:
    low, high = value_range(pixels)
    return int(low), int(high)


def image_from_compressed(msg: Any, *, spread: bool = True,
                          reduction: int = 1) -> AnyImage:
    """Decode a CompressedImage message to H x W x 3 uint8 BGR; ``spread`` as above.

    An EXIF orientation does not count: ``camera_info`` and depth are of the pixels as they are.

    Args:
        reduction: of a JPEG file, decode the means of blocks of so many pixels a side.

    Raises:
        InputError: the data is no JPEG or PNG, cut short, damaged, or too large.
    """
    data = bytes(msg.data)
    width, height = compressed_size(data)
    if width * height > MAX_PIXELS:
        raise InputError(f'the compressed image is too large: {width}x{height}')
    if is_cut_short(data):
        raise InputError(f'the compressed image of {len(data)} bytes is cut short')
    if reduction > 1 and data[:2] == JPEG:
        reduced = decode_reduced(data, (width, height), reduction)
        if reduced is not None:
            return reduced
    image = decode_image(data, spread=spread, turned=False) if width * height else None
    if image is None:
        raise InputError(f'compressed image of format {msg.format!r} and {len(data)} bytes cannot '
                         'be decoded; JPEG and PNG are')
    return image


def compressed_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels that a JPEG or PNG claims; (0, 0) for anything else.

    A few bytes can claim an image that fills the memory, so this is read before decoding.
    """
    if data[:8] == PNG and len(data) >= 24:
        return int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')
    for marker, begin, _ in jpeg_segments(data) if data[:2] == JPEG else ():
        if 0xc0 <= marker <= 0xcf and marker not in (0xc4, 0xc8, 0xcc) and len(data) >= begin + 9:
            height, width = data[begin + 5:begin + 7], data[begin + 7:begin + 9]
            return int.from_bytes(width, 'big'), int.from_bytes(height, 'big')
    return 0, 0


def without_exif(data: bytes) -> bytes:
    """A JPEG file without its EXIF segments, whose orientation viewers would follow."""
    kept, position = b'', 0
    for marker, begin, end in jpeg_segments(data):
        if marker == 0xe1 and data[begin + 4:begin + 10] == b'Exif\0\0':
            kept, position = kept + data[position:begin], end
    return kept + data[position:]


def depth_from_msg(msg: Any) -> np.ndarray:
    """Convert a depth message to H x W float32 metres (REP 118); invalid pixels become NaN.

    Raises:
        InputError: neither 32FC1 (metres) nor 16UC1 / mono16 (millimetres), or truncated.
    """
    name = msg.encoding.lower()
    if name not in ('32fc1', '16uc1', 'mono16'):
        raise InputError(f'depth must be 32FC1 or 16UC1, got {msg.encoding!r}')
    if msg.is_bigendian:
        raise InputError('big-endian depth images are not supported')
    if name == '32fc1':
        return _pixels(msg, 1, np.float32, name)[..., 0]
    depth = _pixels(msg, 1, np.uint16, name)[..., 0].astype(np.float32) / 1000
    depth[depth == 0] = np.nan
    return depth


def fill_image(msg: Any, image: np.ndarray, encoding: str) -> None:
    """Put an H x W x C uint8 or H x W float32 array into an Image message, fast."""
    image = np.ascontiguousarray(image)
    msg.height, msg.width = image.shape[:2]
    msg.encoding, msg.is_bigendian = encoding, 0
    msg.step = image.strides[0]
    data = array('B')
    data.frombytes(memoryview(image).cast('B'))
    msg.data = data


def _pixels(msg: Any, channels: int, dtype: type, name: str) -> np.ndarray:
    """View of the data as rows x width x channels, without the padding of its rows."""
    rows = msg.height * 3 // 2 if name in ('nv12', 'nv21') else msg.height
    used = msg.width * channels * np.dtype(dtype).itemsize
    step = msg.step or used
    data = np.frombuffer(msg.data, np.uint8)
    if step < used:
        raise InputError(f'a row of {msg.width} pixels ({name}) needs {used} bytes, step is {step}')
    if rows == 1:
        step = used  # whatever is said of the next row
    if data.size < step * (rows - 1) + used:
        raise InputError(
            f'the image is truncated: {data.size} bytes of {step * rows} for {msg.width}x'
            f'{msg.height} {name}')
    if data.size < step * rows:
        data = np.concatenate([data, np.zeros(step * rows - data.size, np.uint8)])
    lines = data[:step * rows].reshape(rows, step)[:, :used]
    return np.ascontiguousarray(lines).view(dtype).reshape(rows, msg.width, channels)


def _through_cv_bridge(msg: Any, name: str) -> np.ndarray:
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except ImportError:
        known = ', '.join(sorted(DECODERS))
        raise InputError(f'encoding {name!r} is not supported without cv_bridge; known: {known}'
                         ) from None
    named = copy(msg)
    named.encoding = name
    try:
        return np.ascontiguousarray(CvBridge().imgmsg_to_cv2(named, 'bgr8'))
    except (CvBridgeError, TypeError, ValueError) as error:
        raise InputError(f'encoding {name!r} cannot be converted: {error}') from None


def _convert(code: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda pixels: cv2.cvtColor(pixels, code)


_BAYER = {
    'bayer_rggb': cv2.COLOR_BayerBG2BGR, 'bayer_bggr': cv2.COLOR_BayerRG2BGR,
    'bayer_gbrg': cv2.COLOR_BayerGR2BGR, 'bayer_grbg': cv2.COLOR_BayerGB2BGR}
"""OpenCV names a pattern by its second row, ROS by its first."""

DECODERS: dict[str, tuple[int, type, Callable[[np.ndarray], np.ndarray]]] = {
    'bgr8': (3, np.uint8, np.ascontiguousarray),
    '8uc3': (3, np.uint8, np.ascontiguousarray),
    'rgb8': (3, np.uint8, _convert(cv2.COLOR_RGB2BGR)),
    'bgra8': (4, np.uint8, _convert(cv2.COLOR_BGRA2BGR)),
    '8uc4': (4, np.uint8, _convert(cv2.COLOR_BGRA2BGR)),
    'rgba8': (4, np.uint8, _convert(cv2.COLOR_RGBA2BGR)),
    'mono8': (1, np.uint8, _convert(cv2.COLOR_GRAY2BGR)),
    '8uc1': (1, np.uint8, _convert(cv2.COLOR_GRAY2BGR)),
    'mono16': (1, np.uint16, _convert(cv2.COLOR_GRAY2BGR)),
    '16uc1': (1, np.uint16, _convert(cv2.COLOR_GRAY2BGR)),
    'yuyv': (2, np.uint8, _convert(cv2.COLOR_YUV2BGR_YUY2)),
    'yuv422_yuy2': (2, np.uint8, _convert(cv2.COLOR_YUV2BGR_YUY2)),
    'uyvy': (2, np.uint8, _convert(cv2.COLOR_YUV2BGR_UYVY)),
    'yuv422': (2, np.uint8, _convert(cv2.COLOR_YUV2BGR_UYVY)),
    'nv12': (1, np.uint8, _convert(cv2.COLOR_YUV2BGR_NV12)),
    'nv21': (1, np.uint8, _convert(cv2.COLOR_YUV2BGR_NV21)),
    **{f'{name}8': (1, np.uint8, _convert(code)) for name, code in _BAYER.items()},
    **{f'{name}16': (1, np.uint16, _convert(code)) for name, code in _BAYER.items()},
}
"""Encoding -> (values per pixel, type, function from rows x width x values of 8 bits to BGR)."""
