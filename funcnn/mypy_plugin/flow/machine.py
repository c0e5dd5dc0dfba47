"""Reads a file's statements in their order, without running anything: what is known of each name at each place."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from funcnn.mypy_plugin.flow.data import Data
from funcnn.mypy_plugin.flow.files import File
from funcnn.mypy_plugin.flow.frames import (
    BREAK,
    CONTINUE,
    NEVER,
    NEXT,
    Frame,
    Returned,
    Stop,
    filled,
    ways_to,
)
from funcnn.mypy_plugin.flow.loops import Loops
from funcnn.mypy_plugin.flow.keys import keyed
from funcnn.mypy_plugin.flow.values import (
    NONE, Either, Function, Given, Name, Row, Table, Thing, listed, mapped, place_in, spoil, tabled,
)  # fmt: skip
from funcnn.mypy_plugin.recipes import ANY, Value
from funcnn.mypy_plugin.results import expected_lines_of


class Machine(Loops):
    """Reads statements, and modules."""

    def module(self, name: str) -> Frame | None:
        """The names of a module of the program, once it has run; None of others, and of one that is still running."""
        self.used.add(name)
        if name not in self.modules:
            self.modules[name] = None
            file = self.files.find(name)
            if file is not None:
                before, self.stack = self.stack, []
                quiet, self.quiet = self.quiet, True
                assumed, self.assumed = self.assumed, {}
                frame = self.run(file)
                self.stack, self.quiet, self.assumed = before, quiet, assumed
                self.modules[name], self.pristine[name] = frame, self.keep([frame])
                frame.finished = True
        return self.modules[name]

    def run(self, file: File) -> Frame:
        """Reads a file from its first statement to its last."""
        frame = Frame(file, {}, None, frozenset())
        self.stack.append(frame)
        try:
            self.block(file.tree.body, frame)
        except Stop:
            frame.env = {}
        finally:
            self.stack.pop()
        return frame

    def block(self, body: list[ast.stmt], frame: Frame) -> Any:
        """What comes of these statements: they go on, return, break, ..., or one or the other."""
        for i, statement in enumerate(body):
            self.step()
            came = self.statement(statement, frame)
            if came is NEXT:
                continue
            if isinstance(came, Either) and (ways := ways_to(came, NEXT)):
                with self.assuming(ways[0] if len(ways) == 1 else {}):
                    rest = self.block(body[i + 1 :], frame)
                return filled(came, rest, self.fresh)
            return came
        return NEXT

    def statement(self, s: ast.stmt, frame: Frame) -> Any:
        """What comes of one."""
        match s:
            case ast.Assign(targets=targets, value=value):
                found = self.value(value, frame)
                for target in targets:
                    self.assign(target, found, frame)
            case ast.AnnAssign(target=target, annotation=annotation, value=value):
                found = ANY if value is None else self.value(value, frame)
                if value is not None:
                    self.assign(target, self.hinted(found, annotation, frame), frame)
            case ast.AugAssign(target=target, op=op, value=value):
                self._augmented(target, op, self.value(value, frame), frame)
            case ast.Expr(value=value):
                if self.value(value, frame) is NEVER:
                    return NEVER
            case ast.Return(value=value):
                return Returned(Value(None) if value is None else self.value(value, frame))
            case ast.If(test=test, body=body, orelse=orelse):
                return self.branch(test, frame, lambda: self.block(body, frame), lambda: self.block(orelse, frame))
            case ast.For() | ast.AsyncFor():
                return self.for_(s, frame)
            case ast.While():
                return self.while_(s, frame)
            case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final):
                return self.try_(s, body, [h.body for h in handlers], orelse, final, frame)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                return self._with(s, items, body, frame)
            case ast.Match():
                return self.match_(s, frame)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                frame.bind(s.name, self.function(s, frame))
            case ast.ClassDef():
                frame.bind(s.name, self.class_of(s, frame))
            case ast.Import(names=names):
                for alias in names:
                    self.module(alias.name)
                    full = alias.name if alias.asname else alias.name.partition(".")[0]
                    frame.bind(alias.asname or full, Name(full))
            case ast.ImportFrom(names=names):
                self._imported(s, names, frame)
            case ast.Raise():
                return NEVER
            case ast.Break():
                return BREAK
            case ast.Continue():
                return CONTINUE
            case ast.Delete(targets=targets):
                for target in targets:
                    self.assign(target, ANY, frame)
            case ast.Assert(test=test):
                self.value(test, frame)
            case _:
                self.havoc([s], frame)
        return NEXT

    def _with(self, s: ast.stmt, items: list[ast.withitem], body: list[ast.stmt], frame: Frame) -> Any:
        """What comes of a `with`; contexts of the program's own are entered and left."""
        entered: list[Function] = []
        for item in items:
            found, bound, here = self.value(item.context_expr, frame), ANY, place_in(item.context_expr)
            if isinstance(found, Row) and found.lazy and listed(found.items) and len(found.items) == 1:
                bound = found.items[0]
            elif isinstance(found, Thing) and not found.spoiled:
                begins, ends = self.attribute(found, "__enter__"), self.attribute(found, "__exit__")
                if isinstance(begins, Function) and isinstance(ends, Function):
                    bound = self.follow(begins, (), {}, here, frame)
                    entered.append(ends)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, bound, frame)
        with self.expecting(bool(expected_lines_of(s)) or not all(lets_through(f.node) for f in entered)):
            came = self.block(body, frame)
        for ends in reversed(entered):
            here = place_in(ends.node)
            self.follow(ends, (Given(NONE, here),) * 3, {}, here, frame)
        return came

    def _imported(self, s: ast.ImportFrom, names: list[ast.alias], frame: Frame) -> None:
        origin = frame.file.origin(s)
        for alias in names:
            if alias.name == "*":
                found = self.module(origin)
                for name, value in (found.env if found else {}).items():
                    if not name.startswith("_"):
                        frame.bind(name, value)
                if found is None:
                    for name in frame.env:  # any of them may be another now
                        if not self.loader.trust.covers(f"{origin}.") or self.loader.public(origin, name):
                            frame.bind(name, ANY)
                    frame.stars += (origin,)
            else:
                frame.bind(alias.asname or alias.name, self.member(origin, alias.name))

    def assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        """Bind a target to a value."""
        match target:
            case ast.Name(id=name):
                frame.bind(name, value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                items = self.items(value)
                stars = [i for i, t in enumerate(targets) if isinstance(t, ast.Starred)]
                known = listed(items)
                if known and not stars and len(items) == len(targets):
                    for t, v in zip(targets, items, strict=True):
                        self.assign(t, v, frame)
                elif known and len(stars) == 1 and len(items) >= len(targets) - 1:
                    i, behind = stars[0], len(targets) - 1 - stars[0]
                    middle = Row(items[i : len(items) - behind], mutable=True)
                    parts = [*items[:i], middle, *items[len(items) - behind :]]
                    for t, v in zip(targets, parts, strict=True):
                        self.assign(t.value if isinstance(t, ast.Starred) else t, v, frame)
                elif isinstance(items, Either) and not stars:
                    for i, t in enumerate(targets):
                        self.assign(t, mapped(item_of(i, len(targets)), items), frame)
                else:
                    for t in targets:
                        self.assign(t.value if isinstance(t, ast.Starred) else t, ANY, frame)
            case ast.Attribute(value=of, attr=name):
                thing = self.value(of, frame)
                if isinstance(thing, Thing):
                    thing.fields[name] = ANY if isinstance(value, Row) and value.lazy else value
                else:
                    spoil([thing])
                if isinstance(thing, Data) and isinstance(of, ast.Name):  # `x.shape = ...`
                    frame.bind(of.id, ANY)
            case ast.Subscript(value=of, slice=index):
                self._put(self.value(of, frame), self.value(index, frame), value)
            case _:
                pass

    def _put(self, of: Any, index: Any, value: Any) -> None:
        match of, index:
            case Table(items), _ if tabled(items) and keyed(index) is not None:
                of.items = {**items, keyed(index): value}
            case Row(items, True), Value(int() as i) if listed(items) and -len(items) <= i < len(items):
                i %= len(items)
                of.items = (*items[:i], value, *items[i + 1 :])
            case _:
                spoil([of])

    def _augmented(self, target: ast.expr, op: ast.operator, value: Any, frame: Frame) -> None:
        load = ast.copy_location(loading(target), target)
        before = self.value(load, frame)
        if isinstance(before, Row) and before.mutable:
            if isinstance(op, ast.Add):
                self.extend(before, value)
            else:
                spoil([before])
        else:
            self.assign(target, self.computed(op, before, value, target, frame), frame)


def lets_through(node: ast.AST) -> bool:
    """Does this `__exit__` let errors through, which it does where it returns nothing?"""
    returned = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
    return all(isinstance(v, ast.Constant) and not v.value for v in returned)


def item_of(i: int, n: int) -> Callable[[Any], Any]:
    """Takes the item of a tuple of n."""
    return lambda found: found[i] if listed(found) and len(found) == n else ANY


def loading(target: ast.expr) -> ast.expr:
    """The expression that looks at what a target binds."""
    match target:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=of, attr=name):
            return ast.Attribute(of, name, ast.Load())
        case ast.Subscript(value=of, slice=index):
            return ast.Subscript(of, index, ast.Load())
        case _:
            return ast.Constant(...)
