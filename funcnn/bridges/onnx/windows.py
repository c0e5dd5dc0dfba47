"""Rules of convolutions and pools. Their input is turned, channels first, and their output left so."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

import funcnn.layers.convolution as convolutions
import funcnn.layers.global_pooling as global_pools
import funcnn.layers.pooling as pools
import funcnn.layers.transposed_convolution as transposing
from funcnn.bridges.onnx import slices
from funcnn.bridges.onnx.borders import as_wide_as_windows, fitted, slide_of, told_to
from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.slices import Pads
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.errors import ExportError
from funcnn.layers.windows import Slide
from funcnn.shapes import known


def filters_first(w: Any) -> Any:
    """(..., in, out) as ONNX's (out, in, ...)."""
    return w.transpose(w.ndim - 1, w.ndim - 2, *range(w.ndim - 2))


def out(part: Part) -> tuple[int, ...]:
    shape: tuple[int, ...] = part.out_shape
    return shape


@either_layout
def convolution(graph: Graph, part: Part, x: Value) -> Value:
    """With filters laid out as ONNX wants them."""
    slide = slide_of(part)
    x, pads = fitted(graph, slide, x)
    if graph.dtype == "f8" and pads is not None:
        return slices.correlated(graph, part, slide, pads, graph.last(x), out(part))
    b = part.param("b") if "b" in part.params else None
    groups = int(part.arguments["groups"])
    return graph.op(
        "Conv", graph.channels_first(x), part.param("w", filters_first), b, shape=out(part), group=groups,
        **told_to(slide, pads),
    )  # fmt: skip


@either_layout
def max_pool(graph: Graph, part: Part, x: Value) -> Value:
    """The largest pixel; padding is none."""
    slide = slide_of(part)
    x, pads = fitted(graph, slide, x, -np.inf)
    if pads is not None and (graph.dtype == "f8" or as_wide_as_windows(slide, pads)):
        return slices.largest(graph, slide, pads, graph.last(x), out(part))
    return graph.op("MaxPool", graph.channels_first(x), shape=out(part), **told_to(slide, pads))


@either_layout
def sum_pool(graph: Graph, part: Part, x: Value) -> Value:
    """The convolution of each channel with ones."""
    slide = slide_of(part)
    x, pads = fitted(graph, slide, x)
    return summed(graph, slide, pads, x, out(part))


@either_layout
def average_pool(graph: Graph, part: Part, x: Value) -> Value:
    """The mean of the pixels that are there: without dilation an operator, with it sums over their number."""
    slide = slide_of(part)
    padded, pads = fitted(graph, slide, x)
    operator = padded is x and not (pads is not None and as_wide_as_windows(slide, pads))
    if set(slide.dilation) == {1} and graph.dtype == "f4" and operator:
        how = told_to(slide, pads)
        del how["dilations"]
        return graph.op("AveragePool", graph.channels_first(x), shape=out(part), count_include_pad=0, **how)
    total = summed(graph, slide, pads, padded, out(part))
    sizes = graph.sizes(1, *(graph.size(x, i) for i in range(1, x.rank - 1)), 1)
    one, _ = fitted(graph, slide, graph.op("Expand", graph.number(1), sizes, shape=(1, *x.shape[1:-1], 1), first=False))
    number = summed(graph, slide, pads, one, (1, *out(part)[1:-1], 1))
    return graph.op("Div", *graph.alike([total, number]))


def summed(graph: Graph, slide: Slide, pads: Pads | None, x: Value, shape: tuple[int, ...]) -> Value:
    """The sums over all windows, channel by channel."""
    if graph.dtype == "f8" and pads is not None:
        return slices.summed(graph, slide, pads, graph.last(x), shape)
    channels = shape[-1]
    if not known(channels):
        raise ExportError(f"{slide.layer} needs to know how many channels there are; give the shape with that size")
    ones = graph.constant(np.ones((channels, 1, *slide.size), graph.dtype), "ones")
    x = graph.channels_first(x)
    return graph.op("Conv", x, ones, None, shape=shape, group=channels, **told_to(slide, pads))


@either_layout
def transposed(graph: Graph, part: Part, x: Value) -> Value:
    """Windows that are added up; what is cut off is ONNX's padding, more room behind its output padding."""
    slide = slide_of(part)
    groups = int(part.arguments["groups"])
    cuts = [cut(*axis) for axis in along(slide)]
    if graph.dtype == "f8":
        return slices.spread_out(graph, part, slide, tuple(cuts), graph.last(x), out(part))
    how = told_to(slide, tuple((before, max(behind, 0)) for before, behind in cuts))
    b = part.param("b") if "b" in part.params else None

    def filters(w: Any) -> Any:
        parts = w.reshape(*w.shape[:-1], groups, -1)  # (..., in / groups, groups, out / groups)
        rank = parts.ndim
        turned = parts.transpose(rank - 2, rank - 3, rank - 1, *range(rank - 3))
        return turned.reshape(-1, *turned.shape[2:])

    return graph.op(
        "ConvTranspose", graph.channels_first(x), part.param("w", filters), b, shape=out(part), group=groups,
        output_padding=[max(-behind, 0) for _, behind in cuts], **how,
    )  # fmt: skip


def along(slide: Slide) -> list[tuple[int, int, str | tuple[int, int]]]:
    """Reach of a window, stride and padding, for every axis."""
    told = slide.padding
    paddings = (told,) * len(slide.size) if isinstance(told, str) else told
    return list(zip(slide.spans, slide.strides, paddings, strict=True))


def cut(span: int, stride: int, padding: str | tuple[int, int]) -> tuple[int, int]:
    """How much of what the windows cover lies before the output, and how much behind; less than none is more room."""
    if not isinstance(padding, str):
        return padding
    more = max(span - stride, 0)
    before = more // 2 if padding == "SAME" else 0
    return before, span - stride - before - (more if padding == "VALID" else 0)


def over_places(op: str) -> Rule:
    """Over all axes between batch and channels."""

    @either_layout
    def rule(graph: Graph, part: Part, x: Value) -> Value:
        places = range(2, x.rank) if x.first else range(1, x.rank - 1)
        return graph.op(op, x, axes=list(places), keepdims=0, first=False)

    return rule


RULES: Final[dict[Any, Rule]] = {
    convolutions.Conv1D: convolution,
    convolutions.Conv: convolution,
    convolutions.Conv3D: convolution,
    transposing.Conv1DTranspose: transposed,
    transposing.ConvTranspose: transposed,
    transposing.Conv3DTranspose: transposed,
    global_pools.GlobalAvgPool: over_places("ReduceMean"),
    global_pools.GlobalMaxPool: over_places("ReduceMax"),
    pools.MaxPool: max_pool,
    pools.AvgPool: average_pool,
    pools.SumPool: sum_pool,
}
