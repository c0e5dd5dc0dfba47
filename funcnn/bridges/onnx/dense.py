"""Rules of layers that multiply by a matrix, look up in one, or choose among features."""

from __future__ import annotations

from string import ascii_lowercase
from typing import Any, Final

from funcnn.bridges.onnx.graph_values import Value
from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.errors import ExportError
from funcnn.layers.bilinear import Bilinear
from funcnn.layers.dense import Dense
from funcnn.layers.einsum import EinsumDense
from funcnn.layers.embedding import Embedding
from funcnn.layers.gates import GLU
from funcnn.layers.maxout import Maxout
from funcnn.layers.rectifiers import PRelu
from funcnn.types import Array


def affine(graph: Graph, x: Value, w: Value, b: Value | None) -> Value:
    """`x w + b`: of rows in one operator."""
    shape = (*x.shape[:-1], w.shape[-1])
    if b is not None and x.rank == 2:
        return graph.op("Gemm", x, w, b, shape=shape)
    y = graph.op("MatMul", x, w, shape=shape)
    return y if b is None else graph.op("Add", y, b)


def dense(graph: Graph, part: Part, x: Value) -> Value:
    """`x w + b`."""
    return affine(graph, x, part.param("w"), part.param("b") if "b" in part.params else None)


def bilinear(graph: Graph, part: Part, x: tuple[Value, Value]) -> Value:
    """The products of all pairs of features, times a matrix."""
    u, v = x
    n, m = part.params["w"].shape[:2]
    left = graph.op("Unsqueeze", u, graph.ints(u.rank), shape=(*u.shape, 1))
    right = graph.op("Unsqueeze", v, graph.ints(v.rank - 1), shape=(*v.shape[:-1], 1, m))
    pairs = graph.op("Mul", left, right, shape=(*u.shape, m))
    rows = graph.reshape(pairs, *(graph.size(u, i) for i in range(u.rank - 1)), n * m)
    w = part.param("w", lambda leaf: leaf.reshape(n * m, -1))
    return affine(graph, rows, w, part.param("b") if "b" in part.params else None)


def einsum(graph: Graph, part: Part, x: Value) -> Value:
    """As Einstein wrote it; ONNX knows small letters."""
    equation = part.arguments["equation"].replace(" ", "")
    letters = dict.fromkeys(c for c in equation if c.isalpha())
    if len(letters) > len(ascii_lowercase):
        raise ExportError(f"EinsumDense({equation!r}) has more letters than ONNX has")
    small = equation.translate(str.maketrans(dict(zip(letters, ascii_lowercase, strict=False))))
    y = graph.op("Einsum", x, part.param("w"), equation=small, shape=part.out_shape)
    if "b" not in part.params:
        return y
    weights, out = equation.split(",")[1].split("->")
    made, sizes = out.replace(".", ""), dict(zip(weights, part.params["w"].shape, strict=True))

    def spread(leaf: Any) -> Any:
        return leaf.reshape([sizes[c] if c in sizes else 1 for c in made])

    return graph.op("Add", y, part.param("b", spread))


def embedding(graph: Graph, part: Part, x: Value) -> Value:
    """Rows of a table, in which the row of the padding is 0."""
    padding: int | None = part.arguments["padding"]

    def without(w: Array) -> Array:
        table = w.copy()
        table[padding] = 0
        return table

    w = part.param("w", None if padding is None else without)
    return graph.op("Gather", w, x, shape=part.out_shape, axis=0)


def glu(graph: Graph, part: Part, x: Value) -> Value:
    """Half of the features times the logistic function of the other half."""
    a, b = graph.node("Split", (x,), 2, {"axis": x.rank - 1})
    shape = part.out_shape
    return graph.op("Mul", Value(a, shape, x.dtype), graph.op("Sigmoid", Value(b, shape, x.dtype)))


def maxout(graph: Graph, part: Part, x: Value) -> Value:
    """The largest of every few features."""
    pieces: int = part.arguments["pieces"]
    *batch, n = (graph.size(x, i) for i in range(x.rank))
    groups = graph.reshape(x, *batch, graph.divided(n, pieces), pieces)
    return graph.op("ReduceMax", groups, axes=[x.rank], keepdims=0)


@either_layout
def prelu(graph: Graph, part: Part, x: Value) -> Value:
    """With a slope for every feature."""
    ones = (1,) * (x.rank - 2) if x.first else ()
    slope = part.param("slope", (lambda leaf: leaf.reshape(*leaf.shape, *ones)) if ones else None)
    below = graph.op("Mul", graph.op("Min", x, graph.number(0)), slope)
    return graph.op("Add", graph.op("Relu", x), below)


RULES: Final[dict[Any, Rule]] = {
    Dense: dense,
    Bilinear: bilinear,
    EinsumDense: einsum,
    Embedding: embedding,
    GLU: glu,
    Maxout: maxout,
    PRelu: prelu,
}
