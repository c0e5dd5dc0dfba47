"""Rules of layers that change the form of an array, or nothing."""

from __future__ import annotations

from math import prod
from typing import Any, Final

import numpy as np

import funcnn.layers.reshaping as forms
from funcnn.bridges.onnx.graph_values import Value, placed
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.combinators import gradient_reversal
from funcnn.layers.dropout import Dropout, GaussianNoise, SpatialDropout
from funcnn.layers.resizing import Pad, Upsample
from funcnn.shapes import known
from funcnn.types import is_tuple


@either_layout
def nothing(graph: Graph, part: Part, x: Any) -> Any:
    """What comes goes out: so does what is dropped in training alone."""
    return x


def flatten(graph: Graph, part: Part, x: Value) -> Value:
    """All axes but the first in one."""
    return graph.op("Flatten", x, axis=1)


def reshape(graph: Graph, part: Part, x: Value) -> Value:
    """Every example in another form."""
    wanted: tuple[int, ...] = part.out_shape[1:]
    batch = graph.size(x, 0)
    if all(map(known, wanted)):
        return graph.reshape(x, batch, *wanted)
    entries = graph.product(*(graph.size(x, i) for i in range(1, x.rank)))
    left = graph.divided(entries, prod(n for n in wanted if known(n)))
    return graph.reshape(x, batch, *(n if known(n) else left for n in wanted))


@either_layout
def transpose(graph: Graph, part: Part, x: Value) -> Value:
    """The axes in another order."""
    return graph.reordered(x, part.arguments["order"])


def squeeze(graph: Graph, part: Part, x: Value) -> Value:
    """Without an axis of one entry."""
    return graph.op("Squeeze", x, graph.ints(part.arguments["axis"] % x.rank))


def last(graph: Graph, part: Part, x: Value) -> Value:
    """The last step."""
    return graph.op("Gather", x, graph.constant(np.array(-1, np.int64), "last"), axis=1)


@either_layout
def pad(graph: Graph, part: Part, x: Value) -> Value:
    """More pixels at the borders."""
    told = part.arguments
    before, behind = ([0] * x.rank for _ in range(2))
    for axis, (a, b) in enumerate(told["widths"], 1):
        before[placed(x, axis)], behind[placed(x, axis)] = a, b
    value = graph.number(told["value"]) if told["mode"] == "constant" else None
    return graph.op("Pad", x, graph.ints(*before, *behind), value, mode=told["mode"])


def scales_of(part: Part, x: Value) -> tuple[int, ...]:
    """How many times as many pixels, for every axis."""
    scale = part.arguments["scale"]
    return scale if is_tuple(scale) else (scale,) * (x.rank - 2)


@either_layout
def upsample(graph: Graph, part: Part, x: Value) -> Value:
    """Every pixel several times; or between the centres of pixels, in proportion."""
    scales = scales_of(part, x)
    if graph.dtype == "f8":  # which runtimes do not resize
        return repeated(graph, graph.last(x), scales, part.arguments["method"] == "bilinear")
    x = graph.channels_first(x)
    factors = graph.constant(np.array((1, 1, *scales), np.float32), "scales")
    if part.arguments["method"] == "nearest":
        how: dict[str, Any] = {"mode": "nearest", "nearest_mode": "floor"}
        how["coordinate_transformation_mode"] = "asymmetric"
    else:
        how = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return graph.op("Resize", x, None, factors, **how)


def repeated(graph: Graph, x: Value, scales: tuple[int, ...], between: bool) -> Value:
    """Axis by axis: the pixels, or what lies between them, beside each other."""
    for axis, scale in enumerate(scales, 1):
        sizes = [graph.size(x, i) for i in range(x.rank)]
        sizes[axis] = graph.product(sizes[axis], scale)
        phases = [phase(graph, x, axis, (i + 0.5) / scale - 0.5) if between else x for i in range(scale)]
        x = graph.reshape(graph.stacked(phases, axis + 1), *sizes)
    return x


def phase(graph: Graph, x: Value, axis: int, at: float) -> Value:
    """What lies so far behind every pixel, or before it."""
    if not at:
        return x
    end = 2**31 - 1
    inner, edge = ((0, -1), (0, 1)) if at < 0 else ((1, end), (-1, end))
    parts = [
        graph.op("Slice", x, graph.ints(start), graph.ints(stop), graph.ints(axis)) for start, stop in (inner, edge)
    ]
    other = graph.op("Concat", *(reversed(parts) if at < 0 else parts), shape=x.shape, axis=axis)
    near = graph.op("Mul", x, graph.number(1 - abs(at)))
    return graph.op("Add", near, graph.op("Mul", other, graph.number(abs(at))))


RULES: Final[dict[Any, Rule]] = {
    forms.Identity: nothing,
    Dropout: nothing,
    SpatialDropout: nothing,
    GaussianNoise: nothing,
    gradient_reversal: nothing,
    forms.Flatten: flatten,
    forms.Reshape: reshape,
    forms.Transpose: transpose,
    forms.Squeeze: squeeze,
    forms.Last: last,
    Pad: pad,
    Upsample: upsample,
}
