"""Rules of recurrent cells and layers: ONNX's own operators, or a cell along ONNX's Scan where these cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

import funcnn.layers.cells as cells
import funcnn.layers.recurrent as layers
from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.sequences import scanned
from funcnn.bridges.onnx.walking import Part, Rule
from funcnn.nested import arrays, like
from funcnn.shapes import known
from funcnn.types import is_tuple

Blocks = list[Value]
Step = Callable[[Graph, Blocks, Blocks, "tuple[Value, ...]"], "tuple[Value, ...]"]


class Cell(NamedTuple):
    """A cell: how many blocks its weights have, their order in ONNX's operator, its step from blocks of what the input
    and the state add, and what else the operator is told.
    """

    op: str
    order: tuple[int, ...]
    states: int
    step: Step
    told: dict[str, int] = {}  # noqa: RUF012  (read only)


# steps ----------------------------------------------------------------------------------------------------------------
def _rnn(graph: Graph, zx: Blocks, zh: Blocks, states: tuple[Value, ...]) -> tuple[Value, ...]:
    return (graph.op("Tanh", graph.op("Add", zx[0], zh[0])),)


def _lstm(graph: Graph, zx: Blocks, zh: Blocks, states: tuple[Value, ...]) -> tuple[Value, ...]:
    sums = [graph.op("Add", a, b) for a, b in zip(zx, zh, strict=True)]
    i, f, o = (graph.op("Sigmoid", sums[k]) for k in (0, 1, 3))
    g = graph.op("Tanh", sums[2])
    c = graph.op("Add", graph.op("Mul", f, states[1]), graph.op("Mul", i, g))
    return graph.op("Mul", o, graph.op("Tanh", c)), c


def _gru(graph: Graph, zx: Blocks, zh: Blocks, states: tuple[Value, ...]) -> tuple[Value, ...]:
    r, z = (graph.op("Sigmoid", graph.op("Add", zx[k], zh[k])) for k in (0, 1))
    n = graph.op("Tanh", graph.op("Add", zx[2], graph.op("Mul", r, zh[2])))
    return (graph.op("Add", n, graph.op("Mul", z, graph.op("Sub", states[0], n))),)


RNN: Final = Cell("RNN", (0,), 1, _rnn)
LSTM: Final = Cell("LSTM", (0, 3, 1, 2), 2, _lstm)  # i, f, g, o of ours are i, o, f, c of ONNX's
GRU: Final = Cell("GRU", (1, 0, 2), 1, _gru, {"linear_before_reset": 1})  # r, z, n are z, r, h


# a cell of ours, step by step -----------------------------------------------------------------------------------------
def added(graph: Graph, part: Part, x: Value, name: str) -> Value:
    """`x w` and half of the bias, or `h u` and the other half."""
    w = part.param(name)
    half, rows = "wu".index(name), w.shape[1]
    z = graph.op("MatMul", x, w, shape=(*x.shape[:-1], rows))
    if "b" not in part.params:
        return z
    return graph.op("Add", z, part.param("b", lambda leaf: leaf[half * rows : (half + 1) * rows]))


def blocks(graph: Graph, cell: Cell, z: Value) -> Blocks:
    """Apart, along the last axis."""
    n = len(cell.order)
    if n == 1:
        return [z]
    names = graph.node("Split", (z,), n, {"axis": z.rank - 1})
    return [Value(name, (*z.shape[:-1], z.shape[-1] // n), z.dtype) for name in names]


def stepped(graph: Graph, part: Part, cell: Cell, zx: Value, state: Any) -> tuple[Value, Any]:
    """One step, of what the input adds."""
    before = tuple(arrays(state))
    zh = added(graph, part, before[0], "u")
    after = cell.step(graph, blocks(graph, cell, zx), blocks(graph, cell, zh), before)
    return after[0], after if is_tuple(state) else after[0]


def cell_rule(cell: Cell) -> Rule:
    """The rule of a cell."""

    def rule(graph: Graph, part: Part, x: Any) -> tuple[Value, Any]:
        return stepped(graph, part, cell, added(graph, part, x[0], "w"), x[1])

    return rule


# layers ---------------------------------------------------------------------------------------------------------------
def layer_rule(cell: Cell) -> Rule:
    """The rule of a recurrent layer."""

    def rule(graph: Graph, part: Part, x: Any) -> Any:
        told = part.arguments
        items = list(x) if is_tuple(x) else [x]
        xs = items[0]
        mask = items[1] if told["masked"] else None
        state = items[-1] if told["state"] else None
        if mask is None and graph.dtype == "f4" and not any(known(n) and n == 0 for n in xs.shape[:2]):
            y, after = guarded(graph, part, cell, xs, state)
        else:
            start = started(graph, part, cell, xs) if state is None else state

            def step(zx: Value, before: Any) -> tuple[Value, Any]:
                return stepped(graph, part, cell, zx, before)

            y, after = scanned(graph, step, added(graph, part, xs, "w"), start, mask)
        last = after[0] if is_tuple(after) else after
        out = last if told["last"] else y
        return (out, after) if told["state"] else out

    return rule


def started(graph: Graph, part: Part, cell: Cell, xs: Value) -> Any:
    """A state of zeros."""
    units = int(part.params["u"].shape[0])
    zero = graph.op(
        "Expand", graph.constant(np.zeros((1, 1), graph.dtype), "zero"), graph.sizes(graph.size(xs, 0), units),
        shape=(xs.shape[0], units),
    )  # fmt: skip
    return zero if cell.states == 1 else (zero,) * cell.states


def guarded(graph: Graph, part: Part, cell: Cell, xs: Value, state: Any) -> tuple[Value, Any]:
    """ONNX's operator, if there are rows and steps: over none of them, runtimes end the process."""
    batch, time = graph.size(xs, 0), graph.size(xs, 1)
    entries = graph.product(batch, time)
    if isinstance(entries, int):
        return operator(graph, part, cell, xs, state)
    nothing = graph.op("Equal", graph.op("Squeeze", entries, shape=()), graph.constant(np.int64(0)), dtype=bool)
    graph.opened()
    units = int(part.params["u"].shape[0])
    y = graph.op("Expand", graph.number(0), graph.sizes(batch, time, units), shape=(*xs.shape[:2], units))
    start = started(graph, part, cell, xs) if state is None else state
    empty = graph.closed([], [y, *arrays(start)])
    graph.opened()
    y, after = operator(graph, part, cell, xs, state)
    full = graph.closed([], [y, *arrays(after)])
    names = graph.node("If", [nothing], 1 + cell.states, {"then_branch": empty, "else_branch": full})
    y, *states = (Value(name, v.shape, v.dtype) for name, v in zip(names, full.outputs, strict=True))
    return y, like(after, iter(states))


