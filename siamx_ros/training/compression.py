"""What JPEG takes from a picture, in torch: blocks, ringing and dull colours, on any device."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

BLOCK = 8
LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99)
"""Quantisation steps of brightness at quality 50, row by row (ITU-T T.81, Table K.1)."""
CHROMA = tuple(
    {0: 17, 1: 18, 2: 24, 3: 47, 8: 18, 9: 21, 10: 26, 11: 66, 16: 24, 17: 26, 18: 56, 24: 47,
     25: 66}.get(index, 99) for index in range(BLOCK * BLOCK))
"""The same of colour (Table K.2)."""
FROM_BGR = ((0.114, 0.587, 0.299), (0.5, -0.331264, -0.168736), (-0.081312, -0.418688, 0.5))
"""Rows of Y, Cb and Cr, both colours around 0."""


def compress(picture: torch.Tensor, quality: int) -> torch.Tensor:
    """Round a picture as a JPEG file of a quality does, its colours at half the resolution.

    Args:
        picture: 3 x H x W, BGR, 0..255.
        quality: 1 (worst) to 100.
    """
    weights = picture.new_tensor(FROM_BGR)
    luma, *chroma = torch.einsum('rc,chw->rhw', weights, picture).split((1, 2))
    luma = _rounded(luma - 128, LUMA, quality) + 128
    half = functional.avg_pool2d(chroma[0], 2, ceil_mode=True)
    half = _rounded(half, CHROMA, quality)
    full = functional.interpolate(
        half[None], scale_factor=2, mode='bilinear')[0, :, :luma.shape[1], :luma.shape[2]]
    return torch.einsum('cr,rhw->chw', weights.inverse(), torch.cat([luma, full])).clamp(0, 255)


def _rounded(planes: torch.Tensor, steps: tuple[int, ...], quality: int) -> torch.Tensor:
    """Planes N x H x W whose blocks' cosine coefficients are multiples of the quality's steps."""
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    step = ((planes.new_tensor(steps) * percent + 50) / 100).floor().clamp(1, 255)
    height, width = planes.shape[1:]
    padded = functional.pad(
        planes[None], (0, -width % BLOCK, 0, -height % BLOCK), mode='replicate')[0]
    blocks = padded.unflatten(2, (-1, BLOCK)).unflatten(1, (-1, BLOCK)).transpose(2, 3)
    cosines = _cosines(planes.device)
    step = step.view(BLOCK, BLOCK)
    rounded = (cosines @ blocks @ cosines.T / step).round() * step
    blocks = (cosines.T @ rounded @ cosines).transpose(2, 3)
    return blocks.flatten(3, 4).flatten(1, 2)[:, :height, :width]


def _cosines(device: torch.device) -> torch.Tensor:
    """The orthonormal cosine transform of a line of a block, 8 x 8."""
    index = torch.arange(BLOCK, device=device)
    table = torch.cos(math.pi / BLOCK * (index + 0.5) * index[:, None]) * math.sqrt(2 / BLOCK)
    table[0] /= math.sqrt(2)
    return table
