"""JPEG files with an EXIF orientation, as a camera has them that was held otherwise."""

from __future__ import annotations

import struct


def oriented(jpeg: bytes, orientation: int = 6) -> bytes:
    """The file with an orientation from 1, upright, to 8; 6 lies on its side."""
    entry = struct.pack('<2sHIHHHII', b'II', 42, 8, 1, 0x112, 3, 1, orientation) + bytes(4)
    block = b'Exif\0\0' + entry
    return jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(block) + 2) + block + jpeg[2:]
