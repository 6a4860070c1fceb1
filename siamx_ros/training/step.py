"""One pass over a batch: the network wrapped with labels and losses."""

from __future__ import annotations

from typing import NamedTuple, Sequence

import torch
from torch import nn

from siamx_ros.model.network import Prediction, SiameseNet, patch_size
from siamx_ros.training import labels, losses
from siamx_ros.training.distillation import SoftTargets
from siamx_ros.training.train_config import TrainConfig


Patches = torch.Tensor | Sequence[torch.Tensor]
"""B x 3 x S x S, or what the network's backbone makes of that: conv3 and conv4."""


class BatchLoss(NamedTuple):
    """Eq. (8) of a batch and its two parts, scalars."""

    total: torch.Tensor
    classification: torch.Tensor
    regression: torch.Tensor


class LossModule(nn.Module):
    """Network plus loss in one forward, so that DDP sees a single module.

    The first ``negatives`` templates of a batch are also correlated with the search patch of the
    next pair, where their target is not unless both are from one scene: negative pairs at the price
    of half the head alone, for they have no box to learn.
    """

    def __init__(self, network: SiameseNet, config: TrainConfig) -> None:
        super().__init__()
        self.network, self.config = network, config

    def forward(self, template: Patches, search: Patches, boxes: torch.Tensor,
                scenes: torch.Tensor, soft: SoftTargets | None = None) -> BatchLoss:
        """Losses of a batch.

        Args:
            template: of 127 pixels; search: of S pixels.
            boxes: B x 4 corners.
            scenes: B x 2 numbers, of the photograph or video of each template and search patch, on
                the CPU.
            soft: what teachers see in the B pairs; takes ``teacher_weight`` of the targets.
        """
        prediction = self._predict(template, search, scenes)
        logits, distances = prediction.centre_logits.float(), prediction.distances.float()
        cells = logits.shape[-1]
        size = patch_size(cells)
        absent = boxes.new_full((len(logits) - len(boxes), 4), float('nan'))
        wanted = labels.centre_labels(torch.cat([boxes, absent]), cells, size,
                                      self.config.label_radius, self.config.label_metric)
        if soft is not None:
            share = self.config.teacher_weight
            wanted[:len(boxes)] = _blended(wanted[:len(boxes)], soft.centres, share)
            boxes = _blended(boxes, soft.corners, share)
        targets, inside = labels.side_distances(boxes, cells, size)
        classification = losses.classification_loss(
            logits[:, 0], wanted, negative_focus=self.config.negative_focus)
        regression = losses.regression_loss(
            distances, targets, inside, mean_of=self.config.reg_mean)
        total = losses.total_loss(
            classification, regression, reg_weight=self.config.reg_weight,
            cls_weight=self.config.cls_weight)
        return BatchLoss(total, classification, regression)

    def _predict(self, template: Patches, search: Patches, scenes: torch.Tensor) -> Prediction:
        """Logits of all pairs, the negative ones last, and distances of the others."""
        correlation, extra = self.network.correlation, min(self.config.negatives, len(scenes) - 1)
        foreign = (scenes[:extra, 0] != scenes[1:extra + 1, 1]).nonzero()[:, 0]
        kernels = self.network.encode_template(
            self.network.template_part(self._levels(template)))
        maps = correlation.encode_search(self._levels(search))
        maps, kernels = (
            {name: _and_again(rows, which) if name.endswith('.cls') else rows
             for name, rows in encoded.items()}
            for encoded, which in ((maps, foreign + 1), (kernels, foreign)))
        return Prediction(*self.network.head(*correlation.correlate(maps, kernels)))

    def _levels(self, patches: Patches) -> dict[str, torch.Tensor]:
        """Neck features."""
        if torch.is_tensor(patches):
            patches = self.network.backbone(patches.float())
        return self.network.neck_levels(patches)


def _blended(known: torch.Tensor, soft: torch.Tensor, share: float) -> torch.Tensor:
    """Known targets with a share of the soft ones, where there are some."""
    return torch.where(soft.isfinite(), torch.lerp(known, soft.to(known.dtype), share), known)


def _and_again(rows: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """All rows, and some of them once more."""
    return torch.cat([rows, rows.index_select(0, which.to(rows.device))]) if len(which) else rows
