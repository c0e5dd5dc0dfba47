"""Rules of stax's own layers: axes in other orders, and a norm by the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import funcnn.layers.convolution as convolutions
import funcnn.layers.pooling as pools
import funcnn.layers.transposed_convolution as transposing
from funcnn import stax
from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.norms import mean, of_unit_size
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.layers.normalization import split_axes
from funcnn.stax.layouts import back, order, steps, tuples
from funcnn.stax.normalization import ByBatchNorm

_PLAIN: Final[tuple[Any, ...]] = (convolutions.Conv1D, convolutions.Conv, convolutions.Conv3D)
_TRANSPOSED: Final[tuple[Any, ...]] = (
    transposing.Conv1DTranspose, transposing.ConvTranspose, transposing.Conv3DTranspose
)  # fmt: skip


def general(layers: tuple[Any, ...], flip: bool) -> Rule:
    """A convolution whose axes are in another order; `flip`: its windows are kept turned round."""

    @either_layout
    def rule(graph: Graph, part: Part, x: Value) -> Value:
        told = part.arguments
        lhs, rhs, out = told["dimension_numbers"]
        spatial = "".join(c for c in rhs if c not in "IO")
        size, pads = tuple(told["filter_shape"]), tuples(told["padding"])
        if flip and not isinstance(pads, str):  # what pads the spread input there is cut off the output here
            pads = tuple((k - 1 - a, k - 1 - b) for k, (a, b) in zip(size, pads, strict=True))
        inner = layers[len(size) - 1](told["out_chan"], size, steps(told["strides"]), pads)
        w = part.params["w"].transpose(order(rhs, "", spatial, "IO"))
        if flip:
            w = w[(slice(None, None, -1),) * len(size)]
        y = part.made(inner.definition, graph.reordered(x, order(lhs, "N", spatial, "C")), {**part.params, "w": w})
        return graph.reordered(y, back(order(out, "N", spatial, "C")))

    return rule


def pooled(pool: Callable[..., Any]) -> Rule:
    """A pool whose axes are in another order."""

    @either_layout
    def rule(graph: Graph, part: Part, x: Value) -> Value:
        told = part.arguments
        spec = told["spec"] or f"N{'HWD'[: x.rank - 2]}C"
        into = order(spec, "N", "".join(c for c in spec if c not in "NC"), "C")
        inner = pool(tuple(told["window_shape"]), steps(told["strides"]), tuples(told["padding"]))
        return graph.reordered(part.made(inner.definition, graph.reordered(x, into)), back(into))

    return rule


def by_batch(graph: Graph, part: Part, x: Value) -> Value:
    """Mean 0 and variance 1 over the batch at hand."""
    axes, kept = split_axes(part.arguments["axis"], x.rank)
    centred = graph.op("Sub", x, mean(graph, x, axes))
    y = of_unit_size(graph, centred, axes, float(part.arguments["epsilon"]))

    def spread(leaf: Any) -> Any:
        sizes = iter(leaf.shape)
        return leaf.reshape([next(sizes) if i in kept else 1 for i in range(x.rank)])

    if "scale" in part.params:
        y = graph.op("Mul", y, part.param("scale", spread))
    return graph.op("Add", y, part.param("offset", spread)) if "offset" in part.params else y


RULES: Final[dict[Any, Rule]] = {
    stax.GeneralConv: general(_PLAIN, flip=False),
    stax.GeneralConvTranspose: general(_TRANSPOSED, flip=True),
    stax.MaxPool: pooled(pools.MaxPool),
    stax.SumPool: pooled(pools.SumPool),
    stax.AvgPool: pooled(pools.AvgPool),
    ByBatchNorm: by_batch,
}
