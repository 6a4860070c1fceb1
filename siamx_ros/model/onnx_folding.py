"""Compute once, in an ONNX graph of fixed lengths, what does not depend on its inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

KEPT = ('QuantizeLinear', 'DequantizeLinear')
"""Operators that say how weights are rounded, and stay."""


def fold_constants(model: Any) -> Any:
    """The same graph without shape arithmetic, constants as nodes, and copies.

    TensorRT and compilers for small chips take lengths, and the steps and zero points of rounding,
    as constants alone.
    """
    import onnx
    count = -1
    while count != len(model.graph.node):
        count = len(model.graph.node)
        model = onnx.shape_inference.infer_shapes(model)
        _fold(model)
    _remove_identities(model.graph)
    _remove_unused(model.graph)
    del model.graph.value_info[:]
    return model


def _fold(model: Any) -> None:
    """Turn constant nodes, and those whose inputs are constant, into initializers."""
    from onnx import numpy_helper
    graph = model.graph
    known = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    shapes, foldable, kept = _shapes(graph), [], []
    names = set(known)
    for node in graph.node:
        if node.op_type == 'Shape' and node.input[0] in shapes:
            node.CopyFrom(_constant(node.output[0], shapes[node.input[0]]))
        if node.op_type not in KEPT and names.issuperset(node.input):
            foldable.append(node)
            names.update(node.output)
        else:
            kept.append(node)
    values = _computed(model, foldable, known)
    graph.initializer.extend(
        numpy_helper.from_array(np.asarray(value), name) for name, value in values.items())
    del graph.node[:]
    graph.node.extend(kept)


def _computed(model: Any, nodes: list[Any], known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The outputs of nodes that need nothing but known values, by name."""
    from onnx import helper, numpy_helper
    from onnx.reference import ReferenceEvaluator
    names = [name for node in nodes for name in node.output]
    used = {name for node in nodes for name in node.input} & set(known)
    graph = helper.make_graph(
        nodes, 'constants', [], [helper.make_empty_tensor_value_info(name) for name in names],
        [numpy_helper.from_array(known[name], name) for name in sorted(used)])
    part = helper.make_model(graph, opset_imports=model.opset_import)
    return dict(zip(names, ReferenceEvaluator(part).run(None, {}))) if nodes else {}


def _constant(name: str, value: tuple[int, ...]) -> Any:
    from onnx import helper, numpy_helper
    return helper.make_node(
        'Constant', [], [name], value=numpy_helper.from_array(np.array(value, np.int64)))


def _shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    """Lengths of the tensors whose lengths are all known."""
    shapes = {value.name: value.type.tensor_type.shape.dim
              for value in (*graph.input, *graph.value_info, *graph.output)
              if value.type.tensor_type.HasField('shape')}
    return {name: tuple(each.dim_value for each in dims) for name, dims in shapes.items()
            if all(each.dim_value for each in dims)}


def _remove_identities(graph: Any) -> None:
    """Have users of a copied tensor take the original."""
    outputs = {value.name for value in graph.output}
    names: dict[str, str] = {}
    kept = []
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        if node.op_type == 'Identity' and node.output[0] not in outputs:
            names[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def _remove_unused(graph: Any) -> None:
    """Drop values that no node takes."""
    used = {name for node in graph.node for name in node.input}
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
