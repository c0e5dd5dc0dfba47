"""What a file says about the variable behind an expression: who owns a recipe, what is an alias, what is a constant."""

from __future__ import annotations

import ast
import functools
from typing import NamedTuple

from mypy.nodes import Var

from funcnn.mypy_plugin.flow.files import File
from funcnn.mypy_plugin.recipes import ANY, Items, Node, Place, Value
from funcnn.mypy_plugin.results import expected_lines, free_results, plain_results
from funcnn.mypy_plugin.scopes import Binding, Scope, place_of


class Owners(NamedTuple):
    """What is known of a file's variables, each by its identity (see `identity`)."""

    at: dict[Place, str]  # the variable that the call at this place is the only value of
    aliases: dict[str, str]  # a variable that is another one, or the first item of another one
    constants: dict[str, Node]
    stored: frozenset[str]  # names of attributes that this file binds, of other modules perhaps
    free: frozenset[Place]  # calls whose result may have a narrower type than declared
    plain: frozenset[Place]  # calls whose result may have integers for items, where it is no tuple of shapes
    ignored: frozenset[Place]  # calls whose first item goes to `_`, which loops bind to anything
    expected: tuple[tuple[int, int], ...]  # lines where an error is what the program wants
    declared: dict[str, Node]  # what was assigned to variables whose type is an annotation, which carries no recipe

    def same(self, variable: str, owner: str | None) -> bool:
        """Is this variable the owner, or an alias of it?"""
        return owner in self._chain(variable)

    def target(self, variable: str) -> str:
        """The variable that this one is an alias of, in the end; itself if of none."""
        return self._chain(variable)[-1]

    def expects(self, line: int) -> bool:
        """Is an error on this line what the program wants?"""
        return any(first <= line <= last for first, last in self.expected)

    def _chain(self, variable: str) -> list[str]:
        chain = [variable]
        while (following := self.aliases.get(chain[-1])) is not None and following not in chain:
            chain.append(following)
        return chain


NOTHING = Owners({}, {}, {}, frozenset(), frozenset(), frozenset(), frozenset(), (), {})


def identity(variable: Var) -> str:
    """The name of a module's variable; of a local one the line too."""
    return variable.fullname if "." in variable.fullname else f"{variable.fullname}@{variable.line}"


@functools.lru_cache(512)
def owners_of(file: File) -> Owners:
    """What is known of a file."""
    scopes, module, lines = file.scopes, file.module, file.source.splitlines()
    at: dict[Place, str] = {}
    aliases: dict[str, str] = {}
    constants: dict[str, Node] = {}
    for binding, scope in scopes.values.values():
        if scope.only(binding.name) is not binding:
            continue
        name, value = _identity(binding, scope, module), binding.value
        if isinstance(value, (ast.Call, ast.BinOp)) and lines[value.lineno - 1][: value.col_offset].isascii():
            at[place_of(value)] = name  # after other characters, mypy's columns and Python's may differ
        if isinstance(value, ast.Name) and (other := _resolved(value, scope, module)):
            aliases[name] = other
        if not binding.first_of_tuple and (constant := _constant(value, scope)) != ANY:
            constants[name] = constant
    ignored = frozenset(
        place_of(value) for value, (binding, _) in scopes.values.items()
        if binding.name == "_" and binding.first_of_tuple and isinstance(value, ast.Call)
    )  # fmt: skip
    stored, free, plain = frozenset(scopes.stored), free_results(scopes), plain_results(scopes)
    return Owners(at, aliases, constants, stored, free, plain, ignored, tuple(expected_lines(scopes)), {})


def _identity(binding: Binding, scope: Scope, module: str) -> str:
    return f"{module}.{binding.name}" if scope.kind == "module" else f"{binding.name}@{binding.line}"


def _resolved(name: ast.Name, scope: Scope, module: str) -> str | None:
    home = scope.home(name.id)
    if home is None or home.count[name.id] != 1:
        return None
    found = home.only(name.id)
    return _identity(found, home, module) if found else home.imports.get(name.id)


def _constant(value: ast.expr, scope: Scope, depth: int = 20) -> Node:
    """A literal, a tuple of them, arithmetic with them, or a name bound once to such a thing."""
    match value:
        case ast.Constant(value=bool() | int() | float() | str() | None as literal):
            return Value(literal)
        case ast.Tuple(elts=elements) if not any(isinstance(e, ast.Starred) for e in elements):
            return Items(tuple(_constant(e, scope, depth - 1) for e in elements)) if depth else ANY
        case ast.Name(id=name) if depth:
            home = scope.home(name)
            found = home.only(name) if home else None
            return _constant(found.value, home, depth - 1) if home and found and not found.first_of_tuple else ANY
        case ast.UnaryOp(op=op, operand=operand):
            return _computed(op, (_constant(operand, scope, depth - 1) if depth else ANY,))
        case ast.BinOp(left=left, op=op, right=right) if depth:
            return _computed(op, (_constant(left, scope, depth - 1), _constant(right, scope, depth - 1)))
        case _:
            return ANY


def _computed(op: ast.operator | ast.unaryop, operands: tuple[Node, ...]) -> Node:
    numbers = [n.value for n in operands if isinstance(n, Value) and isinstance(n.value, (int, float))]
    try:
        match op, numbers:
            case ast.Add(), [a, b]:
                return Value(a + b)
            case ast.Sub(), [a, b]:
                return Value(a - b)
            case ast.Mult(), [a, b]:
                return Value(a * b)
            case ast.Div(), [a, b]:
                return Value(a / b)
            case ast.FloorDiv(), [a, b]:
                return Value(a // b)
            case ast.Mod(), [a, b]:
                return Value(a % b)
            case ast.USub(), [a]:
                return Value(-a)
            case _:
                return ANY
    except ArithmeticError:
        return ANY
