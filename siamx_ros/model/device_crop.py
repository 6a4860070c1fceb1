"""Patches that are made on the network's device, of regions of images that go there at once."""

from __future__ import annotations

from typing import Sequence

import torch

from siamx_ros.patch_geometry import MOST_PIXELS, Region

AXIS = 5
"""Numbers that say where the rows, or the columns, of a patch are in the pixels."""


class DeviceCrop:
    """Makes patches of one size, of inputs that stay where they are in memory.

    Each pixel of a patch is picked from four of its region, whatever shape that has: so a CUDA
    graph can be recorded of it, and no more than the region goes to the device. Products of the
    region with matrices of weights would need a region of one shape.

    Args:
        count: of patches.
        side: of each, pixels.

    Attributes:
        buffer: on the device, bytes: what an upload fills.
    """

    def __init__(self, count: int, side: int, device: torch.device) -> None:
        self._shape = count, 2, AXIS
        self._staged = torch.zeros(
            8 * count * 2 * AXIS + 3 * count * MOST_PIXELS * side ** 2, dtype=torch.uint8,
            pin_memory=device.type == 'cuda')
        self.buffer = torch.zeros_like(self._staged, device=device)
        self._index = torch.arange(side, dtype=torch.float64, device=device)

    def upload(self, regions: Sequence[Region]) -> None:
        """Send regions to the device; if they are fewer than patches, the rest shows anything.

        Does not wait: what was sent before must have become patches, as an answer on it shows.
        """
        places, pixels = (part.numpy() for part in self._parts(self._staged))
        begin = 0
        for (rows, columns), region in zip(places, regions):
            height, width = region.pixels.shape[:2]
            (left, top), (step_x, step_y) = region.origin, region.step
            rows[:] = top, step_y, height - 1, width, begin
            columns[:] = left, step_x, width - 1, 1, 0
            end = begin + height * width
            pixels[begin:end].reshape(height, width, 3)[:] = region.pixels
            begin = end
        used = places.nbytes + 3 * begin
        self.buffer[:used].copy_(self._staged[:used], non_blocking=True)

    def patches(self) -> torch.Tensor:
        """Of the regions on the device: count x S x S x 3 float32, whole grey levels, BGR."""
        places, pixels = self._parts(self.buffer)
        origin, step, last, stride, begin = places[..., None].unbind(2)
        place = torch.minimum((origin + step * self._index).clamp(min=0), last)
        first = place.floor()
        rows, columns = (torch.stack((first, torch.minimum(first + 1, last)), 2)
                         * stride[:, :, None] + begin[:, :, None]).int().unbind(1)
        share = (place - first).float()
        down, across = torch.stack((1 - share, share), 2).unbind(1)
        taken = rows[:, :, :, None, None] + columns[:, None, None]
        weights = down[:, :, :, None, None] * across[:, None, None]
        picked = pixels.index_select(0, taken.flatten()).view(*taken.shape, 3)
        return (picked * weights[..., None]).sum((1, 3)).round()

    def _parts(self, buffer: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Where rows and columns are, count x 2 x 5 float64, and pixels, N x 3 uint8."""
        end = 8 * self._shape[0] * 2 * AXIS
        return buffer[:end].view(torch.float64).view(self._shape), buffer[end:].view(-1, 3)
