"""A picture as cameras of all encodings send it."""

from __future__ import annotations

import cv2
import numpy as np
from sensor_msgs.msg import Image


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
