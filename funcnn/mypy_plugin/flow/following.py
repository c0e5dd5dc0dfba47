"""The functions and classes of the program, followed with the arguments of a call."""

from __future__ import annotations

import ast
import functools
from typing import Any, Final

from funcnn.mypy_plugin.flow.containers import Containers
from funcnn.mypy_plugin.flow.files import local_names
from funcnn.mypy_plugin.flow.frames import NEVER, NEXT, YIELDED, Frame, Returned
from funcnn.mypy_plugin.flow.values import (
    NONE,
    Class,
    Either,
    Function,
    Given,
    Row,
    Table,
    Thing,
    either,
    is_network,
    mapped,
    same,
    spoil,
)
from funcnn.mypy_plugin.recipes import ANY, Argument, Call, Place, Value

DEPTH: Final = 24  # calls inside calls
AGAIN: Final = 8  # a function inside itself


class Following(Containers):
    """Follows functions, and makes objects."""

    def follow(self, f: Function, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame) -> Any:
        """What a function of the program returns for these arguments."""
        depth = sum(x.node is f.node for x in self.stack if x.node is not None)
        gives = generates(f.node)
        if len(self.stack) > DEPTH or depth > AGAIN or (gives and isinstance(f.node, ast.AsyncFunctionDef)):
            spoil([f.instance, *(g.value for g in (*args, *kwargs.values()))])
            return ANY
        inner = Frame(f.frame.file, {}, f.frame, local_names(f.node), kind="function", node=f.node)
        if f.instance is not None:
            args = (Given(f.instance, here), *args)
        if not self._bound(f, args, kwargs, inner):
            return ANY
        self.entered.add(f.node)
        self.stack.append(inner)
        try:
            if isinstance(f.node, ast.Lambda):
                return self.value(f.node.body, inner)
            inner.env |= {YIELDED: Row((), True, lazy=True)} if gives else {}
            came = self.block(f.node.body, inner)
            if gives:
                return inner.env[YIELDED] if came is NEXT or isinstance(came, Returned) else ANY
            came = value_of(came)
        finally:
            self.stack.pop()
        if f.composite:
            name = Value(f.node.name)
            return mapped(lambda net: self._composite(net, name, here, frame) if is_network(net) else net, came)
        return came

    def _composite(self, net: Any, name: Value, here: Place, frame: Frame) -> Any:
        args = (Argument(net, here), Argument(name, here))
        return self.made(Call("", "composite", args, {}, frame.file.path, here), frame)

    def _bound(self, f: Function, args: tuple[Given, ...], kwargs: dict[str, Given], inner: Frame) -> bool:
        """Bind the parameters of a function; False where the call does not fit it."""
        a = f.node.args
        positional, rest = [*a.posonlyargs, *a.args], dict(kwargs)
        if len(args) > len(positional) and a.vararg is None:
            return False
        given: dict[str, Any] = {x.arg: g.value for x, g in zip(positional, args, strict=False)}
        for x in (*positional[len(args) :], *a.kwonlyargs):
            if x.arg in rest:
                given[x.arg] = rest.pop(x.arg).value
            elif x.arg in f.defaults:
                given[x.arg] = f.defaults[x.arg]
            else:
                return False
        if rest and a.kwarg is None:
            return False
        for x in (*positional, *a.kwonlyargs):
            inner.bind(x.arg, self.hinted(given[x.arg], x.annotation, f.frame))
        if a.vararg is not None:
            inner.bind(a.vararg.arg, Row(tuple(g.value for g in args[len(positional) :])))
        if a.kwarg is not None:
            inner.bind(a.kwarg.arg, Table({k: g.value for k, g in rest.items()}))
        return True

    def instance_of(
        self, kind: Class, args: tuple[Given, ...], kwargs: dict[str, Given], here: Place, frame: Frame
    ) -> Any:
        """What the call of a class makes."""
        if not kind.understood:
            spoil(g.value for g in (*args, *kwargs.values()))
            return ANY
        if kind.options:
            wanted = args[0].value if len(args) == 1 else ANY
            found = [kind.members[n] for n in kind.options if same(valued(kind.members[n]), wanted)]
            return found[0] if len(found) == 1 else ANY
        if kind.table:
            return Table({k: g.value for k, g in kwargs.items()})
        made = Thing(kind, {})
        begin = kind.members.get("__init__")
        if isinstance(begin, Function):
            self.follow(Function(begin.node, begin.frame, begin.defaults, False, made), args, kwargs, here, frame)
            return made
        if kind.fields is None:
            return made if not args and not kwargs else ANY
        values = {name: g.value for name, g in zip(kind.fields, args, strict=False)}
        values |= {k: g.value for k, g in kwargs.items()}
        for name, default in kind.fields.items():
            made.fields[name] = values.get(name, ANY if default is None else default)
        after = kind.members.get("__post_init__")
        if isinstance(after, Function):
            self.follow(Function(after.node, after.frame, after.defaults, False, made), (), {}, here, frame)
        return made


def valued(member: Any) -> Any:
    """The value of a member of an enumeration."""
    return member.fields["value"] if isinstance(member, Thing) else member


@functools.lru_cache(4096)
def generates(node: ast.AST) -> bool:
    """Does the function yield?"""
    body = node.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else []
    stack: list[ast.AST] = list(body)
    while stack:
        n = stack.pop()
        if isinstance(n, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            stack += ast.iter_child_nodes(n)
    return False


def value_of(came: Any) -> Any:
    """What a function returns; where it raises, it returns nothing that anybody sees."""
    if isinstance(came, Either):
        a, b = value_of(came.then), value_of(came.otherwise)
        return b if a is NEVER else a if b is NEVER else either(came.condition, a, b)
    if isinstance(came, Returned):
        return came.value
    return NONE if came is NEXT else came if came is NEVER else ANY
