"""Expressions: containers, arithmetic, comprehensions, text."""

from __future__ import annotations

import ast
from typing import Any

from funcnn.mypy_plugin.flow import arrays
from funcnn.mypy_plugin.flow.arithmetic import LONGEST, is_integer, is_numeric, number, sized, unary
from funcnn.mypy_plugin.flow.comprehensions import Comprehensions, joined_items
from funcnn.mypy_plugin.flow.data import Data
from funcnn.mypy_plugin.flow.frames import YIELDED, YIELDS, Frame
from funcnn.mypy_plugin.flow.keys import keyed, named_by
from funcnn.mypy_plugin.flow.values import (
    FLOAT,
    INT,
    LAYER,
    NONE,
    SOME,
    Class,
    Either,
    Function,
    Method,
    Row,
    Table,
    Thing,
    combined,
    is_kind,
    is_network,
    listed,
    mapped,
    place_in,
    spoil,
    tabled,
)
from funcnn.mypy_plugin.recipes import ANY, Call, Place, Ref, Value


class Expressions(Comprehensions):
    """Reads expressions."""

    def value(self, e: ast.expr, frame: Frame) -> Any:
        """What is known of an expression."""
        self.step()
        match e:
            case ast.Name(id=name):
                return self.named(self.now(self.lookup(name, frame)), e, frame)
            case ast.Call():
                return self.now(self.call(e, frame))
            case ast.Constant(value=bool() | int() | float() | str() | None as literal):
                return Value(literal)
            case ast.Constant():
                return SOME
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return Row(self._elements(elements, frame), isinstance(e, ast.List))
            case ast.Dict(keys=keys, values=values):
                return self._table(keys, values, frame)
            case ast.Attribute(value=of, attr=name):
                held = mapped(lambda found: self.attribute(found, name), self.value(of, frame))
                return self.named(self.now(held), e, frame)
            case ast.BinOp(left=left, right=right):
                a, b = self.value(left, frame), self.value(right, frame)
                return combined(lambda x, y: self.computed(e.op, x, y, e, frame, (left, right)), a, b)
            case ast.UnaryOp(operand=operand):
                return mapped(lambda found: unary(e.op, found, self.truth(found)), self.value(operand, frame))
            case ast.BoolOp(op=op, values=values):
                return self.bool_of(isinstance(op, ast.And), values, frame)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                a, b = self.value(left, frame), self.value(right, frame)
                return combined(lambda x, y: self.compared(op, x, y), a, b)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.either_of(test, body, orelse, frame)
            case ast.Subscript(value=of, slice=index):
                a, b = self.value(of, frame), self._index(index, frame)
                return self.now(combined(self._subscript, a, b))
            case ast.ListComp() | ast.GeneratorExp():
                return self.comprehension(e, frame)
            case ast.DictComp():
                return self.table_of(e, frame)
            case ast.NamedExpr(target=target, value=value):
                found = self.value(value, frame)
                home = frame
                while home.kind == "comprehension" and home.parent is not None:
                    home = home.parent
                self.assign(target, found, home)
                return found
            case ast.Lambda():
                return Function(e, frame, self.defaults(e.args, frame))
            case ast.Await(value=value):
                return self.value(value, frame)
            case ast.Yield(value=value):
                return self._yielded(Row((NONE if value is None else self.value(value, frame),)), frame)
            case ast.YieldFrom(value=value):
                return self._yielded(self.value(value, frame), frame)
            case ast.JoinedStr(values=values):
                return self._text(values, frame)
            case _:
                self._looked_into(e, frame)
                return ANY

    def _yielded(self, found: Any, frame: Frame) -> Any:
        """A generator gives these too; what it is sent is not known."""
        if isinstance(row := frame.env.get(YIELDED), Row):
            self.extend(row, found)
            row.items = mapped(lambda t: t if listed(t) and len(t) <= YIELDS else ANY, row.items)
        return ANY

    def _looked_into(self, e: ast.expr, frame: Frame) -> None:
        """What is not read may do anything with what it names."""
        names = {n.id for n in ast.walk(e) if isinstance(n, ast.Name)}
        spoil(frame.env.get(name) for name in names)

    def _elements(self, elements: list[ast.expr], frame: Frame) -> Any:
        items: Any = ()
        for e in elements:
            if isinstance(e, ast.Starred):
                found = self.items(self.value(e.value, frame))
            else:
                found = (self.standing(self.value(e, frame), place_in(e)),)
            items = combined(joined_items, items, found)
        return items

    def items(self, value: Any) -> Any:
        """The items of what is iterated over: a tuple, or one of several; else nothing known."""
        value = self.now(value)

        def of(found: Any) -> Any:
            match found:
                case Row(items):
                    return self.now(items)
                case Table(items):
                    return mapped(lambda t: tuple(map(named_by, t)) if tabled(t) else ANY, self.now(items))
                case Class(members=members, options=options) if options:
                    return tuple(members[name] for name in options)
                case Thing(kind, fields, False) if kind.fields is not None and not kind.table:
                    return tuple(fields.get(name, ANY) for name in kind.fields)
                case Call() if is_network(found):
                    return Method(found, "init"), Method(found, "apply")
                case _:
                    return ANY

        return mapped(of, value)

    def standing(self, value: Any, place: Place) -> Any:
        """A ready-made layer as an item of a list, of which is known where it was written down."""
        if not isinstance(value, Ref):
            return value
        own = Ref(*value)
        self.stood[id(own)] = own, place
        return own

    def extend(self, row: Row, value: Any) -> None:
        """`row += value`."""
        row.items = combined(joined_items, self.now(row.items), self.items(value))

    def _table(self, keys: list[ast.expr | None], values: list[ast.expr], frame: Frame) -> Any:
        items: dict[Any, Any] = {}
        for key, v in zip(keys, values, strict=True):
            found = self.value(v, frame)
            if key is None:
                if not isinstance(found, Table) or not tabled(found.items):
                    return Table(ANY)
                items |= found.items
                continue
            name = self.value(key, frame)
            if keyed(name) is None:
                return Table(ANY)
            items[keyed(name)] = found
        return Table(items)

    def _index(self, index: ast.expr, frame: Frame) -> Any:
        if isinstance(index, ast.Tuple):
            return Row(tuple(self._index(part, frame) for part in index.elts))
        if isinstance(index, ast.Constant) and index.value is ...:
            return ...
        if not isinstance(index, ast.Slice):
            return self.value(index, frame)
        parts = [NONE if p is None else self.value(p, frame) for p in (index.lower, index.upper, index.step)]
        numbers = [p.value for p in parts if isinstance(p, Value)]
        whole = len(numbers) == 3 and all(n is None or isinstance(n, int) for n in numbers)
        return slice(*numbers) if whole else ANY

    def _subscript(self, of: Any, index: Any) -> Any:
        match of, index:
            case Data(), _:
                return arrays.indexed(of, index)
            case Row(items), Value(int() as i):
                return mapped(lambda t: t[i] if listed(t) and -len(t) <= i < len(t) else ANY, items)
            case Row(items, mutable), slice():
                return Row(mapped(lambda t: t[index] if listed(t) else ANY, items), mutable)
            case Table(items), _ if (key := keyed(index)) is not None:
                return mapped(lambda t: t.get(key, ANY) if tabled(t) else ANY, items)
            case Class(members=members, options=options), Value(str() as key) if key in options:
                return members[key]
            case Thing(kind, _, False), Value(int()) if kind.fields is not None and not kind.table:
                return self._subscript(Row(self.items(of)), index)
            case Thing(kind, fields, False), Value(str() as key) if kind.table:
                return fields.get(key, ANY)
            case _:
                return ANY

    def _text(self, values: list[ast.expr], frame: Frame) -> Any:
        text = ""
        for v in values:
            plain = isinstance(v, ast.FormattedValue) and v.conversion == -1 and v.format_spec is None
            found = self.value(v.value if isinstance(v, ast.FormattedValue) else v, frame)
            if not isinstance(found, Value) or not (plain or isinstance(v, ast.Constant)):
                return SOME
            text += str(found.value)
            if len(text) > LONGEST:
                return SOME
        return Value(text)

    def defaults(self, a: ast.arguments, frame: Frame) -> dict[str, Any]:
        """The defaults of a function's parameters."""
        positional = [*a.posonlyargs, *a.args]
        found = {x.arg: self.value(d, frame) for x, d in zip(positional[::-1], a.defaults[::-1], strict=False)}
        named = zip(a.kwonlyargs, a.kw_defaults, strict=True)
        return found | {x.arg: self.value(d, frame) for x, d in named if d is not None}

    def computed(
        self, op: ast.operator, a: Any, b: Any, e: ast.AST, frame: Frame,
        parts: tuple[ast.expr, ast.expr] | None = None,
    ) -> Any:  # fmt: skip
        """`a op b`."""
        match op, a, b:
            case ast.RShift(), _, _ if parts and all(is_network(v) or is_kind(v, LAYER) for v in (a, b)):
                args = tuple(self.argument(v, place_in(part), frame) for v, part in zip((a, b), parts, strict=True))
                return self.made(Call("", ">>", args, {}, frame.file.path, place_in(e)), frame)
            case ast.Add(), Row(mutable=True), Row() | Either():
                made = Row(self.now(a.items), mutable=True)
                self.extend(made, b)
                return made
            case ast.Add(), Row(), Row():
                return Row(combined(joined_items, a.items, b.items), a.mutable)
            case (ast.Mult(), Row(items, mutable), Value(int() as n)) | (
                ast.Mult(),
                Value(int() as n),
                Row(items, mutable),
            ):
                return Row(mapped(lambda t: t * n if listed(t) and len(t) * n < 10_000 else ANY, items), mutable)
            case ast.BitOr(), Table(x), Table(y) if tabled(x) and tabled(y):
                return Table({**x, **y})
            case _, Value(x), Value(y):
                return number(op, x, y)
            case _ if isinstance(a, Data) or isinstance(b, Data):
                return arrays.computed(type(op).__name__, a, b, place_in(e))
            case _ if (found := sized(op, a, b)) is not None:
                return found
            case _ if is_integer(a) and is_integer(b) and not isinstance(op, ast.Div):
                return INT
            case _ if is_numeric(a) and is_numeric(b):
                return FLOAT
            case _:
                spoil([a, b])
                return ANY
