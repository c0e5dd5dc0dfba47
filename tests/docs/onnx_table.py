"""The table of what can be written to ONNX, and with which operators: `python -m tests.docs.onnx_table` writes it."""

from __future__ import annotations

import random
from typing import Any, Final

from funcnn import ExportError
from funcnn.bridges.onnx import to_onnx
from funcnn.testing import Case
from tests.bridges.onnx_runs import unknown_batch
from tests.catalogue import COMBINATORS, LAYERS, LayerRow, build
from tests.docs.pages import ROOT
from tests.mypy_plugin.random_programs import shape_for

PAGE: Final = ROOT / "docs" / "table_of_onnx.md"
HEAD: Final = """\
# Table of ONNX

What can be written to [ONNX](onnx.md), and with which operators: every row of the catalogue that the tests run, in float32. In float64 the operators are the same, or those of the last column. The page is written by `python -m tests.docs.onnx_table`, and a test compares it with the package.
"""


def operators(row: LayerRow, dtype: str) -> str:
    """Those of a row, each once, in the order in which they come; or why there are none."""
    case = Case(build(row), shape_for(random.Random(0), row.shape, {}), dtype=dtype, tokens=row.tokens or 5)
    try:
        model = to_onnx(case.layer, case.params, unknown_batch(case.shape), dtype=dtype)
    except ExportError as error:
        return f"refused: {error.message.partition(': ')[2] or error.message}"
    found = dict.fromkeys(named(model.graph))
    return ", ".join(found) or "nothing"


def named(graph: Any) -> list[str]:
    """The operators of a graph and of what lies within; copies, which name things alone, are left out."""
    found: list[str] = []
    for node in graph.node:
        if node.op_type != "Identity":
            found.append(node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += named(attribute.g)
    return found


def page() -> str:
    """The page, in Markdown."""
    parts = [HEAD]
    for title, rows in (("Layers", LAYERS), ("Combinators, and networks with them", COMBINATORS)):
        parts.append(f"\n## {title}\n\n| layer | operators | in float64 |\n|---|---|---|\n")
        for row in rows:
            narrow, wide = (operators(row, dtype) for dtype in ("float32", "float64"))
            parts.append(f"| `{row.source}` | {narrow} | {'' if wide == narrow else wide} |\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
