"""Soft targets from teachers (knowledge distillation): what they see in the patches of a pair."""

from __future__ import annotations

from typing import NamedTuple, Sequence

import numpy as np
import torch

from siamx_ros.config import BACKBONES
from siamx_ros.geometry import SEARCH_SIZE, BoundingBox
from siamx_ros.model.network import map_size
from siamx_ros.patch_geometry import PatchGeometry
from siamx_ros.training.labels import soft_centre_labels
from siamx_ros.training.train_config import TrainConfig
from siamx_ros.training.teachers.answer import Teacher
from siamx_ros.training.validation import corner_iou

AGREEMENT = 0.5
"""Overlap with the known box from which a teacher is believed."""


class SoftTargets(NamedTuple):
    """What those teachers say that found the target; NaN for pairs in which none did.

    Attributes:
        centres: B x n x n in 0..1, as the labels of Eq. (7).
        corners: B x 4, the box, pixels of the search patch.
    """

    centres: torch.Tensor
    corners: torch.Tensor


class Distillation:
    """Asks teachers about batches of pairs.

    A teacher is believed where its best box agrees with the known one, and counts by how sure it
    is: elsewhere the known box alone is learnt from.
    """

    def __init__(self, teachers: Sequence[Teacher], config: TrainConfig) -> None:
        self.teachers, self.config = teachers, config
        self._zoom = _zoom(BACKBONES[config.network.backbone].geometry)

    def __call__(self, template: torch.Tensor, search: torch.Tensor, boxes: torch.Tensor,
                 extents: torch.Tensor) -> SoftTargets:
        """Soft targets of patches B x 3 x S x S (BGR, 0..255), known boxes and template extents.

        Args:
            boxes: B x 4 corners in the search patches; NaN where there is no target.
            extents: B x 4 corners in the templates.
        """
        patches = [_pixels(patch) for patch in (template, search)]
        answers = [self._ask(teacher, patches, boxes, extents) for teacher in self.teachers]
        weights, centres, corners = (torch.stack(part) for part in zip(*answers))
        return SoftTargets(_mean(centres, weights), _mean(corners, weights))

    def _ask(self, teacher: Teacher, patches: list[np.ndarray], boxes: torch.Tensor,
             extents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """How far a teacher is believed (B), its soft labels and its best boxes."""
        answer = teacher(*patches, extents.cpu().numpy().astype(np.float64), self._zoom)
        scores, seen = (torch.from_numpy(part).float().to(boxes.device) for part in answer)
        side = patches[1].shape[1]
        score, cell = scores.max(1)
        best = seen[torch.arange(len(seen)), cell]
        weight = score * (corner_iou(best, boxes) >= AGREEMENT)
        labels = soft_centre_labels(scores, seen, map_size(side), side, self.config.label_radius,
                                    self.config.label_metric)
        return weight, labels, best


def _zoom(geometry: PatchGeometry) -> float:
    """Pixels in a search patch of what is one pixel wide in a template."""
    target = BoundingBox(0.0, 0.0, 1.0, 1.0)
    windows = geometry.search_window(target, SEARCH_SIZE), geometry.template_window(target)
    return windows[0].scales[0] / windows[1].scales[0]


def _pixels(patch: torch.Tensor) -> np.ndarray:
    """B x S x S x 3 uint8."""
    return patch.permute(0, 2, 3, 1).round().clamp(0, 255).to(torch.uint8).cpu().numpy()


def _mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean over the first of the dimensions T x B x ..., by weights T x B; NaN without any."""
    weights = weights.reshape(*weights.shape, *(1,) * (values.ndim - 2))
    return (values * weights).sum(0) / weights.sum(0)
