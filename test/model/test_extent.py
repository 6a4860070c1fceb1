"""The template's knowledge of the target's box: what the cells are told, and that it matters."""

import numpy as np
import pytest
import torch

from siamx_ros.config import ModelConfig
from siamx_ros.model import openvino_graph
from siamx_ros.model.network import SiamXNet
from siamx_ros.model.runtime import make_engine

BOX = torch.tensor([[31.5, 43.5, 87.5, 75.5]])


@pytest.fixture(scope='module')
def extended(network):
    """The same network told of extents, which it has learnt something from."""
    extended = SiamXNet(network.config.replace({'extent': True})).eval()
    extended.load_state_dict(network.state_dict(), strict=False)
    torch.manual_seed(1)
    for layer in extended.extent.out.values():
        torch.nn.init.normal_(layer.weight, std=0.3)
    return extended


def patches():
    rng = np.random.default_rng(2)
    return [rng.integers(0, 256, (side, side, 3), np.uint8) for side in (127, 255)]


def test_every_cell_is_told_its_distance_to_the_sides(extended):
    """One cell at a time, from the cells' places in a patch of 127 pixels at a stride of 8."""
    told = extended.extent.sides(BOX)[0]
    assert told.shape == (5, 7, 7)
    for row, column in np.ndindex(7, 7):
        x, y = (63.5 + 8 * (index - 3) for index in (column, row))
        sides = x - 31.5, y - 43.5, 87.5 - x, 75.5 - y
        expected = [*(side / 64 for side in sides), min(max(min(sides) / 8 + 0.5, 0), 1)]
        np.testing.assert_allclose(told[:, row, column], expected, atol=1e-6)


def test_it_begins_as_no_change(network):
    fresh = SiamXNet(network.config.replace({'extent': True})).eval()
    fresh.load_state_dict(network.state_dict(), strict=False)
    template, search = torch.rand(1, 3, 127, 127) * 255, torch.rand(1, 3, 255, 255) * 255
    with torch.no_grad():
        for ours, theirs in zip(fresh(template, search, BOX), network(template, search)):
            assert ours.equal(theirs)


def test_the_box_changes_the_answer_and_the_search_alone_costs_nothing(extended, network):
    template, search = torch.rand(2, 3, 127, 127) * 255, torch.rand(2, 3, 255, 255) * 255
    template[1], search[1] = template[0], search[0]
    boxes = torch.cat([BOX, torch.tensor([[51.5, 23.5, 75.5, 103.5]])])
    with torch.no_grad():
        kernels = extended.embed_template(template, boxes)
        assert all(not kernel[0].equal(kernel[1]) for kernel in kernels.values())
        prediction = extended.search(search, kernels)
        assert not prediction.distances[0].equal(prediction.distances[1])
        there = network.search(search, kernels)
    assert all(ours.equal(theirs) for ours, theirs in zip(prediction, there))


def test_a_missing_box_is_named(extended):
    with pytest.raises(ValueError, match="'extent' needs the boxes"):
        extended.embed_template(torch.zeros(1, 3, 127, 127))


@pytest.mark.parametrize('runtime', ['torch', 'openvino'])
@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
def test_engines_tell_the_box_in_patch_pixels(extended, runtime, precision):
    if runtime == 'openvino' and not openvino_graph.is_installed():
        pytest.skip('openvino is not installed')
    template, search = patches()
    engine = make_engine(extended, ModelConfig(device='cpu', runtime=runtime, precision=precision))
    maps = engine.search(search, engine.embed(template, BOX[0].tolist()))
    with torch.no_grad():
        expected = extended(*(torch.from_numpy(patch).permute(2, 0, 1)[None].float()
                              for patch in (template, search)), BOX)
    close = 1e-3 if precision == 'fp32' else 0.1
    np.testing.assert_allclose(
        maps.scores, expected.centre_logits[0, 0].sigmoid(), atol=0.1 * close)
    np.testing.assert_allclose(maps.distances, expected.distances[0], rtol=close)


def test_similarity_looks_at_the_pixels_alone(extended, network):
    """The template's features, compared with those of a search, know nothing of its box."""
    template, _ = patches()
    model = ModelConfig(device='cpu', runtime='torch')
    ours, theirs = (make_engine(each, model).embed(template, BOX[0].tolist())
                    for each in (extended, network))
    np.testing.assert_array_equal(ours.features, theirs.features)
