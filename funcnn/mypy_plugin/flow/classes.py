"""The functions and classes that a program defines."""

from __future__ import annotations

import ast
from typing import Any, Final

from funcnn.mypy_plugin.flow.frames import Frame
from funcnn.mypy_plugin.flow.states import States
from funcnn.mypy_plugin.flow.values import Class, Function, Method, Name
from funcnn.mypy_plugin.recipes import Missing

KEPT: Final = {
    "functools.cache", "functools.lru_cache", "functools.cached_property", "builtins.property", "builtins.staticmethod",
    "typing.override", "typing.final",
}  # fmt: skip  # decorators that leave what a function returns
LAYERS: Final = {"funcnn.layer", "funcnn.networks.layer", "funcnn.networks.pair.layer"}


class Classes(States):
    """Reads definitions."""

    def function(self, s: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> Any:
        """The function that a statement defines; nothing is known of one that is decorated by a stranger."""
        composite = False
        for decorator in s.decorator_list:
            found = self.value(decorator.func if isinstance(decorator, ast.Call) else decorator, frame)
            full = found.full if isinstance(found, Name) else ""
            if full in ("funcnn.layer", "funcnn.networks.layer", "funcnn.networks.pair.layer"):
                composite = True
            elif full not in KEPT:
                return Missing("function")
        return Function(s, frame, self.defaults(s.args, frame), composite)

    def class_of(self, s: ast.ClassDef, frame: Frame) -> Any:
        """The class that a statement defines."""
        inner = Frame(frame.file, {}, frame, frozenset(), kind="class")
        bases = [self.value(b.value if isinstance(b, ast.Subscript) else b, frame) for b in s.bases]
        marks = [self.value(d.func if isinstance(d, ast.Call) else d, frame) for d in s.decorator_list]
        known = {"object", "typing.Generic", "typing.Protocol", "abc.ABC", "typing.NamedTuple", "typing.TypedDict"}
        names = {b.full for b in bases if isinstance(b, Name)}
        parents = [b for b in bases if isinstance(b, Class)]
        data = any(isinstance(m, Name) and m.full == "dataclasses.dataclass" for m in marks)
        understood = (
            len(names & known) + len(parents) == len(bases)
            and all(isinstance(m, Name) and m.full in ("dataclasses.dataclass", "typing.final") for m in marks)
            and not any(k.arg == "metaclass" for k in s.keywords)
            and all(p.understood for p in parents)
        )
        self.stack.append(inner)
        self.block(s.body, inner)
        self.stack.pop()
        fields: dict[str, Any] | None = None
        if data or "typing.NamedTuple" in names or any(p.fields is not None for p in parents):
            fields = {k: v for p in parents for k, v in (p.fields or {}).items()}
            for part in s.body:
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                    fields[part.target.id] = inner.env.get(part.target.id)
        members = {k: v for p in reversed(parents) for k, v in p.members.items()} | inner.env
        table = "typing.TypedDict" in names or any(p.table for p in parents)
        methods = [m for m in s.body if isinstance(m, (ast.FunctionDef, ast.AsyncFunctionDef))]
        properties = {m.name for m in methods if decorated(m, "property", "cached_property")}
        properties |= {n for p in parents for n in p.properties}
        static = {m.name for m in methods if decorated(m, "staticmethod")}
        members = {k: v if k not in static else Method(v, "static") for k, v in members.items()}
        stored = stored_attributes(methods) | {n for p in parents for n in p.stored}
        return Class(s.name, members, fields, understood, table, frozenset(properties), frozenset(stored))


def decorated(m: ast.FunctionDef | ast.AsyncFunctionDef, *names: str) -> bool:
    return any(
        (isinstance(d, ast.Name) and d.id in names) or (isinstance(d, ast.Attribute) and d.attr in names)
        for d in m.decorator_list
    )


def stored_attributes(methods: list[ast.FunctionDef | ast.AsyncFunctionDef]) -> set[str]:
    """The attributes that methods bind, those left out that `__init__` binds once and nothing else does."""
    seen: list[str] = []
    later: set[str] = set()
    for m in methods:
        for n in ast.walk(m):
            if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load):
                later |= {n.attr} if m.name not in ("__init__", "__post_init__") or n.attr in seen else set()
                seen.append(n.attr)
    return later
