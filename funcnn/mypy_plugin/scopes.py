"""Which names of a file are bound exactly once, and to what.

mypy keeps what a plugin hangs on a type through joins, rebinding and containers, where it no longer holds. So a recipe
is believed only of the one variable it was made for, and only if nothing else is ever bound to that name. This is read
off the file by Python's own `ast`: mypy's visitors cannot be subclassed by interpreted code (python/mypy#19456).
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from funcnn.mypy_plugin.recipes import Place

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
BARE = {"ctx", "op", "ops"}  # fields in which nothing stands
ALWAYS = 10**9  # a star import in a loop or branch may come after any line


class Binding(NamedTuple):
    """`name = value`, or `name, ... = value`: the name is bound to the value, or to its first item."""

    name: str
    line: int
    value: ast.expr
    first_of_tuple: bool


class Scope:
    """The names of a module, function or class, and how often each is bound."""

    def __init__(self, kind: str, parent: Scope | None) -> None:
        self.kind, self.parent = kind, parent
        self.count: Counter[str] = Counter()
        self.bindings: dict[str, Binding] = {}
        self.imports: dict[str, str] = {}
        self.stars = 0  # the last line where a star import may rebind names

    def home(self, name: str) -> Scope | None:
        """The scope that a name used here belongs to."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.count and (scope.kind != "class" or scope is self):
                return scope
            scope = scope.parent
        return None

    def only(self, name: str) -> Binding | None:
        """The binding of a name that is bound once, here, by an assignment."""
        found = self.bindings.get(name)
        if found is None or self.count[name] != 1 or self.kind == "class" or found.line < self.stars:
            return None
        return found


class Scopes(ast.NodeVisitor):
    """Every scope of a file, and of each expression that matters where it stands."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree, self.module = tree, Scope("module", None)
        self.nodes: list[ast.AST] = []  # statements and expressions, every one
        self.all = [self.module]
        self.loads: list[tuple[ast.Name, Scope]] = []
        self.values: dict[ast.AST, tuple[Binding, Scope]] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.stored: set[str] = set()  # names of attributes that are bound: of modules too
        self.rebound: list[ast.Global | ast.Nonlocal] = []
        self._stack = [self.module]
        self._around: list[ast.AST] = []
        for node in tree.body:
            self.visit(node)

    def visit(self, node: ast.AST) -> None:
        self.nodes.append(node)
        if self._around:
            self.parents[node] = self._around[-1]
        self._around.append(node)
        visitor = VISITORS.get(node.__class__.__name__)
        if visitor is None:
            self.generic_visit(node)
        else:
            visitor(self, node)
        self._around.pop()

    def generic_visit(self, node: ast.AST) -> None:
        for name in node._fields:
            if name in BARE:
                continue
            found = getattr(node, name, None)
            if isinstance(found, list):
                for item in found:  # pyright: ignore[reportUnknownVariableType]
                    if isinstance(item, ast.AST):
                        self.visit(item)
            elif isinstance(found, ast.AST):
                self.visit(found)

    # scopes -----------------------------------------------------------------------------------------------------------
    def _scoped(self, kind: str, nodes: Iterable[ast.AST], names: Iterable[str] = ()) -> None:
        scope = Scope(kind, self._stack[-1])
        scope.count.update(names)
        self.all.append(scope)
        self._stack.append(scope)
        for node in nodes:
            self.visit(node)
        self._stack.pop()

    def _function(self, node: Function, body: list[ast.stmt] | list[ast.expr]) -> None:
        a = node.args
        every = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(x for x in (a.vararg, a.kwarg) if x is not None)]
        outside = [*a.defaults, *(d for d in a.kw_defaults if d is not None)]
        for expression in (*outside, *(x.annotation for x in every if x.annotation is not None)):
            self.visit(expression)
        self._scoped("function", body, [x.arg for x in every])

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name)
        for decorator in node.decorator_list:
            self.visit(decorator)
        self._function(node, node.body)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        for outside in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outside)
        self._scoped("class", node.body)

    def _comprehension(self, node: ast.AST) -> None:
        self._scoped("function", ast.iter_child_nodes(node))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    # bindings ---------------------------------------------------------------------------------------------------------
    def _bind(self, name: str | None) -> None:
        if name is not None:
            self._stack[-1].count[name] += 1

    def _unsettle(self, name: str) -> None:
        """A name that may be bound from another scope: no binding of it is the only one."""
        for scope in self._stack:
            scope.count[name] += 2

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.loads.append((node, self._stack[-1]))
        else:
            self._bind(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.stored.add(node.attr)
        self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id == "exec":  # may bind any name of the module again
            self.module.stars = node.lineno if self._stack == [self.module] and len(self._around) <= 2 else ALWAYS
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._unsettle(node.target.id)
        self.visit(node.value)

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self.rebound.append(node)
        for name in node.names:
            self._unsettle(name)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        self.visit_Global(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name.partition(".")[0])

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name == "*":
                self._stack[-1].stars = node.lineno if len(self._around) == 1 else ALWAYS
                continue
            name = alias.asname or alias.name
            self._bind(name)
            if node.module and not node.level:
                self._stack[-1].imports[name] = f"{node.module}.{alias.name}"

    def visit_Assign(self, node: ast.Assign) -> None:
        if len(node.targets) == 1:
            self._assign(node.targets[0], node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assign(node.target, node.value)
        self.generic_visit(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        first = isinstance(target, (ast.Tuple, ast.List))
        if isinstance(target, (ast.Tuple, ast.List)) and target.elts:
            target = target.elts[0]
        if isinstance(target, ast.Name):
            binding = Binding(target.id, target.lineno, value, first)
            self._stack[-1].bindings[target.id] = binding
            self.values[value] = binding, self._stack[-1]

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self._bind(node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self.visit_MatchAs(node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._bind(node.rest)
        self.generic_visit(node)


VISITORS: dict[str, Any] = {
    name.removeprefix("visit_"): method for name, method in vars(Scopes).items() if name.startswith("visit_")
}


def place_of(node: ast.expr) -> Place:
    """Where an expression stands, in the terms of mypy."""
    return Place(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
