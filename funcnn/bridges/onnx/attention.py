"""The rule of attention: products and a softmax, over what may be looked at."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn.bridges.onnx.dense import affine
from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.sequences import any_true, rotated
from funcnn.bridges.onnx.walking import Part, Rule
from funcnn.layers.attention import BASE, MultiHeadAttention
from funcnn.shapes import known
from funcnn.types import is_tuple


def attention(graph: Graph, part: Part, x: Any) -> Value:
    """`softmax(q k^T / sqrt(n / heads)) v`, head by head; 0 where nothing may be looked at."""
    told = part.arguments
    items = list(x) if is_tuple(x) else [x]
    xs, mask = items[0], items[-1] if told["masked"] else None
    looked_at = items[1] if told["cross"] else xs
    if mask is not None:
        looked_at = graph.zeroed(mask, looked_at)
    xs = xs if told["cross"] else looked_at
    q, k, v = (heads_apart(graph, part, c, a) for c, a in (("q", xs), ("k", looked_at), ("v", looked_at)))
    if told["rotary"]:
        q, k = (rotated(graph, a, graph.size(a, 2), BASE) for a in (q, k))
    size = int(q.shape[-1])
    keys = looked_at.shape[1]
    turned = graph.turn(k, (0, 1, 3, 2))
    scores = graph.op(
        "MatMul", graph.op("Mul", q, graph.number(size**-0.5)), turned, shape=(*q.shape[:-1], keys)
    )  # fmt: skip
    allowed = looked_at_by(graph, scores, mask, causal=told["causal"], time=graph.size(xs, 1))
    if allowed is not None:
        low = graph.number(float(np.finfo(graph.dtype).min) / 2)  # not infinity: of a row of these comes no NaN
        scores = graph.op("Where", allowed, scores, low, shape=scores.shape, dtype=scores.dtype)
    h = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), v, shape=q.shape)
    joined = graph.op("Transpose", h, perm=[0, 2, 1, 3], shape=(q.shape[0], q.shape[2], q.shape[1], size))
    flat = graph.op("Reshape", joined, graph.ints(0, 0, int(q.shape[1]) * size), shape=xs.shape)
    y = affine(graph, flat, *projection(part, "o"))
    return answered(graph, y, looked_at, mask, cross=told["cross"])


def projection(part: Part, name: str) -> tuple[Value, Value | None]:
    """Weights and bias of an affine map."""
    return part.param(f"w{name}"), part.param(f"b{name}") if f"b{name}" in part.params else None


def heads_apart(graph: Graph, part: Part, name: str, x: Value) -> Value:
    """(batch, heads, steps, size) of an affine map of x."""
    w, b = projection(part, name)
    y = affine(graph, x, w, b)
    heads = part.arguments["heads"]
    size = int(w.shape[1]) // heads
    apart = graph.op("Reshape", y, graph.ints(0, 0, heads, size), shape=(*x.shape[:2], heads, size))
    return graph.turn(apart, (0, 2, 1, 3))


def looked_at_by(graph: Graph, scores: Value, mask: Value | None, *, causal: bool, time: Any) -> Value | None:
    """What a query may look at, as it broadcasts to the scores."""
    found: list[Value] = []
    if mask is not None:
        found.append(graph.op("Unsqueeze", mask, graph.ints(1, 2), shape=(mask.shape[0], 1, 1, mask.shape[1])))
    if causal:
        steps = graph.counted(time)
        rows = graph.op("Unsqueeze", steps, graph.ints(1), shape=(*steps.shape, 1))
        found.append(graph.op("GreaterOrEqual", rows, steps, shape=scores.shape[2:], dtype=bool))
    if len(found) == 2:
        return graph.op("And", *found, shape=scores.shape)
    return found[0] if found else None


def answered(graph: Graph, y: Value, looked_at: Value, mask: Value | None, *, cross: bool) -> Value:
    """0 for queries that may look at nothing, and for steps that are not real."""
    if mask is None:
        if not cross or (known(looked_at.shape[1]) and looked_at.shape[1]):
            return y
        keys = graph.size(looked_at, 1)
        some = graph.op("Greater", graph.sizes(keys), graph.ints(0), dtype=bool)
        return graph.op("Where", some, y, graph.number(0), shape=y.shape, dtype=y.dtype)
    if not cross:
        return graph.zeroed(mask, y)
    return graph.zeroed(any_true(graph, mask, 1), y)


RULES: Final[dict[Any, Rule]] = {MultiHeadAttention: attention}
