"""The camera's images as arrays, and what is to be said of those of 16 bits."""

from __future__ import annotations

from typing import Callable

from siamx_ros.messages.conversions import (
    image_from_compressed, image_from_msg, sixteen_bit_png_range, sixteen_bit_range)
from siamx_ros.messages.frames import Frame
from siamx_ros.node_config import NodeConfig
from siamx_ros.reduced_image import AnyImage

RANGE_EVERY = 100
"""Images between two measurements of the range of 16-bit ones."""


class ImageDecoder:
    """Decodes images by the settings; used by the worker's thread.

    Args:
        say: called once with a sentence on 16-bit images.

    Attributes:
        values: which values the 16-bit images use; empty for others.
    """

    def __init__(self, config: NodeConfig, say: Callable[[str], object]) -> None:
        self.config, self._say = config, say
        self.values = ''
        self._count = 0

    def decode(self, frame: Frame, reduction: int = 1) -> AnyImage:
        """H x W x 3 uint8 BGR, or its blocks of ``reduction`` pixels a side where that is faster.

        Raises:
            InputError: it cannot be read.
        """
        spread, encoding = self.config.spread_16_bit, self.config.image_encoding_override
        compressed = self.config.image_transport == 'compressed'
        image = image_from_compressed(frame.msg, spread=spread, reduction=reduction) \
            if compressed else image_from_msg(frame.msg, encoding, spread=spread)
        if self._count % RANGE_EVERY == 0:
            self._report_range(sixteen_bit_png_range(frame.msg) if compressed
                               else sixteen_bit_range(frame.msg, encoding))
        self._count += 1
        return image

    def _report_range(self, found: tuple[int, int] | None) -> None:
        if found is None:
            self.values = ''
            return
        low, high = found
        said, self.values = self.values, f'{low} to {high} ({high.bit_length()} bits)'
        if not said:
            use = 'they are spread to 8 bits where they use a small part of the range' \
                if self.config.spread_16_bit else 'the upper 8 bits are taken'
            self._say(f'the 16-bit images use values from {self.values}; {use} (spread_16_bit)')
