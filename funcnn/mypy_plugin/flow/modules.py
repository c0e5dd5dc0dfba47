"""What functions of the standard library give of known things."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from funcnn.mypy_plugin.flow.frames import NEVER, Frame
from funcnn.mypy_plugin.flow.networks import Networks
from funcnn.mypy_plugin.flow.values import (
    AUTO, LAYER, Class, Given, Row, Table, Thing, combined, is_kind, is_network, listed, tabled,
)  # fmt: skip
from funcnn.mypy_plugin.recipes import ANY, Call, Place, Value

Of = Callable[[Networks, tuple[Given, ...], dict[str, Given], Place, Frame], Any]
LONGEST: Final = 2_000
NAMESPACE: Final = Class("Namespace", {})


def _own(v: Any, otherwise: Place, frame: Frame) -> Given:
    """An item of a list, where it was made."""
    return Given(v, v.place if isinstance(v, Call) and v.path == frame.file.path else otherwise)


def _reduce(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
    items = m.items(args[1].value) if len(args) in (2, 3) and not kwargs else ANY
    if not listed(items) or (not items and len(args) == 2):
        return None
    given = [_own(v, args[1].place, frame) for v in items]
    found = args[2] if len(args) == 3 else given.pop(0)
    for v in given:
        m.step()
        came = m.called(args[0].value, (found, v), {}, here, frame)
        if came is NEVER:
            return NEVER
        found = Given(came, here)
    return found.value


def _operator(op: ast.operator) -> Of:
    def of(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        if len(args) != 2 or kwargs:
            return None
        a, b = args

        def two(x: Any, y: Any) -> Any:
            if isinstance(op, ast.RShift) and all(is_network(v) or is_kind(v, LAYER) for v in (x, y)):
                parts = m.argument(x, a.place, frame), m.argument(y, b.place, frame)
                return m.made(Call("", ">>", parts, {}, frame.file.path, here), frame)
            return m.computed(op, x, y, ast.Constant(0), frame)

        return combined(two, a.value, b.value)

    return of


def _rows(f: Callable[..., Any]) -> Of:
    """A function of known rows, which gives a row."""

    def of(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        rows = [m.items(g.value) for g in args]
        if kwargs or not all(map(listed, rows)):
            return None
        made = f(*rows)
        return Row(made, True) if listed(made) and len(made) <= LONGEST else ANY

    return of


def _chained(*rows: tuple[Any, ...]) -> Any:
    return tuple(v for row in rows for v in row)


def _from_iterable(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
    items = m.items(args[0].value) if len(args) == 1 else ANY
    rows = [m.items(v) for v in items] if listed(items) else [ANY]
    return Row(_chained(*rows), True) if all(map(listed, rows)) else None


def _pairwise(row: tuple[Any, ...]) -> Any:
    return tuple(Row(pair) for pair in zip(row, row[1:], strict=False))


def _product(*rows: tuple[Any, ...]) -> Any:
    if math.prod(map(len, rows)) > LONGEST:
        return ANY
    found: list[tuple[Any, ...]] = [()]
    for row in rows:
        found = [(*before, v) for before in found for v in row]
    return tuple(map(Row, found))


def _accumulate(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
    items = m.items(args[0].value) if len(args) == 1 and not kwargs else ANY
    numbers = [i.value for i in items if isinstance(i, Value) and isinstance(i.value, (int, float))] if items else []
    if not listed(items) or len(numbers) < len(items):
        return None
    return Row(tuple(map(Value, itertools.accumulate(numbers))), True)


def _repeat(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
    match [g.value for g in args]:
        case [v, Value(int() as n)] if not kwargs and n <= LONGEST:
            return Row((v,) * n, True)
        case _:
            return None


def _islice(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
    items = m.items(args[0].value) if args else ANY
    ends: list[Any] = [g.value.value for g in args[1:] if isinstance(g.value, Value)]
    whole = len(ends) == len(args) - 1 and 1 <= len(ends) <= 3 and all(n is None or isinstance(n, int) for n in ends)
    return Row(items[slice(*ends)], True) if listed(items) and whole else None


def _numeric(f: Callable[..., Any], several: bool = False) -> Of:
    """A function of numbers."""

    def of(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        values: Any = m.items(args[0].value) if several and len(args) == 1 else tuple(g.value for g in args)
        if kwargs or not listed(values) or not all(isinstance(v, Value) for v in values):
            return None
        numbers = [v.value for v in values]
        if not all(isinstance(n, (int, float)) for n in numbers):
            return None
        try:
            return Value(f(numbers) if several else f(*numbers))
        except (ArithmeticError, TypeError, ValueError):
            return None

    return of


def _namespace(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
    return None if args else Thing(NAMESPACE, {k: g.value for k, g in kwargs.items()})


def _copied(deep: bool) -> Of:
    def copied(v: Any) -> Any:
        match v:
            case Row(items, mutable) if listed(items):
                return Row(tuple(map(copied, items)) if deep else items, mutable)
            case Table(items) if tabled(items):
                return Table({k: copied(x) if deep else x for k, x in items.items()})
            case Value() | Call():
                return v
            case _:
                return ANY

    def of(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        return copied(args[0].value) if len(args) == 1 and not kwargs else None

    return of


def _automatic(m: Networks, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
    return AUTO


FUNCTIONS: Final[Mapping[str, Of]] = {
    "enum.auto": _automatic, "functools.reduce": _reduce, "copy.copy": _copied(False),
    "copy.deepcopy": _copied(True),
    "itertools.accumulate": _accumulate, "itertools.chain": _rows(_chained), "itertools.chain.from_iterable": _from_iterable,
    "itertools.pairwise": _rows(_pairwise), "itertools.product": _rows(_product), "itertools.repeat": _repeat,
    "itertools.islice": _islice, "types.SimpleNamespace": _namespace, "argparse.Namespace": _namespace,
    "math.prod": _numeric(math.prod, True), "numpy.prod": _numeric(math.prod, True), "math.ceil": _numeric(math.ceil),
    "math.floor": _numeric(math.floor), "math.sqrt": _numeric(math.sqrt), "math.isqrt": _numeric(math.isqrt),
    "math.log2": _numeric(math.log2), "math.gcd": _numeric(math.gcd),
    "operator.rshift": _operator(ast.RShift()), "operator.add": _operator(ast.Add()),
    "operator.mul": _operator(ast.Mult()), "operator.floordiv": _operator(ast.FloorDiv()),
    "operator.sub": _operator(ast.Sub()),
}  # fmt: skip
"""None, where they cannot tell: then what they were given may be changed, as by any stranger."""
