"""Rules of convolutions and pools. Their input is turned, channels first, and their output left so."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

import funcnn.layers.convolution as convolutions
import funcnn.layers.pooling as pools
from funcnn.bridges.onnx.graphs import Graph, Value
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.errors import ExportError
from funcnn.layers.windows import Slide, made_slide
from funcnn.shapes import known


def slide_of(part: Part) -> Slide:
    """The windows, as the constructor was told."""
    told = part.arguments
    size = told["filter_shape"] if "filter_shape" in told else told["window_shape"]
    rank = {"Conv1D": 1, "Conv": 2, "Conv3D": 3}.get(part.name) or len(size)
    return made_slide(
        part.name, rank, size, told["strides"], told["padding"], told["dilation"], causal=rank == 1
    )


def pads_of(graph: Graph, slide: Slide, x: Value) -> tuple[tuple[int, int], ...]:
    """How many pixels are padded at each border.

    Errors
        ExportError   that depends on sizes that are not known
    """
    pads = slide.pads(x.shape[1:-1])
    if not all(known(*pair) for pair in pads):
        raise ExportError(
            f"{slide.layer} with padding='SAME' pads as the size of its input wants; give the shape with that size"
        )
    return pads


def told_to(slide: Slide, pads: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """The attributes of ONNX's operators."""
    return {
        "kernel_shape": list(slide.size),
        "strides": list(slide.strides),
        "dilations": list(slide.dilation),
        "pads": [before for before, _ in pads] + [behind for _, behind in pads],
    }


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
    pads = pads_of(graph, slide, x)
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
    how = told_to(slide, pads_of(graph, slide, x))
    return graph.op("MaxPool", graph.channels_first(x), shape=out(part), **how)


@either_layout
def sum_pool(graph: Graph, part: Part, x: Value) -> Value:
    """The convolution of each channel with ones."""
    slide = slide_of(part)
    return summed(graph, slide, pads_of(graph, slide, x), graph.channels_first(x), out(part))


@either_layout
def average_pool(graph: Graph, part: Part, x: Value) -> Value:
    """The mean of the pixels that are there: without dilation an operator, with it sums over their number."""
    slide = slide_of(part)
    pads, x = pads_of(graph, slide, x), graph.channels_first(x)
    if set(slide.dilation) == {1} and graph.dtype == "f4":
        how = told_to(slide, pads)
        del how["dilations"]
        return graph.op("AveragePool", x, shape=out(part), count_include_pad=0, **how)
    total = summed(graph, slide, pads, x, out(part))
    one = graph.op("Add", graph.op("Mul", x, graph.number(0)), graph.number(1))
    return graph.op("Div", total, summed(graph, slide, pads, one, out(part)))


def summed(
    graph: Graph, slide: Slide, pads: tuple[tuple[int, int], ...], x: Value, shape: tuple[int, ...]
) -> Value:
    """The sums over all windows, channel by channel."""
    channels = shape[-1]
    if not known(channels):
        raise ExportError(f"{slide.layer} needs to know how many channels there are; give the shape with that size")
    ones = graph.constant(np.ones((channels, 1, *slide.size), graph.dtype), "ones")
    return graph.op("Conv", x, ones, None, shape=shape, group=channels, **told_to(slide, pads))


RULES: Final[dict[Any, Rule]] = {
    convolutions.Conv1D: convolution,
    convolutions.Conv: convolution,
    convolutions.Conv3D: convolution,
    pools.MaxPool: max_pool,
    pools.AvgPool: average_pool,
    pools.SumPool: sum_pool,
}
