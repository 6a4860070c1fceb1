"""How well single pairs of held-out pictures are answered."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader

from siamx_ros.model.network import Prediction, SiameseNet
from siamx_ros.training.labels import cell_centres


@torch.no_grad()
def validate(network: SiameseNet, loader: DataLoader, device: torch.device,
             autocast: torch.autocast) -> dict[str, float]:
    """Figures over all pairs of a loader, the network in eval mode.

    Returns:
        'iou': mean overlap of the best cell's box; 'hit': share with overlap > 0.5;
        'score': mean best score where the target is; 'score_absent': where it is not (0 if none).
    """
    network.eval()
    overlaps, scores, absent = [], [], []
    for template, search, boxes, *_ in loader:
        with autocast:
            prediction = network(as_input(template, device), as_input(search, device))
        best, score = best_boxes(prediction, search.shape[1])
        boxes = boxes.to(device)
        present = boxes.isfinite().all(1)
        overlaps.append(corner_iou(best, boxes)[present].cpu())
        scores.append(score[present].cpu())
        absent.append(score[~present].cpu())
    overlap, score, missing = torch.cat(overlaps), torch.cat(scores), torch.cat(absent)
    return {
        'iou': overlap.mean().item(), 'hit': (overlap > 0.5).float().mean().item(),
        'score': score.mean().item(),
        'score_absent': missing.mean().item() if len(missing) else 0.0}


def as_input(patches: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Patches B x S x S x 3 uint8 as B x 3 x S x S float, channels last, on the device."""
    return patches.to(device, non_blocking=True).permute(0, 3, 1, 2).float()


def best_boxes(prediction: Prediction, search_size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Corners B x 4 (patch pixels) and sigmoid scores B of each map's best cell (Eq. 5, 6)."""
    logits, distances = prediction.centre_logits.float(), prediction.distances.float()
    cells = logits.shape[-1]
    score, cell = logits.flatten(1).sigmoid().max(1)
    grid = cell_centres(cells, search_size, logits.device)
    x, y = grid[cell % cells], grid[cell // cells]
    left, top, right, bottom = distances.flatten(2).gather(
        2, cell[:, None, None].expand(-1, 4, 1))[:, :, 0].unbind(1)
    return torch.stack([x - left, y - top, x + right, y + bottom], 1), score


def corner_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Overlap of boxes B x 4 as corners; NaN boxes give NaN."""
    size = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    common = size.prod(1)
    return common / ((a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common)
