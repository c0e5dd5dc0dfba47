"""Conditions: what is true, what is not known, and when two of them are the same."""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from typing import Any, Final

from funcnn.mypy_plugin.flow import arrays
from funcnn.mypy_plugin.flow.core import Core
from funcnn.mypy_plugin.flow.data import Data
from funcnn.mypy_plugin.flow.frames import Frame
from funcnn.mypy_plugin.flow.values import (
    BOOL,
    DOUBT,
    DOUBTED,
    Class,
    Either,
    Function,
    Method,
    Row,
    Table,
    Thing,
    either,
    is_kind,
    is_network,
    listed,
    tabled,
)
from funcnn.mypy_plugin.recipes import ANY, Missing, Value

COMPARED: Final[Mapping[type[ast.cmpop], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}  # fmt: skip
OPPOSITE: Final[Mapping[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.NotEq: ast.Eq, ast.IsNot: ast.Is, ast.NotIn: ast.In, ast.GtE: ast.Lt, ast.LtE: ast.Gt,
}  # fmt: skip
ALIKE: Final[Mapping[type[ast.cmpop], bool]] = {ast.Is: True, ast.Eq: True, ast.IsNot: False, ast.NotEq: False}
STABLE: Final = {"len", "isinstance"}  # calls whose result changes only with the names in them


class Conditions(Core):
    """Reads conditions."""

    def truth(self, value: Any) -> bool | None:
        """Is it true? None where that is not known."""
        match value:
            case Value(literal):
                return bool(literal)
            case Row(items) if listed(items):
                return bool(items)
            case Table(items) if tabled(items):
                return bool(items)
            case Function() | Class() | Method():
                return True
            case _ if is_network(value):
                return True
            case _:
                return None

    def condition(self, test: ast.expr, frame: Frame) -> tuple[bool | str, bool]:
        """Is it true, or what is the name of the condition; and is it the opposite of that?"""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            decided, turned = self.condition(test.operand, frame)
            return decided, not turned
        found = self.now(self.value(test, frame))
        truth = self.truth(found)
        if truth is not None:
            return truth, False
        if found is DOUBTED:
            return f"{DOUBT}{self.fresh()}", False
        if isinstance(found, Either):
            both = self.truth(found.then), self.truth(found.otherwise)
            if None not in both:
                return (found.condition, both[1] is True) if both[0] is not both[1] else (both[0] is True, False)
        turned = isinstance(test, ast.Compare) and len(test.ops) == 1 and type(test.ops[0]) in OPPOSITE
        if turned and isinstance(test, ast.Compare):
            test = ast.Compare(test.left, [OPPOSITE[type(test.ops[0])]()], test.comparators)
        name = self.name_of(test, frame)
        return self.assumed.get(name, name), turned

    def name_of(self, test: ast.expr, frame: Frame) -> str:
        """A condition by what it says, and of which values of the names in it."""
        names = sorted({n.id for n in ast.walk(test) if isinstance(n, ast.Name)})
        for n in ast.walk(test):
            if isinstance(n, ast.Call) and not (isinstance(n.func, ast.Name) and n.func.id in STABLE):
                return self.fresh()
        homes = [(name, self._home(name, frame)) for name in names]
        of = [home.named(name) for name, home in homes if home is not None]
        return f"{ast.dump(test)} {of}"

    def _home(self, name: str, frame: Frame) -> Frame | None:
        home: Frame | None = frame
        while home is not None and (name not in home.env or (home.kind == "class" and home is not frame)):
            home = home.parent
        return home

    def either_of(self, test: ast.expr, body: ast.expr, orelse: ast.expr, frame: Frame) -> Any:
        """`body if test else orelse`."""
        decided, turned = self.condition(test, frame)
        if isinstance(decided, bool):
            return self.value(body if decided is not turned else orelse, frame)
        with self.assuming({decided: not turned}):
            a = self.value(body, frame)
        with self.assuming({decided: turned}):
            b = self.value(orelse, frame)
        return either(decided, b, a) if turned else either(decided, a, b)

    def bool_of(self, conjunction: bool, values: list[ast.expr], frame: Frame) -> Any:
        """`a and b`, `a or b`."""
        found: Any = ANY
        for e in values:
            found = self.value(e, frame)
            truth = self.truth(found)
            if truth is None:
                rest = [self.value(other, frame) for other in values[values.index(e) + 1 :]]
                if any(v is DOUBTED for v in (found, *rest)):
                    return DOUBTED
                return BOOL if is_kind(found, BOOL) else ANY
            if truth is not conjunction:
                return found
        return found

    def compared(self, op: ast.cmpop, a: Any, b: Any) -> Any:
        """`a op b` of a comparison."""
        x, y = (isinstance(v, Value) and v.value is None for v in (a, b))
        if isinstance(op, (ast.Is, ast.IsNot)) and (x or y):
            known = (x and y) or all(self.something(v) for v in (a, b))
            return Value((x and y) is isinstance(op, ast.Is)) if known else BOOL
        for v in (a, b):
            if isinstance(v, Data) and not isinstance(op, (ast.Is, ast.IsNot, ast.In, ast.NotIn)):
                return arrays.computed(type(op).__name__, a, b, v.place)
        if all(isinstance(v, Thing) and v.kind.options for v in (a, b)) and type(op) in ALIKE:
            return Value((a is b) is ALIKE[type(op)])
        if isinstance(op, (ast.In, ast.NotIn)) and isinstance(a, Value):
            items = self.items(b)
            if listed(items) and all(isinstance(i, Value) for i in items):
                return Value((a.value in [i.value for i in items]) is isinstance(op, ast.In))
        if isinstance(a, Value) and isinstance(b, Value) and type(op) in COMPARED:
            try:
                return Value(bool(COMPARED[type(op)](a.value, b.value)))
            except TypeError:
                return BOOL
        return BOOL

    def something(self, v: Any) -> bool:
        """Is it not None, for sure?"""
        if isinstance(v, Missing):
            return v.kind != "any"
        return isinstance(v, (Row, Table, Thing, Function, Class, Method)) or is_network(v) or isinstance(v, Value)
