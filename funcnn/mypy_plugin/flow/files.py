"""A file of a program, parsed once, and what its names are."""

from __future__ import annotations

import ast
import functools
import os
from dataclasses import dataclass
from pathlib import Path

from funcnn.mypy_plugin.scopes import Scope, Scopes


@dataclass(eq=False)
class File:
    """A file of the program."""

    path: str
    module: str
    source: bytes
    scopes: Scopes

    @property
    def tree(self) -> ast.Module:
        """Its statements."""
        return self.scopes.tree

    @property
    def top(self) -> Scope:
        """The names of the module, and how often each is bound."""
        return self.scopes.module

    @functools.cached_property
    def globals(self) -> frozenset[str]:
        """Names of the module that functions bind."""
        return frozenset(name for node in self.scopes.rebound if isinstance(node, ast.Global) for name in node.names)

    @functools.cached_property
    def nonlocals(self) -> frozenset[str]:
        """Names of functions that functions in them bind."""
        return frozenset(name for node in self.scopes.rebound if isinstance(node, ast.Nonlocal) for name in node.names)

    @functools.cached_property
    def elsewhere(self) -> frozenset[str]:
        """Names of other modules that it binds."""
        return frozenset(_elsewhere(self))

    def origin(self, node: ast.ImportFrom) -> str:
        """The module that `from ... import` means."""
        return origin(self.path, self.module, node.level, node.module or "")


def origin(path: str, module: str, level: int, name: str) -> str:
    """The module that `from ...name import` means in a file, with this many dots before the name."""
    if not level:
        return name
    package = module if os.path.basename(path) == "__init__.py" else module.rpartition(".")[0]
    base = package.split(".") if package else []
    return ".".join([*base[: len(base) - level + 1], *([name] if name else [])])


def parsed(path: str, module: str) -> File | None:
    """The file, parsed; None if it cannot be."""
    try:
        return _parsed(path, module, os.stat(path).st_mtime_ns)
    except OSError:
        return None


@functools.lru_cache(2048)
def _parsed(path: str, module: str, changed: int) -> File | None:
    del changed
    try:
        source = Path(path).read_bytes()
        scopes = Scopes(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError):
        return None
    return File(path, module, source, scopes)


def _elsewhere(file: File) -> set[str]:
    """The names in other modules that a file binds, `models.net = ...` or `setattr(models, "net", ...)`.

    A name after a dot alone, `.net`, is an attribute that it binds of what is neither a module nor `self`.
    """
    modules: dict[str, str] = {}
    found: set[str] = set()
    for node in file.scopes.nodes:
        if isinstance(node, ast.Import):
            modules |= {a.asname or a.name.partition(".")[0]: a.name if a.asname else "" for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = file.origin(node)
            modules |= {a.asname or a.name: f"{origin}.{a.name}" if origin else a.name for a in node.names}

    def bound(base: ast.expr, name: str) -> str:
        whole = base.id if isinstance(base, ast.Name) else ast.unparse(base)
        first, dot, rest = whole.partition(".")
        if first not in modules:
            return "" if first in ("self", "cls") else f".{name}"
        return f"{modules[first] or first}{dot}{rest}.{name}"

    for node in file.scopes.nodes:
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            found.add(bound(node.value, node.attr))
        elif isinstance(node, ast.Call) and _called(node.func) in ("setattr", "patch", "object"):
            texts = [a.value for a in node.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            found |= {bound(node.args[0], t) if "." not in t else t for t in texts}
    return found


def _called(f: ast.expr) -> str:
    return f.id if isinstance(f, ast.Name) else f.attr if isinstance(f, ast.Attribute) else ""


@functools.lru_cache(4096)
def local_names(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> frozenset[str]:
    """The names that belong to a function."""
    a = node.args
    found = {x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)}
    found |= {x.arg for x in (a.vararg, a.kwarg) if x is not None}
    return frozenset(found | stored_names(node.body if isinstance(node.body, list) else []))


def stored_names(body: list[ast.stmt]) -> set[str]:
    """The names that statements bind, those of functions and classes inside them left out."""
    found: set[str] = set()
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
            continue
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            found |= {n.target.id for n in ast.walk(node) if isinstance(n, ast.NamedExpr)}
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {a.asname or a.name.partition(".")[0] for a in node.names}
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            found.add(node.rest)
        stack += ast.iter_child_nodes(node)
    return found


def loaded_names(body: list[ast.stmt] | list[ast.AST]) -> set[str]:
    """The names that statements look at, functions inside them included."""
    return {n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name)}
