"""Training targets on the score grid: centre labels (Eq. 7) and side distances (Eq. 5, 6).

Boxes are B x 4 corners (x0, y0, x1, y1) in continuous pixels of the search patch. Cell ``i`` of n
lies at ``S / 2 + (i - n // 2) * 8``: the true centre is projected, whatever jitter made the patch.
"""

from __future__ import annotations

import torch

from siamx_ros.model.network import STRIDE

SEEN = 24
"""Boxes of a teacher that count: those with the highest scores."""


def cell_centres(cells: int, search_size: int, device: torch.device | str = 'cpu') -> torch.Tensor:
    """Positions of the score-map cells in the patch, shape (cells,), pixels (Eq. 5)."""
    return search_size / 2 + (torch.arange(cells, device=device) - cells // 2) * float(STRIDE)


def centre_labels(boxes: torch.Tensor, cells: int, search_size: int, radius: float = 2.0,
                  metric: str = 'l1') -> torch.Tensor:
    """Eq. (7): 1 for cells within ``radius`` cells of the target's centre, B x cells x cells.

    Args:
        boxes: B x 4 corners; a row of NaN (no target in the patch) gives zeros.
        metric: 'l1' as in the authors' ancestor code, or 'l2'.

    Raises:
        ValueError: another metric.
    """
    grid = cell_centres(cells, search_size, boxes.device)
    dx = (grid - (boxes[:, None, 0] + boxes[:, None, 2]) / 2).abs() / STRIDE
    dy = (grid - (boxes[:, None, 1] + boxes[:, None, 3]) / 2).abs() / STRIDE
    dx, dy = dx[:, None, :], dy[:, :, None]
    return ((dx + dy if metric == 'l1' else torch.hypot(dx, dy)) <= radius).float()


def side_distances(boxes: torch.Tensor, cells: int,
                   search_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Distances l, t, r, b (B x 4 x cells x cells) of cells to a box (Eq. 6), and which lie in it.

    Returns:
        distances B x 4 x cells x cells in pixels, inside B x cells x cells (bool).
    """
    grid = cell_centres(cells, search_size, boxes.device)
    left = (grid - boxes[:, None, 0])[:, None, :].expand(-1, cells, -1)
    right = (boxes[:, None, 2] - grid)[:, None, :].expand(-1, cells, -1)
    top = (grid - boxes[:, None, 1])[:, :, None].expand(-1, -1, cells)
    bottom = (boxes[:, None, 3] - grid)[:, :, None].expand(-1, -1, cells)
    distances = torch.stack([left, top, right, bottom], 1)
    return distances, (distances > 0).all(1)


def soft_centre_labels(scores: torch.Tensor, boxes: torch.Tensor, cells: int, search_size: int,
                       radius: float = 2.0, metric: str = 'l1') -> torch.Tensor:
    """Eq. (7) for boxes of which a teacher is more or less sure: B x cells x cells in 0..1.

    A cell takes the highest score among the boxes whose centre it is near.

    Args:
        scores: B x N in 0..1; boxes: B x N x 4 corners.
    """
    scores, best = scores.topk(min(SEEN, scores.shape[1]), 1)
    boxes = boxes.gather(1, best[:, :, None].expand(-1, -1, 4)).flatten(0, 1)
    near = centre_labels(boxes, cells, search_size, radius, metric)
    return (near.unflatten(0, scores.shape) * scores[:, :, None, None]).amax(1)
