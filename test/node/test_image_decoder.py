"""16-bit images by the settings, and what is said of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from siamx_ros.messages.frames import Frame
from siamx_ros.node.image_decoder import RANGE_EVERY, ImageDecoder
from siamx_ros.node_config import NodeConfig

GREY = np.arange(48 * 64).reshape(48, 64) % 256


def frame(pixels: np.ndarray, encoding: str) -> Frame:
    msg = SimpleNamespace(height=48, width=64, encoding=encoding, is_bigendian=0,
                          step=pixels.strides[0], data=pixels.tobytes())
    return Frame(msg, 0.0, 0.0, 0.0)


@pytest.mark.parametrize('spread, contrast, words', [
    (True, 70.0, 'spread to 8 bits'), (False, 1.2, 'the upper 8 bits are taken')])
def test_ten_bits_are_spread_unless_the_setting_says_no(spread, contrast, words):
    said: list[str] = []
    decoder = ImageDecoder(NodeConfig().replace({'spread_16_bit': spread}), said.append)
    for _ in range(RANGE_EVERY + 1):
        image = decoder.decode(frame((4 * GREY).astype(np.uint16), 'mono16'))
    assert image.std() == pytest.approx(contrast, rel=0.1)
    assert len(said) == 1 and words in said[0] and decoder.values in said[0]
    assert decoder.values.endswith('(10 bits)')


def test_nothing_is_said_of_eight_bits():
    said: list[str] = []
    decoder = ImageDecoder(NodeConfig(), said.append)
    image = decoder.decode(frame(GREY.astype(np.uint8), 'mono8'))
    np.testing.assert_array_equal(image[..., 0], GREY)
    assert not said and decoder.values == ''
