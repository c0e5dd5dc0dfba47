"""What Python's own functions give of known things."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from funcnn.mypy_plugin.flow.data import Data
from funcnn.mypy_plugin.flow.keys import keyed
from funcnn.mypy_plugin.flow.values import (
    BOOL,
    DOUBTED,
    FLOAT,
    INT,
    NONE,
    SOME,
    Class,
    Name,
    Row,
    Table,
    Thing,
    descends,
    listed,
    tabled,
)
from funcnn.mypy_plugin.recipes import ANY, Missing, Value

if TYPE_CHECKING:  # which calls these
    from funcnn.mypy_plugin.flow.expressions import Expressions

LONGEST: Final = 2_000


def _numbers(values: list[Any]) -> list[Any] | None:
    found = [v.value for v in values if isinstance(v, Value) and isinstance(v.value, (int, float))]
    return found if len(found) == len(values) else None


def _range(m: Expressions, values: list[Any]) -> Any:
    numbers = _numbers(values)
    if numbers is None or not 1 <= len(numbers) <= 3 or not all(isinstance(n, int) for n in numbers):
        return ANY
    if len(numbers) == 3 and numbers[2] == 0:
        return ANY
    found = range(*numbers)
    return Row(tuple(map(Value, found))) if len(found) <= LONGEST else ANY


def _len(m: Expressions, values: list[Any]) -> Any:
    if len(values) == 1 and isinstance(values[0], Data) and values[0].shape:
        return Value(values[0].shape[0])
    items = m.items(values[0]) if len(values) == 1 else ANY
    return Value(len(items)) if listed(items) else INT


def _zip(m: Expressions, values: list[Any]) -> Any:
    rows = [m.items(v) for v in values]
    return Row(tuple(map(Row, zip(*rows, strict=False)))) if all(listed(r) for r in rows) else ANY


def _enumerate(m: Expressions, values: list[Any]) -> Any:
    items = m.items(values[0]) if values else ANY
    start = values[1].value if len(values) == 2 and isinstance(values[1], Value) else 0
    if not listed(items) or not isinstance(start, int) or (len(values) == 2 and not isinstance(values[1], Value)):
        return ANY
    return Row(tuple(Row((Value(i), v)) for i, v in enumerate(items, start)))


def _listed(mutable: bool) -> Callable[[Expressions, list[Any]], Any]:
    def of(m: Expressions, values: list[Any]) -> Any:
        items = () if not values else m.items(values[0])
        return Row(items if not values or len(values) == 1 else ANY, mutable)

    return of


def _reversed(m: Expressions, values: list[Any]) -> Any:
    items = m.items(values[0]) if len(values) == 1 else ANY
    return Row(items[::-1]) if listed(items) else ANY


def _sorted(m: Expressions, values: list[Any]) -> Any:
    items = m.items(values[0]) if len(values) == 1 else ANY
    numbers = _numbers(list(items)) if listed(items) else None
    return Row(tuple(map(Value, sorted(numbers))), True) if numbers is not None else ANY


def _dict(m: Expressions, values: list[Any]) -> Any:
    items: Any = values[0].items if len(values) == 1 and isinstance(values[0], Table) else ANY
    if len(values) == 1 and isinstance(values[0], Row):  # of pairs
        pairs = m.items(values[0])
        rows: list[Any] = [m.items(v) for v in pairs] if listed(pairs) else [ANY]
        if all(listed(r) and len(r) == 2 and keyed(r[0]) is not None for r in rows):
            return Table({keyed(r[0]): r[1] for r in rows})
    return Table(dict(items) if tabled(items) else ANY)


def _chosen(f: Callable[..., Any]) -> Callable[[Expressions, list[Any]], Any]:
    def of(m: Expressions, values: list[Any]) -> Any:
        items = m.items(values[0]) if len(values) == 1 else tuple(values)
        numbers = _numbers(list(items)) if listed(items) else None
        if not numbers:
            return INT if listed(items) and items and all(_whole(i) for i in items) else ANY
        return Value(f(numbers))

    return of


def _whole(v: Any) -> bool:
    return (isinstance(v, Value) and isinstance(v.value, int)) or (isinstance(v, Missing) and v.kind == "int")


def _cast(f: Callable[[Any], Any], otherwise: Missing) -> Callable[[Expressions, list[Any]], Any]:
    def of(m: Expressions, values: list[Any]) -> Any:
        if len(values) != 1 or not isinstance(values[0], Value):
            return otherwise
        try:
            return Value(f(values[0].value))
        except (TypeError, ValueError, OverflowError):
            return otherwise

    return of


def _sliced(m: Expressions, values: list[Any]) -> Any:
    whole = values and all(isinstance(v, Value) and (v.value is None or type(v.value) is int) for v in values)
    return slice(*(v.value for v in values)) if whole and len(values) <= 3 else ANY


def _is_instance(value: Any, kind: Any) -> Any:
    """Whether it is one, where it is an object of the program's own, a number, a word or a network."""
    if isinstance(kind, Row) and not kind.mutable:
        found = [_is_instance(value, k) for k in kind.items] if listed(kind.items) else [BOOL]
        yes = [f for f in found if isinstance(f, Value) and f.value]
        return yes[0] if yes else next((f for f in found if not isinstance(f, Value)), Value(False))
    match value, kind:
        case Thing(own, _, False), Class() if own.understood and kind.understood:
            return Value(descends(own, kind))
        case _, Class(understood=False):
            return DOUBTED
        case Value(), Class(options=()):
            return Value(False)
        case Value(number), Name(full) if isinstance(plain := PLAIN.get(full), type):
            return Value(isinstance(number, plain))
        case Thing(), Name(full) if full in PLAIN and value.kind.understood and not value.kind.options:
            return Value(False)
        case _:
            return BOOL


PLAIN: Final[Mapping[str, type]] = {f"builtins.{t.__name__}": t for t in (bool, int, float, str, bytes)}
BUILTINS: Final[Mapping[str, Callable[[Any, list[Any]], Any]]] = {
    "range": _range, "len": _len, "zip": _zip, "enumerate": _enumerate, "list": _listed(True), "tuple": _listed(False),
    "reversed": _reversed, "sorted": _sorted, "dict": _dict, "max": _chosen(max), "min": _chosen(min),
    "sum": _chosen(sum), "int": _cast(int, INT), "float": _cast(float, FLOAT), "str": _cast(str, SOME),
    "bool": _cast(bool, BOOL), "abs": _cast(abs, ANY), "isinstance": lambda m, v: _is_instance(*v) if len(v) == 2 else BOOL, "print": lambda m, v: NONE,
    "callable": lambda m, v: BOOL, "id": lambda m, v: INT, "hash": lambda m, v: INT, "repr": lambda m, v: SOME,
    "type": lambda m, v: ANY, "round": _cast(round, ANY), "any": lambda m, v: BOOL, "all": lambda m, v: BOOL,
    "slice": _sliced, "open": lambda m, v: SOME, "input": lambda m, v: SOME,
}  # fmt: skip
