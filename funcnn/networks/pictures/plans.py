"""What a picture of a network shows: its parts, how they hang together, and what each gives and costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Final, Literal, NamedTuple, TypeAlias, cast

from funcnn.networks.definitions import Definition, Spec
from funcnn.networks.pictures.folding import folded
from funcnn.networks.rebuilding import Path, below, walked
from funcnn.records import printed
from funcnn.shapes import display, known
from funcnn.types import Shape

Flow: TypeAlias = Literal["leaf", "row", "branches", "sum", "frame", "times", "times beside"]
"""How the children of a part hang together: one after the other, side by side, side by side and added; in a combinator
of which nothing else is known; repeated one after the other, or side by side."""

_FLOWS: Final[dict[str, Flow]] = {"in_series": "row", "parallel": "branches", "residual": "sum"}
_LONGEST, _WIDEST, _BOXES = 24, 6, 300  # parts in a row, side by side, and in all; others are counted


class Plan(NamedTuple):
    """A part of the picture: `label` is how it was made, `name` its name in the params; `out` is the shape it gives, an
    empty text where that is not known; `params` the number of its params, None where that is not known.
    """

    label: str
    name: str
    flow: Flow = "leaf"
    parts: tuple[Plan, ...] = ()
    out: str = ""
    params: int | None = None
    source: str = ""
    times: int = 1

    @property
    def key(self) -> tuple[object, ...]:
        """What two parts have in common that look the same, whatever their names."""
        return (self.label, self.flow, self.out, self.params, self.source, self.times)


class _Seen(NamedTuple):
    taken: Shape
    out: Shape


def planned(net: Definition, shape: Shape | None, depth: int) -> Plan:
    """The plan of a network, layers in layers to this depth; with a shape also what they give and cost.

    It is less deep where that would be more boxes than anybody can look at.
    """
    seen: dict[tuple[Path, int], _Seen] = {}
    if shape is not None:
        for path, layer, taken, out in walked(net, shape).left:
            seen.setdefault((path, id(layer)), _Seen(taken, out))
    plan = _plan(net, "", (), seen, depth)
    while depth > 1 and _boxes(plan) > _BOXES:
        depth -= 1
        plan = _plan(net, "", (), seen, depth)
    return plan


def _boxes(plan: Plan) -> int:
    left, number = [plan], 0
    while left:
        part = left.pop()
        left += part.parts
        number += 1
    return number


def _plan(net: Definition, name: str, path: Path, seen: dict[tuple[Path, int], _Seen], depth: int) -> Plan:
    found = seen.get((path, id(net)))
    out = "" if found is None else display(found.out)
    count = None if found is None else _count(net.spec(found.taken) if net.children else net.own(found.taken))
    source = printed(net.record) if net.record else net.name
    if not net.children:
        return Plan(source, name, "leaf", (), out, count, source)
    if depth <= 0:
        return Plan(f"{_title(net)} of {_leaves(net)} layers", name, "leaf", (), out, count, source)
    parts = tuple(
        _plan(child, name if net.transparent else key, below(net, path, key), seen, depth - 1)
        for key, child in net.children.items()
    )
    return Plan(_title(net), "" if net.transparent else name, _flow(net), _drawn(parts, _flow(net)), out, count, source)


def _flow(net: Definition) -> Flow:
    """By the function that made the rule: a composite has that of its body."""
    rule: Any = net.rule
    inside = str(getattr(rule, "__module__", "")).startswith("funcnn.")
    return _FLOWS.get(str(getattr(rule, "__qualname__", "")).partition(".")[0], "frame") if inside else "frame"


def _drawn(parts: tuple[Plan, ...], flow: Flow) -> tuple[Plan, ...]:
    """The parts as they are drawn: what repeats is drawn once, and of very many the middle is counted."""
    again: Flow = "times" if flow == "row" else "times beside"
    parts = folded(parts, lambda plan: plan.key, lambda pattern, n: _times(pattern, n, again))
    half = (_LONGEST if flow == "row" else _WIDEST) // 2
    return parts if len(parts) <= 2 * half else (*parts[:half], _rest(parts[half:-half]), *parts[-half:])


def _times(parts: Sequence[Plan], times: int, flow: Flow) -> Plan:
    """A pattern that repeats, drawn once."""
    counts = [part.params for part in parts]
    count = None if None in counts else times * sum(c for c in counts if c is not None)
    name = f"{parts[0].name} ..." if parts[0].name else ""
    return Plan(f"{times} times", name, flow, tuple(parts), parts[-1].out, count, "", times)


def _rest(parts: Sequence[Plan]) -> Plan:
    """Parts that are not drawn one by one."""
    number = sum(part.times * (len(part.parts) if part.flow.startswith("times") else 1) for part in parts)
    counts = [part.params for part in parts]
    count = None if None in counts else sum(c for c in counts if c is not None)
    return Plan(f"{number} more layers", f"{parts[0].name} to {parts[-1].name}", "leaf", (), parts[-1].out, count, "")


def _title(net: Definition) -> str:
    """How a combinator was made, without the layers it was made of: "repeat(..., 3)"."""
    record = net.record
    if record is None or record.make is None:
        return record.name if record else net.name
    named = [*record.args, *record.kwargs.values()]
    if all(_has_layer(value) for value in named):
        return record.name
    args = ["..." if _has_layer(v) else printed(v) for v in record.args]
    while args[1:] and args[0] == args[1] == "...":
        args.pop(0)
    kwargs = [f"{k}={'...' if _has_layer(v) else printed(v)}" for k, v in record.kwargs.items()]
    return f"{record.name}({', '.join(args + kwargs)})"


def _has_layer(value: object) -> bool:
    if isinstance(getattr(value, "definition", None), Definition):
        return True
    return isinstance(value, (list, tuple)) and any(map(_has_layer, cast("Sequence[object]", value)))


def _leaves(net: Definition) -> int:
    """How many layers it is made of."""
    left, number = [net], 0
    while left:
        part = left.pop()
        left += part.children.values()
        number += not part.children
    return number


def _count(spec: Spec) -> int | None:
    """The numbers in all leaves; None where that depends on sizes that are not known."""
    total = 0
    left = [spec]
    while left:
        for leaf in left.pop().values():
            if isinstance(leaf, tuple):
                total += prod(leaf[1])
            else:
                left.append(leaf)
    return total if known(total) else None
