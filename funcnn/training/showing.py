"""How states of training print: what is in them and how large it is, never values of arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from funcnn.errors import brief, printable
from funcnn.nested import fields_of
from funcnn.params.mapping import ArrayTree
from funcnn.types import is_array, is_mapping, is_scalar, is_tuple

_LINES: Final = 40
"""How many parts are shown of an optimizer's state."""


def as_text(state: tuple[Any, ...]) -> str:
    """A title, and a line for every part."""
    title, rows = _tabulated(state)
    width = max(len(name) for name, _ in rows)
    return "\n".join((title, *(f"  {name.ljust(width)}  {said}" for name, said in rows)))


def as_html(state: tuple[Any, ...]) -> str:
    """The same for notebooks. What looks like markup is text."""
    import html  # only notebooks need it

    title, rows = _tabulated(state)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><caption>{html.escape(title)}</caption>{body}</table>"


def _tabulated(state: tuple[Any, ...]) -> tuple[str, list[tuple[str, str]]]:
    step, params, memory, key, epoch, batch = state
    parts = [(f"optimizer{at}", part) for at, part in _parts(memory, "")]
    size = sum(_bytes(part) for _, part in [*parts, ("", params)])
    rows = [(printable(name, lines=False), _said(part)) for name, part in parts[:_LINES]]
    if len(parts) > _LINES:
        rows.append(("...", f"{len(parts) - _LINES} more"))
    title = f"TrainState(step {step}, epoch {epoch}, batch {batch}, {size:,} bytes)"
    return title, [("params", _said(params)), *rows, ("key", repr(key))]


def _parts(value: Any, at: str, level: int = 0) -> Iterator[tuple[str, Any]]:
    """What a state is made of, each with where it is."""
    fields = fields_of(value)
    inner: list[tuple[str, Any]] | None = None
    if fields is not None:
        inner = [(f".{name}", part) for name, part in fields.items()]
    elif is_tuple(value) or value.__class__ is list:
        inner = [(f"[{i}]", part) for i, part in enumerate(value)]
    elif is_mapping(value) and not isinstance(value, ArrayTree):
        inner = [(f"[{name!r}]", part) for name, part in value.items()]
    if not inner or level > _LINES or (len(inner) > _LINES and fields is None):
        yield at, value
        return
    for name, part in inner:
        yield from _parts(part, at + name, level + 1)


def _said(part: Any) -> str:
    """A part in one line."""
    if isinstance(part, ArrayTree):
        return repr(part).partition("\n")[0]
    if is_array(part):
        return f"{part.dtype} of shape {part.shape}, {part.nbytes:,} bytes"
    return f"{type(part).__name__} of {len(part)}" if type(part) in (list, tuple, dict) and part else brief(part)


def _bytes(part: Any) -> int:
    if isinstance(part, ArrayTree):
        return sum(part.at(path).nbytes for path in part.paths())
    return part.nbytes if is_array(part) or is_scalar(part) else 0