def operator(graph: Graph, part: Part, cell: Cell, xs: Value, state: Any) -> tuple[Value, Any]:
    """ONNX's operator, which has the time first, and an axis of directions."""
    units = int(part.params["u"].shape[0])

    def ordered(leaf: Any) -> Any:
        """Blocks of rows in ONNX's order."""
        return np.concatenate([leaf[k * units : (k + 1) * units] for k in cell.order])

    def weights(leaf: Any) -> Any:
        return ordered(leaf.T)[None]

    def biases(leaf: Any) -> Any:
        return np.concatenate([ordered(half) for half in np.split(leaf, 2)])[None]

    given = [] if state is None else [graph.op("Unsqueeze", s, graph.ints(0)) for s in arrays(state)]
    names = graph.node(
        cell.op,
        [graph.turn(xs, (1, 0, 2)), part.param("w", weights), part.param("u", weights),
         part.param("b", biases) if "b" in part.params else None, None, *given],
        1 + cell.states, {"hidden_size": units, **cell.told},
    )  # fmt: skip
    batch, time, _ = xs.shape
    whole = Value(names[0], (time, 1, batch, units), xs.dtype)
    y = graph.turn(graph.op("Squeeze", whole, graph.ints(1), shape=(time, batch, units)), (1, 0, 2))
    after = tuple(
        graph.op("Squeeze", Value(name, (1, batch, units), xs.dtype), graph.ints(0), shape=(batch, units))
        for name in names[1:]
    )
    return y, after if cell.states > 1 else after[0]


RULES: Final[dict[Any, Rule]] = {
    cells.RNNCell: cell_rule(RNN),
    cells.GRUCell: cell_rule(GRU),
    cells.LSTMCell: cell_rule(LSTM),
    layers.RNN: layer_rule(RNN),
    layers.GRU: layer_rule(GRU),
    layers.LSTM: layer_rule(LSTM),
}
