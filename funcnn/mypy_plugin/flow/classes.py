"""The functions and classes that a program defines."""

from __future__ import annotations

import ast
from typing import Any, Final

from funcnn.mypy_plugin.flow.frames import Frame
from funcnn.mypy_plugin.flow.states import States
from funcnn.mypy_plugin.flow.values import AUTO, Class, Function, Given, Method, Name, Partial, Row, Thing, place_in
from funcnn.mypy_plugin.recipes import Missing, Place, Value

KEPT: Final = {
    "functools.cache", "functools.lru_cache", "functools.cached_property", "builtins.property", "builtins.staticmethod",
    "typing.override", "typing.final", "builtins.classmethod", "functools.wraps", "abc.abstractmethod",
}  # fmt: skip  # decorators that leave what a function returns
BASES: Final = {
    "builtins.object", "typing.Generic", "typing.Protocol", "abc.ABC", "typing.NamedTuple", "typing.TypedDict",
}  # fmt: skip
MARKS: Final = {"dataclasses.dataclass", "typing.final", "enum.unique"}
ENUMS: Final = {"enum.Enum", "enum.IntEnum", "enum.StrEnum"}
LAYERS: Final = {"funcnn.layer", "funcnn.networks.layer", "funcnn.networks.pair.layer"}


class Classes(States):
    """Reads definitions."""

    def function(self, s: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> Any:
        """The function that a statement defines; nothing is known of one that is decorated by a stranger."""
        made: Any = Function(s, frame, self.defaults(s.args, frame))
        for decorator in reversed(s.decorator_list):
            found = self.value(decorator.func if isinstance(decorator, ast.Call) else decorator, frame)
            full = found.full if isinstance(found, Name) else ""
            if isinstance(found, (Function, Partial)):
                of, place = self.value(decorator, frame), place_in(decorator)
                made = self.each(lambda f: self._decorated(f, made, place, frame), of)
            elif full in LAYERS and isinstance(made, Function):
                made = Function(s, frame, made.defaults, composite=True)
            elif full not in KEPT and not (full == "contextlib.contextmanager" and _ends_in_yield(s)):
                return Missing("function")
        return made if isinstance(made, (Function, Partial, Class)) else Missing("function")

    def _decorated(self, f: Any, made: Any, place: Place, frame: Frame) -> Any:
        if not isinstance(f, (Function, Partial)):
            return Missing("function")
        return self.called(f, (Given(made, place),), {}, place, frame)

    def class_of(self, s: ast.ClassDef, frame: Frame) -> Any:
        """The class that a statement defines."""
        inner = Frame(frame.file, {}, frame, frozenset(), kind="class")
        bases = [self.value(b.value if isinstance(b, ast.Subscript) else b, frame) for b in s.bases]
        marks = [self.value(d.func if isinstance(d, ast.Call) else d, frame) for d in s.decorator_list]
        enumerated = any(isinstance(b, Name) and b.full in ENUMS for b in bases)
        known = BASES | ENUMS | {"builtins.str", "builtins.int"} if enumerated else BASES
        names = {b.full for b in bases if isinstance(b, Name)}
        parents = [b for b in bases if isinstance(b, Class)]
        data = any(isinstance(m, Name) and m.full == "dataclasses.dataclass" for m in marks)
        understood = (
            len(names & known) + len(parents) == len(bases)
            and all(isinstance(m, Name) and m.full in MARKS for m in marks)
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
        of_class = {m.name for m in methods if decorated(m, "classmethod")}
        members = {k: v if k not in static else Method(v, "static") for k, v in members.items()}
        members = {k: v if k not in of_class else Method(v, "class") for k, v in members.items()}
        stored = stored_attributes(methods) | {n for p in parents for n in p.stored}
        kind = Class(
            s.name, members, fields, understood, table, frozenset(properties), frozenset(stored), tuple(parents)
        )
        inner.owner = kind
        if enumerated:
            enumerate_members(kind, inner.env, {b.full for b in bases if isinstance(b, Name)} != {"enum.Enum"})
        return kind


def _ends_in_yield(s: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Does nothing happen when the context is left?"""
    last = s.body[-1]
    return isinstance(s, ast.FunctionDef) and isinstance(last, ast.Expr) and isinstance(last.value, ast.Yield)


def enumerate_members(kind: Class, env: dict[str, Any], plain: bool) -> None:
    """The members of an enumeration: numbers and words as they are, others with a name and a value."""
    found = {k: v for k, v in env.items() if not isinstance(v, (Function, Method)) and not k.startswith("_")}
    known = all(isinstance(v, Value) or (not plain and (isinstance(v, Row) or v is AUTO)) for v in found.values())
    values = [repr(v) for v in found.values() if v is not AUTO]
    if not known or len({*values}) < len(values) or {"__new__", "__eq__", "__init__"} & {*env}:
        kind.understood = False
        return
    kind.options = tuple(found)
    if not plain:
        kind.members |= {k: Thing(kind, {"value": v, "name": Value(k)}) for k, v in found.items()}


def decorated(m: ast.FunctionDef | ast.AsyncFunctionDef, *names: str) -> bool:
    """Is the method decorated with one of these?"""
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
