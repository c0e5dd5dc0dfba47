"""The windows of convolutions and pools, and what is padded around images, as ONNX is told."""

from __future__ import annotations

from typing import Any

from funcnn.bridges.onnx.graph_values import Size, Value, placed
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.slices import Pads
from funcnn.bridges.onnx.walking import Part
from funcnn.layers.windows import Slide, made_slide
from funcnn.shapes import UNKNOWN, known


def slide_of(part: Part) -> Slide:
    """The windows, as the constructor was told."""
    told = part.arguments
    size = told["filter_shape"] if "filter_shape" in told else told["window_shape"]
    rank = 1 if "1D" in part.name else len(size)
    return made_slide(
        part.name, rank, size, told["strides"], told["padding"], told["dilation"], causal=rank == 1, negative=True
    )


def told_to(slide: Slide, pads: Pads | None) -> dict[str, Any]:
    """The attributes of ONNX's operators; no pads are those that an operator finds out."""
    how: dict[str, Any] = {
        "kernel_shape": list(slide.size), "strides": list(slide.strides), "dilations": list(slide.dilation)
    }  # fmt: skip
    if pads is None:
        return {**how, "auto_pad": "SAME_UPPER"}
    return {**how, "pads": [before for before, _ in pads] + [behind for _, behind in pads]}


def as_wide_as_windows(slide: Slide, pads: Pads) -> bool:
    """Is there a border as wide as a window has pixels, gaps left out? ONNX's pools take none."""
    return any(max(pair) >= k for pair, k in zip(pads, slide.size, strict=True))


def fitted(graph: Graph, slide: Slide, x: Value, value: float = 0.0) -> tuple[Value, Pads | None]:
    """The input, and how many pixels are to be padded at each border.

    Where that depends on sizes that are not known, "SAME" with strides, operators without gaps find it out, in windows
    and between them: of windows that lie apart they might pad less than nothing. Else the input comes padded with this
    value, as the model finds out when it runs.
    """
    if slide.padding == "SAME" and set(slide.strides) == {1}:  # whatever the size is
        return x, tuple(((k - 1) // 2, k // 2) for k in slide.spans)
    pads = slide.pads(x.shape[1:-1])
    if all(known(*pair) for pair in pads):
        return x, pads
    apart = any(stride > k for stride, k in zip(slide.strides, slide.size, strict=True))
    if graph.dtype == "f4" and set(slide.dilation) == {1} and not apart:
        return x, None
    before: list[Size] = [0] * x.rank
    behind: list[Size] = [0] * x.rank
    for axis, (span, stride) in enumerate(zip(slide.spans, slide.strides, strict=True), 1):
        at = placed(x, axis)
        before[at], behind[at] = _of_same(graph, graph.size(x, axis), span, stride)
    shape = (x.shape[0], *(UNKNOWN for _ in slide.size), x.shape[-1])
    widths = graph.sizes(*before, *behind)
    return graph.op("Pad", x, widths, graph.number(value), shape=shape, mode="constant"), ((0, 0),) * len(slide.size)


def _of_same(graph: Graph, size: Size, span: int, stride: int) -> tuple[Size, Size]:
    """What "SAME" pads, half before and the odd one behind."""
    if isinstance(size, int):
        total = max((-(-size // stride) - 1) * stride + span - size, 0)
        return total // 2, total - total // 2
    windows = graph.op("Div", graph.op("Add", size, graph.ints(stride - 1)), graph.ints(stride))
    reach = graph.op("Add", graph.op("Mul", windows, graph.ints(stride)), graph.ints(span - stride))
    total_ = graph.op("Max", graph.op("Sub", reach, size), graph.ints(0))
    half = graph.op("Div", total_, graph.ints(2))
    return half, graph.op("Sub", total_, half)
