"""Rules of layers that multiply by a matrix."""

from __future__ import annotations

from typing import Any, Final

from funcnn.bridges.onnx.graphs import Graph, Value
from funcnn.bridges.onnx.walking import Part, Rule
from funcnn.layers.dense import Dense


def dense(graph: Graph, part: Part, x: Value) -> Value:
    """`x w + b`: of rows in one operator."""
    w = part.param("w")
    if "b" not in part.params:
        return graph.op("MatMul", x, w)
    if x.rank == 2:
        return graph.op("Gemm", x, w, part.param("b"))
    return graph.op("Add", graph.op("MatMul", x, w), part.param("b"))


RULES: Final[dict[Any, Rule]] = {Dense: dense}
