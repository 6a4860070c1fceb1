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
TO_BGR = torch.tensor(FROM_BGR, dtype=torch.float64).inverse().tolist()


def compress(pictures: torch.Tensor, sizes: torch.Tensor, qualities: torch.Tensor) -> torch.Tensor:
    """Round pictures as JPEG files of some qualities do, their colours at half the resolution.

    Args:
        pictures: N x 3 x S x S, BGR, 0..255, each in its top left ``sizes`` x ``sizes`` pixels.
        sizes, qualities: N integers; quality 1 (worst) to 100.

    Returns:
        as ``pictures``; what lies beyond a picture's size is not defined.
    """
    weights = pictures.new_tensor(FROM_BGR)
    luma, chroma = torch.einsum('rc,nchw->nrhw', weights, pictures).split((1, 2), 1)
    luma = _rounded(_continued(luma, sizes) - 128, LUMA, qualities) + 128
    half = functional.avg_pool2d(_continued(chroma, sizes), 2)
    half = _continued(half, (sizes + 1) // 2)
    half = _continued(_rounded(half, CHROMA, qualities), (sizes + 1) // 2)
    full = functional.interpolate(half, scale_factor=2, mode='bilinear')
    side = pictures.shape[-1]
    planes = torch.cat([plane[:, :, :side, :side] for plane in (luma, full)], 1)
    return torch.einsum('cr,nrhw->nchw', pictures.new_tensor(TO_BGR), planes).clamp(0, 255)


def _continued(planes: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """Planes whose last row and column within their size go on, to whole luma and chroma blocks."""
    side = planes.shape[-1]
    index = torch.arange(side + -side % (2 * BLOCK), device=planes.device)
    index = torch.minimum(index, sizes[:, None] - 1)
    rows = index[:, None, :, None].expand(-1, planes.shape[1], -1, side)
    columns = index[:, None, None].expand(-1, planes.shape[1], index.shape[1], -1)
    return planes.gather(2, rows).gather(3, columns)


def _rounded(planes: torch.Tensor, steps: tuple[int, ...], qualities: torch.Tensor) -> torch.Tensor:
    """Planes N x C x H x W, their blocks' cosine coefficients multiples of the quality's steps."""
    percent = torch.where(qualities < 50, 5000 / qualities, 200.0 - 2 * qualities)
    step = ((planes.new_tensor(steps) * percent[:, None] + 50) / 100).floor().clamp(1, 255)
    step = step.to(planes.dtype).view(-1, 1, 1, 1, BLOCK, BLOCK)
    blocks = planes.unflatten(3, (-1, BLOCK)).unflatten(2, (-1, BLOCK)).transpose(3, 4)
    cosines = _cosines(planes.device)
    rounded = (cosines @ blocks @ cosines.T / step).round() * step
    blocks = (cosines.T @ rounded @ cosines).transpose(3, 4)
    return blocks.flatten(4, 5).flatten(2, 3)


def _cosines(device: torch.device) -> torch.Tensor:
    """The orthonormal cosine transform of a line of a block, 8 x 8."""
    index = torch.arange(BLOCK, device=device)
    table = torch.cos(math.pi / BLOCK * (index + 0.5) * index[:, None]) * math.sqrt(2 / BLOCK)
    table[0] /= math.sqrt(2)
    return table
