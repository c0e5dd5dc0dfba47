"""Rules of norms and of the softmax and its relatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

import funcnn.layers.example_norms as norms
import funcnn.layers.softmax as probabilities
from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.errors import ExportError
from funcnn.layers.normalization import BatchNorm, split_axes
from funcnn.shapes import known


@either_layout
def batch_norm(graph: Graph, part: Part, x: Value) -> Value:
    """`(x - mean) scale / sqrt(var + eps) + offset`, with the statistics that are stored."""
    eps = float(part.arguments["eps"])
    if part.arguments["axis"] is None and (x.first or x.rank == 2) and graph.dtype == "f4":
        mean, var = part.param("mean"), part.param("var")
        scale = part.param("scale") if "scale" in part.params else graph.constant(np.ones(mean.shape, mean.dtype))
        offset = part.param("offset") if "offset" in part.params else graph.constant(np.zeros(mean.shape, mean.dtype))
        return graph.op("BatchNormalization", x, scale, offset, mean, var, epsilon=eps)
    x = graph.last(x)
    kept = split_axes(part.arguments["axis"], x.rank)[1]

    def spread(leaf: Any) -> Any:
        sizes = iter(leaf.shape)
        return leaf.reshape([next(sizes) if i in kept else 1 for i in range(min(kept, default=0), x.rank)])

    size = graph.op("Sqrt", graph.op("Add", part.param("var", spread), graph.number(eps)))
    factor = graph.op("Div", part.param("scale", spread) if "scale" in part.params else graph.number(1), size)
    y = graph.op("Mul", graph.op("Sub", x, part.param("mean", spread)), factor)
    return graph.op("Add", y, part.param("offset", spread)) if "offset" in part.params else y


def layer_norm(graph: Graph, part: Part, x: Value) -> Value:
    """An operator, where it has both params."""
    eps = float(part.arguments["eps"])
    if graph.dtype == "f8" or len(part.params) < 2:  # the operator knows eps in float32 alone
        centred = graph.op("Sub", x, mean(graph, x, (-1,)))
        return scaled(graph, part, of_unit_size(graph, centred, (-1,), eps))
    return graph.op("LayerNormalization", x, part.param("scale"), part.param("offset"), axis=-1, epsilon=eps)


def rms_norm(graph: Graph, part: Part, x: Value) -> Value:
    """`scale x / sqrt(mean of x^2 + eps)`."""
    eps = float(part.arguments["eps"])
    return scaled(graph, part, of_unit_size(graph, x, (-1,), eps))


def scaled(graph: Graph, part: Part, h: Value, spread: Any = None, *, first: bool = False) -> Value:
    """`scale h + offset`, of the params that there are; `spread` makes a number for every channel fit."""
    y = h if first == h.first else replace(h, first=first)
    for op, name in (("Mul", "scale"), ("Add", "offset")):
        y = graph.op(op, y, part.param(name, spread), first=first) if name in part.params else y
    return y


def mean(graph: Graph, x: Value, axes: Sequence[int]) -> Value:
    """Over these axes, which stay."""
    return graph.op("ReduceMean", x, axes=list(axes), keepdims=1)


def of_unit_size(graph: Graph, x: Value, axes: Sequence[int], eps: float) -> Value:
    """x over the root of its mean square."""
    size = graph.op("Add", mean(graph, graph.op("Mul", x, x), axes), graph.number(eps))
    return graph.op("Div", x, graph.op("Sqrt", size))


@either_layout
def group_norm(graph: Graph, part: Part, x: Value) -> Value:
    """Groups of channels, whichever way they lie, apart from the places."""
    channels = x.shape[-1]
    if not known(channels):
        raise ExportError(f"{part.name} needs to know how many channels there are; give the shape with that size")
    groups, each = int(part.arguments.get("groups", channels)), slice(1, x.rank - 1)
    sizes = [graph.size(x, i) for i in range(x.rank)]
    places = graph.product(*sizes[each])
    n = channels // groups
    if x.first:
        lies, axes = [sizes[0], channels, *sizes[each]], (2, 3)
        apart = graph.reshape(x, sizes[0], groups, n, places)
    else:
        lies, axes = sizes, (1, 3)
        apart = graph.reshape(x, sizes[0], places, groups, n)
    centred = graph.op("Sub", apart, mean(graph, apart, axes))
    h = graph.reshape(of_unit_size(graph, centred, axes, float(part.arguments["eps"])), *lies)
    ones = (1,) * (x.rank - 2) if x.first else ()

    def spread(leaf: Any) -> Any:
        return leaf.reshape(*leaf.shape, *ones)

    return scaled(graph, part, h, spread if ones else None, first=x.first)


def softmax(graph: Graph, part: Part, x: Value) -> Value:
    """An operator."""
    return graph.op("Softmax", x, axis=-1)


def log_softmax(graph: Graph, part: Part, x: Value) -> Value:
    """An operator."""
    return graph.op("LogSoftmax", x, axis=-1)


def softmin(graph: Graph, part: Part, x: Value) -> Value:
    """Of the negative."""
    return graph.op("Softmax", graph.op("Neg", x), axis=-1)


def sparsemax(graph: Graph, part: Part, x: Value) -> Value:
    """`max(x - t, 0)`, the threshold t out of the numbers in falling order."""
    n = graph.size(x, -1)
    y = graph.op("Sub", x, graph.op("ReduceMax", x, axes=[-1], keepdims=1))
    falling, _ = graph.node("TopK", (y, graph.sizes(n)), 2, {"axis": -1})
    sorted_ = Value(falling, x.shape, x.dtype)
    sums = graph.op("CumSum", sorted_, graph.constant(np.array(-1, np.int64), "last"))
    one = graph.number(1)
    counts = graph.op("Add", graph.counted(n, x.dtype), one)
    inside = graph.op("Sub", graph.op("Add", graph.op("Mul", sorted_, counts), one), sums)
    on = graph.cast(graph.op("Greater", inside, graph.number(0), dtype=bool), np.int64)
    support = graph.op("ReduceSum", on, graph.ints(-1), keepdims=1)
    at = graph.op("GatherElements", sums, graph.op("Sub", support, graph.ints(1)), axis=-1)
    threshold = graph.op("Div", graph.op("Sub", at, one), graph.cast(support, x.dtype))
    return graph.op("Relu", graph.op("Sub", y, threshold))


RULES: Final[dict[Any, Rule]] = {
    BatchNorm: batch_norm,
    norms.LayerNorm: layer_norm,
    norms.RMSNorm: rms_norm,
    norms.GroupNorm: group_norm,
    norms.InstanceNorm: group_norm,
    probabilities.Softmax: softmax,
    probabilities.LogSoftmax: log_softmax,
    probabilities.Softmin: softmin,
    probabilities.Sparsemax: sparsemax,
}
