"""Where a known out-shape may be revealed as a type, and where an error is expected.

`net.out_shape((-1, 3))` is a `Shape`; the plugin knows that it is a tuple of two. A narrower type must not refuse
anything that was right: `shapes = [net.out_shape(s)]` has to stay a list of shapes, and a variable that is bound again
any shape. So it is narrowed only where nothing is inferred from it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from funcnn.mypy_plugin.recipes import Place
from funcnn.mypy_plugin.scopes import Scope, Scopes, place_of

RAISES = {"raises", "assertRaises", "assertRaisesRegex", "suppress"}  # `with pytest.raises(ShapeError):`
CAUGHT = {"ShapeError", "FuncnnError", "ValueError", "TypeError", "Exception", "BaseException"}
LOOKERS = {"reveal_type", "assert_type", "print", "len", "repr", "str", "init", "out_shape"}  # they infer nothing


def free_results(scopes: Scopes) -> frozenset[Place]:
    """The places of those calls of the file whose result nothing is inferred from."""
    unsafe = {
        (home, name.id)
        for name, scope in scopes.loads
        if (home := scope.home(name.id)) and not _looked_at(name, scopes)
    }
    return frozenset(
        place_of(node)
        for node in scopes.parents
        if isinstance(node, ast.Call) and (_looked_at(node, scopes) or _kept(node, scopes, unsafe))
    )


def plain_results(scopes: Scopes) -> frozenset[Place]:
    """The places of those calls whose result is the only value of a variable, or is unpacked: it may be exact."""
    only = [node for node, (binding, scope) in scopes.values.items() if scope.only(binding.name) is binding]
    unpacked = [node.value for node in scopes.nodes if isinstance(node, ast.Assign) and _unpacks(node)]
    return frozenset(place_of(node) for node in (*only, *unpacked) if isinstance(node, ast.Call))


def _unpacks(node: ast.Assign) -> bool:
    """Is it `batch, width = net.out_shape(shape)`, of which the items alone are bound?"""
    f = node.value.func if isinstance(node.value, ast.Call) else None
    return isinstance(f, ast.Attribute) and f.attr == "out_shape" and isinstance(node.targets[0], (ast.Tuple, ast.List))


def _looked_at(node: ast.expr, scopes: Scopes) -> bool:
    match scopes.parents.get(node):
        case ast.Expr() | ast.Compare() | ast.FormattedValue() | ast.Assert():
            return True
        case ast.Subscript(value=value):
            return value is node
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
            return node in args and name in LOOKERS
        case ast.keyword() as keyword:
            call = scopes.parents.get(keyword)
            return isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in LOOKERS
        case _:
            return False


def _kept(node: ast.Call, scopes: Scopes, unsafe: set[tuple[Scope, str]]) -> bool:
    """Is the result, or its first item, the only value of a variable that is only looked at?"""
    if node not in scopes.values:
        return False
    binding, scope = scopes.values[node]
    if isinstance(scopes.parents.get(node), ast.AnnAssign):
        return True
    return scope.only(binding.name) is binding and (scope, binding.name) not in unsafe


def expected_lines(scopes: Scopes) -> Iterator[tuple[int, int]]:
    """The lines of what is tried because it should fail, or where the program handles that it does."""
    for node in scopes.parents:
        if (lines := expected_lines_of(node)) is not None:
            yield lines


def expected_lines_of(node: ast.AST) -> tuple[int, int] | None:
    """The lines of what a statement tries because it should fail; None of any other."""
    match node:
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            found = any(_named(i.context_expr) & RAISES for i in items)
        case ast.Try(body=body, handlers=handlers):
            found = any(h.type is None or _named(h.type) & CAUGHT for h in handlers)
        case _:
            return None
    return (body[0].lineno, body[-1].end_lineno or body[-1].lineno) if found else None


def _named(e: ast.expr) -> set[str]:
    """The names in an expression, behind dots too."""
    names = (n for n in ast.walk(e) if isinstance(n, (ast.Name, ast.Attribute)))
    return {n.id if isinstance(n, ast.Name) else n.attr for n in names}
