"""How trees of arrays print: path, shape, dtype and size of every leaf, never values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from funcnn.errors import printable
from funcnn.params.trees import Plain, flatten
from funcnn.types import is_array


def as_text(kind: str, tree: Plain) -> str:
    """A title, and a line for every leaf."""
    title, rows = _tabulated(kind, tree)
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    lines = ("  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join((title, *lines))


def as_html(kind: str, tree: Plain) -> str:
    """The same for notebooks. What looks like markup is text."""
    import html  # only notebooks need it

    title, rows = _tabulated(kind, tree)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><caption>{html.escape(title)}</caption>{body}</table>"


def _tabulated(kind: str, tree: Plain) -> tuple[str, list[tuple[str, ...]]]:
    leaves = [(path, leaf if is_array(leaf) else _instead(leaf)) for path, leaf in flatten(tree)]
    dtypes = ", ".join(sorted({str(a.dtype) for _, a in leaves})) or "nothing"
    count = "1 leaf" if len(leaves) == 1 else f"{len(leaves)} leaves"
    size, nbytes = sum(a.size for _, a in leaves), sum(a.nbytes for _, a in leaves)
    rows: list[tuple[str, ...]] = [
        (printable("/".join(path), lines=False), str(a.shape), str(a.dtype), f"{a.size:,}") for path, a in leaves
    ]
    return f"{kind}({count}, {size:,} values, {dtypes}, {nbytes:,} bytes)", rows


def _instead(leaf: object) -> npt.NDArray[Any]:
    """What is printed where JAX has built the tree out of whatever a function gave: shapes, numbers, traced arrays."""
    shape, dtype = getattr(leaf, "shape", ()), getattr(leaf, "dtype", np.dtype(object))
    return np.broadcast_to(np.empty((), dtype), shape)
