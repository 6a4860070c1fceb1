"""IoU loss, balanced cross-entropy, and their sum (paper, Sec. III-D, Eq. 8)."""

from __future__ import annotations

import torch
from torch.nn import functional


def classification_loss(logits: torch.Tensor, labels: torch.Tensor, *,
                        negative_focus: float = 0.0) -> torch.Tensor:
    """L_cls: cross-entropy, the mean over positives and the mean over negatives, half each.

    Args:
        logits, labels: same shape; labels in 0..1, positive above 0.5. A half without cells counts
            as zero.
        negative_focus: negatives are weighted by this power of their score, so that what looks
            like the target outweighs empty background; 0 for the paper's plain mean.
    """
    terms = functional.binary_cross_entropy_with_logits(logits, labels, reduction='none')
    positive = labels > 0.5
    scores = torch.maximum(logits.detach().sigmoid(), labels)
    weights = (~positive).to(terms.dtype) * scores ** negative_focus
    negatives = (terms * weights).sum() / weights.sum().clamp(min=1e-6)
    return 0.5 * _mean(terms, positive) + 0.5 * negatives


def regression_loss(distances: torch.Tensor, targets: torch.Tensor, inside: torch.Tensor, *,
                    mean_of: str = 'cells') -> torch.Tensor:
    """L_reg: mean of ``-ln((I + 1) / (U + 1))`` over the cells inside a box, I and U in pixels^2.

    Args:
        distances, targets: B x 4 x h x w as l, t, r, b.
        inside: B x h x w bool; where nothing is inside, the loss is zero.
        mean_of: 'cells', the paper's mean over all cells of the batch, in which a box counts as its
            area does, so that boxes of doubtful size come out large; or 'pairs', the mean over
            pairs of each one's mean.
    """
    targets = torch.where(inside[:, None], targets, 1.0)
    near = torch.minimum(distances, targets)
    intersection = (near[:, 0] + near[:, 2]) * (near[:, 1] + near[:, 3])
    union = _area(distances) + _area(targets) - intersection
    terms = -torch.log((intersection.clamp(min=0) + 1) / (union.clamp(min=0) + 1))
    if mean_of == 'cells':
        return _mean(terms, inside)
    count = inside.sum((1, 2))
    return _mean((terms * inside).sum((1, 2)) / count.clamp(min=1), count > 0)


def total_loss(classification: torch.Tensor, regression: torch.Tensor, *, reg_weight: float = 1.0,
               cls_weight: float = 1.0) -> torch.Tensor:
    """Eq. (8): lambda_0 L_reg + lambda_1 L_cls."""
    return reg_weight * regression + cls_weight * classification


def _area(distances: torch.Tensor) -> torch.Tensor:
    return (distances[:, 0] + distances[:, 2]) * (distances[:, 1] + distances[:, 3])


def _mean(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Mean over the chosen cells; zero (with a gradient of zero) when there are none."""
    chosen = chosen.to(values.dtype)
    return (values * chosen).sum() / chosen.sum().clamp(min=1)
