"""A network as layers in a row: what each takes and gives, and the rows inside those that are no row themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from funcnn.networks.definitions import Child, Definition
from funcnn.networks.rebuilding import Path, below
from funcnn.networks.series import in_series
from funcnn.types import Shape


class Step(NamedTuple):
    """A layer, the shapes that it takes and gives, whether it has params; `inside` are the rows it is made of."""

    path: str
    part: Definition
    taken: Shape
    out: Shape
    wanted: bool
    inside: tuple[tuple[Step, ...], ...] | None = None


def row(part: Definition, path: Path, shape: Shape) -> tuple[Step, ...]:
    """The steps of a layer: its own, those of the layers in a row that it is, or one with rows inside."""
    seen: list[tuple[Child, Shape]] = []

    def go(child: Child, shape: Shape) -> Shape:
        seen.append((child, shape))
        return child.out_shape(shape)

    out = part.meets(shape, go)
    inside = tuple(row(child.definition, below(part, path, child.name), taken) for child, taken in seen)
    if inside and _in_a_row(part):
        return tuple(step for steps in inside for step in steps)
    wanted = bool(part.own(shape) if seen else part.spec(shape))
    return (Step("/".join(path), part, shape, out, wanted, inside or None),)


def _in_a_row(part: Definition) -> bool:
    """Are its children called one after the other? A layer that changes no structure has one."""
    rule: Any = part.rule
    return part.transparent or getattr(rule, "__qualname__", "").startswith(f"{in_series.__qualname__}.")
