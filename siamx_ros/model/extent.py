"""What a template's cells are told of the target's box: an extension to the paper.

A template patch shows the target amid its surroundings; the pixels alone do not say whether the
face or the whole person is meant, nor how wide and high the box is. With the box given, every
template cell knows where its sides are, and the correlation kernels are made with that knowledge. A
search costs nothing more.
"""

from __future__ import annotations

import torch
from torch import nn

HIDDEN = 32
UNIT = 64.0
"""In what distances are told: about the mean side of a target in its template patch, pixels."""


class ExtentEncoding(nn.Module):
    """Adds what the box means to each template cell to the cell's features; at first, nothing.

    Args:
        places: positions of the cells along a side of the template patch, pixels.
        stride: distance of neighbouring cells, pixels.
        channels: of each level's features.
    """

    def __init__(self, places: torch.Tensor, stride: int, channels: int) -> None:
        super().__init__()
        self.register_buffer('places', places, persistent=False)
        self.stride = stride
        self.hidden = nn.Conv2d(5, HIDDEN, 1)
        self.out = nn.ModuleDict({name: nn.Conv2d(HIDDEN, channels, 1) for name in ('L3', 'L4')})
        for layer in self.out.values():
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, levels: dict[str, torch.Tensor],
                boxes: torch.Tensor) -> dict[str, torch.Tensor]:
        """Features that know of the boxes.

        Args:
            levels: {'L3', 'L4': B x C x k x k}.
            boxes: B x 4 corners, template pixels.
        """
        told = self.hidden(self.sides(boxes.float()).to(self.hidden.weight.dtype)).relu()
        return {name: level + self.out[name](told) for name, level in levels.items()}

    def sides(self, boxes: torch.Tensor) -> torch.Tensor:
        """Distance from each cell to the left, top, right and bottom side, and its share inside.

        Returns:
            B x 5 x k x k; distances in :data:`UNIT`, positive inward.
        """
        places = self.places.float()
        x0, y0, x1, y1 = boxes[:, :, None].unbind(1)
        near, far = places - torch.stack([x0, y0]), torch.stack([x1, y1]) - places
        cells = len(places)
        left, right = (part[0][:, None, :].expand(-1, cells, -1) for part in (near, far))
        top, bottom = (part[1][:, :, None].expand(-1, -1, cells) for part in (near, far))
        sides = torch.stack([left, top, right, bottom], 1)
        inside = (sides.amin(1, keepdim=True) / self.stride + 0.5).clamp(0, 1)
        return torch.cat([sides / UNIT, inside], 1)
