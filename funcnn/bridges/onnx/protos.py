"""What ONNX stores, out of a graph of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from funcnn.bridges.extras import needed
from funcnn.bridges.onnx.graph_values import Body, Node, Value
from funcnn.bridges.onnx.graphs import IR, OPSET, Graph
from funcnn.shapes import known
from funcnn.version import __version__

if TYPE_CHECKING:
    import onnx

HERE: Final = "funcnn.bridges.onnx"


def model_of(graph: Graph, inputs: Sequence[Value], outputs: Sequence[Value]) -> onnx.ModelProto:
    """The model, looked through by ONNX's own checker."""
    helper, checker = needed("onnx.helper", HERE), needed("onnx.checker", HERE)
    from_array = needed("onnx.numpy_helper", HERE).from_array
    made = helper.make_graph(
        [_node(helper, node) for node in graph.nodes],
        "funcnn",
        [_info(helper, v) for v in inputs],
        [_info(helper, v) for v in outputs],
        [from_array(array, name) for name, array in graph.stored.items()],
    )
    model: onnx.ModelProto = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name="funcnn",
        producer_version=__version__,
    )  # fmt: skip
    checker.check_model(model, full_check=True)
    return model


def _node(helper: Any, node: Node) -> Any:
    made = {name: _attribute(helper, value) for name, value in node.attributes.items()}
    return helper.make_node(node.op, list(node.inputs), list(node.outputs), name=node.name, **made)


def _attribute(helper: Any, value: Any) -> Any:
    if isinstance(value, np.dtype):
        return helper.np_dtype_to_tensor_dtype(value)
    if isinstance(value, Body):
        return helper.make_graph(
            [_node(helper, n) for n in value.nodes], value.name,
            [_info(helper, v) for v in value.inputs], [_info(helper, v) for v in value.outputs],
        )  # fmt: skip
    return value


def _info(helper: Any, value: Value) -> Any:
    """Name, type and shape; sizes that are not known have names."""
    names = [("batch" if i == 0 else f"{value.name}_{i}") for i in range(value.rank)]
    sizes = [int(d) if known(d) else name for d, name in zip(value.shape, names, strict=True)]
    return helper.make_tensor_value_info(value.name, helper.np_dtype_to_tensor_dtype(value.dtype), sizes)
