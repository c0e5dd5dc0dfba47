"""Convolutions and pools in float64, which runtimes do not know: the pixels at one offset of all windows are a slice,
and all slices beside each other go through one product. Channels stay last.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.walking import Part
from funcnn.layers.windows import Slide

Pads = tuple[tuple[int, int], ...]
_END = 2**31 - 1  # of an axis, whatever its length


def padded(graph: Graph, x: Value, pads: Pads, value: float = 0.0) -> Value:
    """x with this much more at the borders of its middle axes, or less."""
    if not any(map(any, pads)):
        return x
    before, behind = ([0, *(pair[i] for pair in pads), 0] for i in range(2))
    shape = (x.shape[0], *(n + sum(pair) for n, pair in zip(x.shape[1:-1], pads, strict=True)), x.shape[-1])
    return graph.op("Pad", x, graph.ints(*before, *behind), graph.number(value), shape=shape, mode="constant")


def slices(graph: Graph, slide: Slide, pads: Pads, x: Value, shape: tuple[int, ...], value: float = 0.0) -> list[Value]:
    """The pixels at each offset of all windows, `shape` being that of what the windows give."""
    x = padded(graph, x, pads, value)
    axes = graph.ints(*range(1, x.rank - 1))
    found: list[Value] = []
    for offset in product(*map(range, slide.size)):
        starts = [i * d for i, d in zip(offset, slide.dilation, strict=True)]
        left = [span - 1 - start for span, start in zip(slide.spans, starts, strict=True)]
        ends = [-n if n else _END for n in left]
        found.append(graph.op(
            "Slice", x, graph.ints(*starts), graph.ints(*ends), axes, graph.ints(*slide.strides),
            shape=(*shape[:-1], x.shape[-1]),
        ))  # fmt: skip
    return found


def correlated(
    graph: Graph, part: Part, slide: Slide, pads: Pads, x: Value, shape: tuple[int, ...],
    form: Callable[[Any], Any] = lambda w: w,
) -> Value:  # fmt: skip
    """The convolution; `form` is what the weights are first made into."""
    groups = int(part.arguments["groups"])

    def matrix(leaf: Any) -> Any:
        """A row for every pixel of a window and every channel; of groups, blocks and zeros."""
        w = form(leaf)
        n, channels = w.shape[-2], w.shape[-1] // groups
        whole = np.zeros((*w.shape[:-2], groups, n, groups, channels), w.dtype)
        for g in range(groups):
            whole[..., g, :, g, :] = w[..., g * channels : (g + 1) * channels]
        return whole.reshape(-1, groups * channels)

    pixels = slices(graph, slide, pads, x, shape)
    rows = graph.joined(pixels, x.rank - 1)
    y = graph.op("MatMul", rows, part.param("w", matrix), shape=shape)
    return graph.op("Add", y, part.param("b")) if "b" in part.params else y


def apart(graph: Graph, x: Value, strides: tuple[int, ...]) -> Value:
    """The pixels of an image with zeros between them."""
    for axis, stride in enumerate(strides, 1):
        if stride == 1:
            continue
        shape = (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :])
        column = graph.op("Unsqueeze", x, graph.ints(axis + 1), shape=shape)
        room = [0] * column.rank
        behind = [stride - 1 if i == axis + 1 else 0 for i in range(column.rank)]
        wide = graph.op("Pad", column, graph.ints(*room, *behind), graph.number(0), mode="constant")
        sizes = [graph.size(x, i) for i in range(x.rank)]
        sizes[axis] = graph.product(sizes[axis], stride)
        long = graph.reshape(wide, *sizes)
        x = graph.op(
            "Slice", long, graph.ints(0), graph.ints(1 - stride), graph.ints(axis),
            shape=(*x.shape[:axis], x.shape[axis] * stride - stride + 1, *x.shape[axis + 1 :]),
        )  # fmt: skip
    return x


def spread_out(
    graph: Graph, part: Part, slide: Slide, cuts: Pads, x: Value, shape: tuple[int, ...]
) -> Value:
    """The transposed convolution: a convolution of pixels with zeros between them, its windows turned round."""
    wide = apart(graph, x, slide.strides)
    pads = tuple((k - 1 - before, k - 1 - behind) for k, (before, behind) in zip(slide.spans, cuts, strict=True))
    backwards = (slice(None, None, -1),) * len(slide.size)
    still = slide._replace(strides=(1,) * len(slide.size))
    return correlated(graph, part, still, pads, wide, shape, lambda w: w[backwards])


def summed(graph: Graph, slide: Slide, pads: Pads, x: Value, shape: tuple[int, ...]) -> Value:
    """The sums over all windows."""
    first, *others = slices(graph, slide, pads, x, shape)
    for other in others:
        first = graph.op("Add", first, other)
    return first


def largest(graph: Graph, slide: Slide, pads: Pads, x: Value, shape: tuple[int, ...]) -> Value:
    """The largest of all windows."""
    return graph.op("Max", *slices(graph, slide, pads, x, shape, -np.inf), shape=shape)
