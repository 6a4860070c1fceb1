"""Labels (Eq. 5 to 7) and losses (Eq. 8) against hand cases and gradients."""

import math

import pytest
import torch

from siamx_ros.geometry import CropWindow
from siamx_ros.tracking import decode
from siamx_ros.training import labels, losses

BOX = torch.tensor([[107.5, 87.5, 147.5, 167.5]])
NONE = torch.full((1, 4), math.nan)


def test_thirteen_positives_around_the_centre():
    wanted = labels.centre_labels(BOX, 25, 255)
    assert wanted.sum() == 13 and wanted[0, 12, 12] == 1
    assert wanted[0, 10, 12] == 1 and wanted[0, 10, 13] == 0
    assert labels.centre_labels(BOX, 25, 255, metric='l2').sum() == 13
    assert labels.centre_labels(BOX, 25, 255, radius=1.5, metric='l2').sum() == 9


@pytest.mark.parametrize('dx, dy, column, row', [(64, 0, 20, 12), (-64, 8, 4, 13), (0, -40, 12, 7)])
def test_the_true_centre_is_projected(dx, dy, column, row):
    moved = BOX + torch.tensor([dx, dy, dx, dy])
    wanted = labels.centre_labels(moved, 25, 255, radius=0.5)
    assert torch.nonzero(wanted[0]).tolist() == [[row, column]]


def test_no_target_gives_zeros():
    assert labels.centre_labels(NONE, 25, 255).sum() == 0
    assert not labels.side_distances(NONE, 25, 255)[1].any()


@pytest.mark.parametrize('cells, size', [(25, 255), (29, 287)])
def test_distances_and_decode_are_inverse(cells, size):
    """The tracker's Eq. (6) turns the training targets back into the box, at every cell inside."""
    distances, inside = labels.side_distances(BOX, cells, size)
    whole = CropWindow(size / 2, size / 2, size, size)
    for row, column in inside[0].nonzero().tolist():
        box = decode.box_at(distances[0].numpy(), (row, column), whole)
        assert box.corners == pytest.approx(BOX[0].tolist())
    grid = labels.cell_centres(cells, size)
    expected = sum(107.5 < x < 147.5 for x in grid) * sum(87.5 < y < 167.5 for y in grid)
    assert inside.sum() == expected


@pytest.mark.parametrize('given, focus', [({}, 0.0), ({'negative_focus': 2.0}, 2.0)])
def test_classification_by_hand(given, focus):
    """The focus weighs a negative by its score to that power; by default all count alike."""
    logits = torch.tensor([0.0, 2.0, -1.0])
    wanted = torch.tensor([1.0, 0.0, 0.0])
    share = [1 / (1 + math.exp(-value)) for value in (2.0, -1.0)]
    terms = [math.log(1 + math.exp(value)) for value in (2.0, -1.0)]
    negative = sum(s ** focus * term for s, term in zip(share, terms)) / sum(
        s ** focus for s in share)
    loss = losses.classification_loss(logits, wanted, **given)
    assert loss.item() == pytest.approx(0.5 * math.log(2) + 0.5 * negative, rel=1e-6)


@pytest.mark.parametrize('wanted', [torch.zeros(4), torch.ones(4)])
def test_an_empty_half_counts_zero(wanted):
    logits = torch.zeros(4, requires_grad=True)
    loss = losses.classification_loss(logits, wanted)
    loss.backward()
    assert loss.item() == pytest.approx(0.5 * math.log(2)) and logits.grad.isfinite().all()


def test_regression_by_hand():
    """Boxes 40x80 and 20x40 around the same cell: I = 800, U = 3200."""
    target = torch.tensor([20.0, 40, 20, 40]).reshape(1, 4, 1, 1)
    inside = torch.ones(1, 1, 1, dtype=torch.bool)
    assert losses.regression_loss(target, target, inside).item() == 0
    expected = -math.log(801 / 3201)
    assert losses.regression_loss(target / 2, target, inside).item() == pytest.approx(expected)


def test_mean_of_pairs_by_hand():
    """Three cells of a large target and one of a small one; the third pair has none."""
    targets = torch.tensor([40.0, 10, 10]).reshape(3, 1, 1, 1).expand(3, 4, 1, 3)
    inside = torch.tensor([[[1, 1, 1]], [[0, 1, 0]], [[0, 0, 0]]]).bool()
    predicted = targets * torch.tensor([0.5, 0.8, 3.0]).reshape(3, 1, 1, 1)
    large, small = -math.log(1601 / 6401), -math.log(257 / 401)
    loss = {kind: losses.regression_loss(predicted, targets, inside, mean_of=kind).item()
            for kind in ('cells', 'pairs')}
    assert loss['cells'] == pytest.approx((3 * large + small) / 4)
    assert loss['pairs'] == pytest.approx((large + small) / 2)


@pytest.mark.parametrize('mean_of', ['cells', 'pairs'])
def test_absent_targets_leave_no_trace(mean_of):
    """NaN boxes neither change the loss of the others nor poison the gradient."""
    boxes = torch.cat([BOX, NONE])
    targets, inside = labels.side_distances(boxes, 25, 255)
    predicted = torch.full((2, 4, 25, 25), 30.0, requires_grad=True)
    loss = losses.regression_loss(predicted, targets, inside, mean_of=mean_of)
    loss.backward()
    alone = losses.regression_loss(predicted[:1], targets[:1], inside[:1], mean_of=mean_of)
    assert loss.item() == pytest.approx(alone.item())
    assert predicted.grad.isfinite().all() and predicted.grad[1].abs().sum() == 0


def test_total():
    one, two = torch.tensor(1.0), torch.tensor(2.0)
    assert losses.total_loss(one, two) == 3
    assert losses.total_loss(one, two, reg_weight=0.5, cls_weight=3.0) == 4
