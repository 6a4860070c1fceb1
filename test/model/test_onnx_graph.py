"""ONNX graphs: standard operators, fixed lengths, and eight bits as a slow reference has them."""

import copy

import numpy as np
import pytest
from slow_rounding import rounded_filter
import torch
from torch import nn

from siamx_ros.model.backbone import fold_batch_norm
from siamx_ros.model.quantisation import input_ranges
from siamx_ros.model.rounding import RoundedConv, rounded

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')

from siamx_ros.model import onnx_graph  # noqa: E402
from siamx_ros.model.onnx_session import CPU, Session  # noqa: E402


def patch_of(side: int) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (1, side, side, 3), np.uint8)


def pixels(patch: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(patch).permute(0, 3, 1, 2).float()


def shapes_encoded(network, side: int) -> list[torch.Size]:
    with torch.no_grad():
        levels = network.levels(pixels(patch_of(side)))
        return [each.shape for each in network.correlation.encode_search(levels).values()]


def lengths(graph) -> dict[str, list[int]]:
    return {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in (*graph.graph.input, *graph.graph.output)}


@pytest.fixture(scope='module')
def folded(network):
    return fold_batch_norm(copy.deepcopy(network)).requires_grad_(False)


@pytest.fixture(scope='module')
def ranges(folded):
    return input_ranges(folded, [(pixels(patch_of(127)), pixels(patch_of(143)))])


def test_a_template_is_encoded_as_by_torch(folded):
    graph, patch = onnx_graph.template_graph(folded), patch_of(127)
    onnx.checker.check_model(graph, full_check=True)
    found = Session(graph.SerializeToString(), CPU).run({'patch': patch})
    with torch.no_grad():
        levels = folded.template_levels(pixels(patch))
        expected = [*folded.encode_template(levels).values(), folded.template_signature(levels)]
    assert [*lengths(graph)] == ['patch', *folded.kernel_names, 'signature']
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.abs().max())


@pytest.mark.parametrize('side', [207, 271])
def test_a_search_answers_as_torch(folded, side):
    graph, patch = onnx_graph.search_graph(folded, side), patch_of(side)
    with torch.no_grad():
        kernels = folded.embed_template(pixels(patch_of(127)))
    found = Session(graph.SerializeToString(), CPU).run(
        {'patch': patch, **{name: kernel.numpy() for name, kernel in kernels.items()}})
    step = onnx_graph.SearchStep(folded)
    for ours, theirs in zip(found, step(torch.from_numpy(patch), *kernels.values())):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.abs().max())
    known, cells = lengths(graph), (side - 127) // 8 + 9
    assert known['patch'] == [1, side, side, 3]
    assert known['scores'] == [1, 1, cells, cells] and known['distances'] == [1, 4, cells, cells]
    assert known['features'][2:] == [cells + 6, cells + 6]


@pytest.mark.parametrize('part', ['search', 'scores'])
@pytest.mark.parametrize('precision', ['fp32', 'int8'])
def test_graphs_are_what_tensorrt_reads(folded, ranges, precision, part):
    """Operators of the standard up to 17; lengths, steps and zero points are constants."""
    network = folded if precision == 'fp32' else rounded(folded, ranges)
    model = onnx_graph.search_graph(network, 207) if part == 'search' else onnx_graph.scores_graph(
        network, shapes_encoded(folded, 207))
    onnx.checker.check_model(model, full_check=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [('', 17)]
    graph = model.graph
    assert not {node.domain for node in graph.node} - {''}
    assert not {'Identity', 'Shape', 'Constant', 'Gather'} & {node.op_type for node in graph.node}
    values = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    rounding = [node for node in graph.node if 'uantizeLinear' in node.op_type]
    for node in rounding:
        step, zero = (values[name] for name in node.input[1:])
        assert (step > 0).all() and zero.dtype == np.int8 and not zero.any()
    weights = [node for node in rounding if node.input[0] in values]
    assert all(node.attribute[0].i == 0 for node in weights)  # the axis: output channels
    if part == 'scores':  # by a part of the network
        return
    # Branches that take in the same share its rounding.
    activations = [each for each in rounding
                   if each.op_type == 'QuantizeLinear' and each not in weights]
    expected = len(ranges) if precision == 'int8' else 0
    assert len(weights) == expected and 0.8 * expected <= len(activations) <= expected


def test_rounding_is_that_of_a_slow_reference():
    """Input and weights of one convolution, with values beyond the range, and one-sided ones."""
    torch.manual_seed(3)
    convolution = nn.Conv2d(4, 6, 3, padding=1, groups=2)
    for low, high in ((0.0, 2.0), (-3.0, 1.0)):
        x = torch.randn(1, 4, 9, 9)
        step = max(-low / 128, high / 127)
        weight = torch.stack([rounded_filter(each) for each in convolution.weight.data.double()])
        expected = nn.functional.conv2d(
            (x.double() / step).round().clamp(-128, 127) * step, weight,
            convolution.bias.double(), padding=1, groups=2)
        layer = RoundedConv(convolution, low, high)
        torch.testing.assert_close(layer(x).double(), expected, rtol=1e-4, atol=1e-4)
        assert layer.step == pytest.approx(step)
        graph = onnx_graph._exported(layer, (x,), ('x',), ('y',)).SerializeToString()
        found = Session(graph, CPU).run({'x': x.numpy()})[0]
        np.testing.assert_allclose(found, expected.detach(), rtol=1e-4, atol=1e-4)
