"""Rules of what looks along an axis: means, maxima, masks, positions, and combinators that go from step to step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

import funcnn.combinators as combinators
import funcnn.layers.positions as positions
from funcnn.bridges.onnx.graph_values import Size, Value, with_shape
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.walking import Part, Rule
from funcnn.combinators.nested import leading
from funcnn.errors import ExportError
from funcnn.kernels.positions import angles
from funcnn.layers.masks import ZeroMasked
from funcnn.layers.reductions import MaxOver, MeanOver
from funcnn.nested import arrays, like, mapped
from funcnn.shapes import UNKNOWN, known
from funcnn.types import is_tuple


# over an axis ---------------------------------------------------------------------------------------------------------
def mean_over(graph: Graph, part: Part, x: Any) -> Value:
    """The mean, of what is real."""
    axis = part.arguments["axis"]
    if not is_tuple(x):
        return graph.op("ReduceMean", x, axes=[axis % x.rank], keepdims=0)
    x, mask = x
    total = graph.op("ReduceSum", graph.zeroed(mask, x), graph.ints(axis), keepdims=0, shape=part.out_shape)
    number = graph.op("ReduceSum", graph.cast(mask, x.dtype), graph.ints(axis), keepdims=0, shape=mask.shape[:-1])
    count = graph.op("Max", number, graph.number(1))
    return graph.op("Div", total, behind(graph, count, x.rank - 1))


def max_over(graph: Graph, part: Part, x: Any) -> Value:
    """The largest, of what is real."""
    axis = part.arguments["axis"]
    if not is_tuple(x):
        return graph.op("ReduceMax", x, axes=[axis % x.rank], keepdims=0)
    x, mask = x
    seen = graph.where(mask, x, graph.number(-np.inf))
    found = graph.op("ReduceMax", seen, axes=[axis], keepdims=0, shape=part.out_shape)
    return graph.zeroed(any_true(graph, mask, axis), found)


def any_true(graph: Graph, mask: Value, axis: int) -> Value:
    """Is anything true along the last axis, which goes away?"""
    count = graph.op("ReduceSum", graph.cast(mask, np.int64), graph.ints(axis), keepdims=0, shape=mask.shape[:-1])
    return graph.cast(count, bool)


def behind(graph: Graph, x: Value, rank: int) -> Value:
    """With axes of size 1 behind its own."""
    more = range(x.rank, rank)
    return graph.op("Unsqueeze", x, graph.ints(*more), shape=(*x.shape, *(1 for _ in more))) if more else x


def zero_masked(graph: Graph, part: Part, x: tuple[Value, Value]) -> tuple[Value, Value]:
    """0 where the mask is false."""
    return graph.zeroed(x[1], x[0]), x[1]


# positions ------------------------------------------------------------------------------------------------------------
def positional_embedding(graph: Graph, part: Part, x: Value) -> Value:
    """A learned vector for every position."""
    time, w = graph.size(x, 1), part.param("w")
    if time != w.shape[0]:
        w = graph.op("Slice", w, graph.ints(0), graph.sizes(time), shape=x.shape[1:])
    return graph.op("Add", x, w)


def waves(graph: Graph, steps: Size, pairs: int, size: int, base: float) -> list[Value]:
    """Cosines and sines of position times frequency, (steps, pairs) each; computed in float64."""
    if isinstance(steps, int):
        at = angles(0, steps, pairs, size, base)
        return [graph.constant(f(at).astype(graph.dtype), "waves") for f in (np.cos, np.sin)]
    frequencies = graph.constant(base ** (-2.0 * np.arange(pairs) / size), "frequencies")
    places = graph.op("Unsqueeze", graph.counted(steps, np.float64), graph.ints(1), shape=(UNKNOWN, 1))
    turns = graph.op("Mul", places, frequencies, shape=(UNKNOWN, pairs))
    quarter = graph.constant(np.array(np.pi / 2))  # older runtimes know no cosine of float64
    return [graph.cast(graph.op("Sin", a), graph.dtype) for a in (graph.op("Add", turns, quarter), turns)]


def sinusoidal_encoding(graph: Graph, part: Part, x: Value) -> Value:
    """Sines and cosines of the positions."""
    n, time = features(x, part), graph.size(x, 1)
    cosines, sines = waves(graph, time, (n + 1) // 2, n, part.arguments["base"])
    flat = graph.reshape(graph.stacked([sines, cosines], 2), time, 2 * ((n + 1) // 2))
    if n % 2:
        flat = graph.op("Slice", flat, graph.ints(0), graph.ints(n), graph.ints(1), shape=x.shape[1:])
    return graph.op("Add", x, flat)


def features(x: Value, part: Part) -> int:
    """How many there are.

    Errors
        ExportError   that is not known
    """
    if not known(x.shape[-1]):
        raise ExportError(f"{part.name} has to know how many features there are; give the shape with that size")
    return int(x.shape[-1])


def rotated(graph: Graph, x: Value, steps: Size, base: float) -> Value:
    """Every pair of features turned by its angle; x is (..., steps, size)."""
    n = x.shape[-1]
    cosines, sines = waves(graph, steps, n // 2, n, base)
    even, odd = (
        graph.op("Slice", x, graph.ints(i), graph.ints(n), graph.ints(-1), graph.ints(2),
                 shape=(*x.shape[:-1], n // 2))
        for i in range(2)
    )  # fmt: skip
    first = graph.op("Sub", graph.op("Mul", even, cosines), graph.op("Mul", odd, sines))
    second = graph.op("Add", graph.op("Mul", even, sines), graph.op("Mul", odd, cosines))
    pairs = graph.stacked([first, second], x.rank)
    return graph.reshape(pairs, *(graph.size(x, i) for i in range(x.rank - 2)), steps, n)


def rotary_embedding(graph: Graph, part: Part, x: Value) -> Value:
    """Turned by the position."""
    features(x, part)
    return rotated(graph, x, graph.size(x, 1), part.arguments["base"])


# from step to step ----------------------------------------------------------------------------------------------------
def scanned(
    graph: Graph, step: Callable[[Any, Any], Any], xs: Any, state: Any, mask: Value | None, *, reverse: bool = False
) -> tuple[Any, Any]:
    """Outputs and last state of `step(x, state) -> (y, state)` along axis 1: ONNX's Loop, for runtimes stumble over its
    Scan where there are no steps or no rows.

    With a mask the other steps see 0, give 0, and change nothing.
    """
    if mask is not None:
        xs = mapped(lambda a: graph.zeroed(mask, a), xs)
    sequences = [*arrays(xs), *([mask] if mask is not None else [])]
    batch, time = (graph.size(sequences[0], i) for i in range(2))
    count = graph.constant(np.int64(time)) if isinstance(time, int) else graph.op("Squeeze", time, shape=())
    integer, truth = np.dtype(np.int64), np.dtype(bool)
    graph.opened()
    i, going = (graph.input(f"{graph.path}/{name}", (), d) for name, d in (("i", integer), ("going", truth)))
    states = [graph.input(f"{graph.path}/state", v.shape, v.dtype) for v in arrays(state)]
    at = graph.op("Sub", graph.op("Sub", count, graph.constant(np.int64(1))), i) if reverse else i
    each = [graph.op("Gather", v, at, shape=(v.shape[0], *v.shape[2:]), axis=1) for v in sequences]
    before = like(state, iter(states))
    y, after = mapped(graph.last, step(like(xs, iter(each)), before))
    if mask is not None:
        real = each[-1]
        y = mapped(lambda a: graph.zeroed(real, a), y)
        after = mapped(lambda a, b: graph.where(real, a, b), after, before)
    made = [*arrays(after), *arrays(y)]
    body = graph.closed([i, going, *states], [going, *made])
    names = graph.node("Loop", [count, None, *arrays(state)], len(made), {"body": body})
    last = [Value(name, v.shape, v.dtype) for name, v in zip(names, states, strict=False)]
    ys: list[Value] = []
    for name, v in zip(names[len(states) :], made[len(states) :], strict=True):
        rows = Value(name, (sequences[0].shape[1], *v.shape), v.dtype)
        turned = graph.turn(rows, (1, 0, *range(2, rows.rank)))
        if reverse:
            turned = backwards(graph, turned)
        # of no steps, runtimes do not know how many rows there are
        ys.append(graph.reshape(turned, batch, time, *(graph.size(turned, k) for k in range(2, rows.rank))))
    return like(y, iter(ys)), like(after, iter(last))


def backwards(graph: Graph, x: Value) -> Value:
    """The steps from the last to the first."""
    return graph.op("Slice", x, graph.ints(-1), graph.ints(-(2**31)), graph.ints(1), graph.ints(-1))


def scan(graph: Graph, part: Part, x: Any) -> tuple[Any, Any]:
    """The cell along the sequence."""
    (name,) = part.children
    mask = x[2] if part.arguments["masked"] else None

    def step(one: Any, state: Any) -> Any:
        return part.child(name, (one, state))

    return scanned(graph, step, x[0], x[1], mask, reverse=part.arguments["reverse"])


def map_over(graph: Graph, part: Part, x: Any) -> Any:
    """The places become examples, and examples places again."""
    (name,) = part.children
    axis = part.arguments["axis"]
    one = leading(x)
    batch, n = graph.size(one, 0), graph.size(one, axis)
    both = graph.product(batch, n)

    def joined(a: Value) -> Value:
        order = (0, axis, *(i for i in range(1, a.rank) if i != axis))
        turned = graph.turn(a, order)
        return graph.reshape(turned, both, *(graph.size(turned, i) for i in range(2, a.rank)))

    def parted(a: Value) -> Value:
        a = graph.last(a)
        apart = graph.reshape(a, batch, n, *(graph.size(a, i) for i in range(1, a.rank)))
        return graph.turn(apart, (0, *range(2, axis + 1), 1, *range(axis + 1, apart.rank)))

    return with_shape(mapped(parted, part.child(name, mapped(joined, x))), part.out_shape)


def bidirectional(graph: Graph, part: Part, x: Any) -> Value:
    """Forward, and backward over the turned steps."""
    forward, backward = part.children
    xs, mask = x if is_tuple(x) else (x, None)
    order = None if mask is None else turned(graph, mask)

    def reordered(a: Value) -> Value:
        if order is None:
            return backwards(graph, a)
        return graph.op("GatherND", a, order, shape=a.shape, batch_dims=1)

    y = graph.last(part.child(forward, x))
    z = graph.last(part.child(backward, reordered(xs) if mask is None else (reordered(xs), mask)))
    z = reordered(z) if z.rank == 3 else z
    return graph.joined([y, z], y.rank - 1)


def turned(graph: Graph, mask: Value) -> Value:
    """The step that comes to each place, (batch, time, 1): real steps in reverse, in the places of real steps."""
    time = graph.size(mask, 1)
    here, zero, one = graph.counted(time), graph.constant(np.int64(0)), graph.ints(1)
    real = graph.cast(mask, np.int64)
    rank = graph.op("CumSum", real, graph.constant(np.array(1, np.int64), "number"))
    count = graph.op("ReduceSum", real, one, keepdims=1)
    early = graph.op("Add", graph.op("Mul", real, graph.op("Mul", graph.sizes(time), graph.ints(2))),
                     graph.op("Neg", here), shape=mask.shape)  # fmt: skip
    _, places = graph.node("TopK", (early, graph.sizes(time)), 2, {"axis": 1})
    from_end = graph.where(mask, graph.op("Sub", count, rank, shape=mask.shape), zero)
    other = graph.op("GatherElements", Value(places, mask.shape, np.dtype(np.int64)), from_end, axis=1)
    order = graph.where(mask, other, here)
    return graph.op("Unsqueeze", order, graph.ints(2), shape=(*order.shape, 1))


RULES: Final[dict[Any, Rule]] = {
    MeanOver: mean_over,
    MaxOver: max_over,
    ZeroMasked: zero_masked,
    positions.PositionalEmbedding: positional_embedding,
    positions.SinusoidalEncoding: sinusoidal_encoding,
    positions.RotaryEmbedding: rotary_embedding,
    combinators.scan: scan,
    combinators.map_over: map_over,
    combinators.bidirectional: bidirectional,
}
