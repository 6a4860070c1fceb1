"""Soft targets: by whom they are believed, and what becomes of known ones."""

import numpy as np
import pytest
import torch

from siamx_ros.model.network import SiamXNet
from siamx_ros.training.distillation import Distillation, SoftTargets
from siamx_ros.training.labels import centre_labels, soft_centre_labels
from siamx_ros.training.step import LossModule
from siamx_ros.training.teachers.answer import Answer

BOXES = torch.tensor([[100., 90., 150., 170.], [60., 60., 120., 110.], [float('nan')] * 4])
PATCHES = torch.zeros(3, 3, 127, 127), torch.zeros(3, 3, 255, 255)
EXTENTS = torch.tensor([[40., 30., 80., 90.]]).repeat(3, 1)


def teacher(shift: float, score: float):
    """Says of every pair that the target is where the first two are, ``shift`` to the right."""
    boxes = torch.nan_to_num(BOXES, nan=50.0).numpy() + np.array([shift, 0, shift, 0])

    def answer(templates, searches, extents):
        assert templates.dtype == searches.dtype == np.uint8 and searches.shape[1:] == (255, 255, 3)
        scores = np.stack([np.full(3, score), np.full(3, 0.01)], 1)
        return Answer(scores, np.stack([boxes, boxes + 60], 1))
    return answer


def test_soft_labels_are_the_best_of_what_lies_near():
    rng = np.random.default_rng(0)
    corners = rng.uniform(20, 120, (2, 40, 4))
    corners[..., 2:] += 60
    boxes = torch.tensor(corners)
    scores = torch.tensor(rng.uniform(0, 1, (2, 40)))
    found = soft_centre_labels(scores, boxes, 25, 255)
    for pair in range(2):
        expected = torch.zeros(25, 25)
        for best in scores[pair].argsort(descending=True)[:24]:
            label = centre_labels(boxes[pair, best][None], 25, 255)[0]
            expected = torch.maximum(expected, label * scores[pair, best])
        torch.testing.assert_close(found[pair], expected, check_dtype=False)


def test_a_teacher_counts_where_it_finds_the_known_box(tiny_config):
    soft = Distillation([teacher(4.0, 0.9)], tiny_config)(*PATCHES, BOXES, EXTENTS)
    torch.testing.assert_close(
        soft.corners[:2], BOXES[:2] + torch.tensor([4., 0., 4., 0.]), rtol=0, atol=1e-4)
    assert soft.centres[:2].amax((1, 2)).tolist() == pytest.approx([0.9, 0.9])
    assert soft.corners[2].isnan().all() and soft.centres[2].isnan().all()
    astray = Distillation([teacher(90.0, 0.9)], tiny_config)(*PATCHES, BOXES, EXTENTS)
    assert astray.corners.isnan().all() and astray.centres.isnan().all()


def test_teachers_count_by_how_sure_they_are(tiny_config):
    teachers = [teacher(0.0, 0.75), teacher(8.0, 0.25), teacher(200.0, 1.0)]
    soft = Distillation(teachers, tiny_config)(*PATCHES, BOXES, EXTENTS)
    torch.testing.assert_close(
        soft.corners[:2], BOXES[:2] + torch.tensor([2., 0., 2., 0.]), rtol=0, atol=1e-4)


def test_known_targets_give_way_by_the_share(tiny_config):
    """No share, or no teacher, leaves the loss as it was; a whole share replaces the box."""
    torch.manual_seed(0)
    network, scenes = SiamXNet(tiny_config.network).eval(), torch.arange(6).reshape(3, 2)
    inputs = (torch.rand(3, 3, 127, 127) * 255, torch.rand(3, 3, 255, 255) * 255)

    def loss(share, boxes, soft=None):
        module = LossModule(network, tiny_config.replace({'teacher_weight': share}))
        return module(*inputs, boxes, scenes, soft)
    moved = BOXES + 16
    soft = SoftTargets(centre_labels(moved, 25, 255), moved)
    nothing = SoftTargets(soft.centres * torch.nan, soft.corners * torch.nan)
    plain = loss(0.5, BOXES)
    assert loss(0.5, BOXES, nothing) == plain and loss(0.0, BOXES, soft) == plain
    assert loss(0.5, BOXES, soft).regression != plain.regression
    torch.testing.assert_close(loss(1.0, BOXES, soft), loss(1.0, moved))
