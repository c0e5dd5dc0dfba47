"""Rules of combinators: where they send what."""

from __future__ import annotations

from typing import Any, Final

from funcnn.bridges.onnx.graphs import Graph
from funcnn.bridges.onnx.walking import Part, Rule, either_layout
from funcnn.networks import serial


@either_layout
def in_series(graph: Graph, part: Part, x: Any) -> Any:
    """One after the other."""
    for name in part.children:
        x = part.child(name, x)
    return x


RULES: Final[dict[Any, Rule]] = {serial: in_series}
REFUSED: Final[dict[Any, str]] = {}
