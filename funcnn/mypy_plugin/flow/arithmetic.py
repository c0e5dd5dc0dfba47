"""Arithmetic of known numbers, and of those of which only the kind is known."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, Final

from funcnn.mypy_plugin.flow.frames import NEVER
from funcnn.mypy_plugin.flow.values import BOOL, FLOAT, INT, is_kind
from funcnn.mypy_plugin.recipes import ANY, Missing, Node, Value
from funcnn.mypy_plugin.sizes import Sum, added, called, times

# fmt: off
ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.FloorDiv: lambda a, b: a // b, ast.Mod: lambda a, b: a % b,
    ast.LShift: lambda a, b: a << b, ast.RShift: lambda a, b: a >> b, ast.BitAnd: lambda a, b: a & b,
    ast.BitOr: lambda a, b: a | b, ast.BitXor: lambda a, b: a ^ b,
}
# fmt: on
SIGNS: Final[Mapping[str, ast.operator]] = {
    "+": ast.Add(), "-": ast.Sub(), "*": ast.Mult(), "/": ast.Div(), "//": ast.FloorDiv(), "%": ast.Mod(),
    "**": ast.Pow(), "<<": ast.LShift(), ">>": ast.RShift(), "&": ast.BitAnd(), "|": ast.BitOr(), "^": ast.BitXor(),
}  # fmt: skip
LARGEST: Final = 10**12
LONGEST: Final = 10_000  # characters of a text


def is_integer(v: Any) -> bool:
    """Is it an integer, known or not?"""
    return is_kind(v, INT, BOOL) or (isinstance(v, Value) and isinstance(v.value, int))


def is_numeric(v: Any) -> bool:
    """Is it a number, known or not?"""
    return is_integer(v) or is_kind(v, FLOAT) or (isinstance(v, Value) and isinstance(v.value, float))


def number(op: ast.operator, x: Any, y: Any) -> Any:
    """`x op y` of what is known; unknown where it would be huge."""
    numbers = isinstance(x, (int, float)) and isinstance(y, (int, float))
    try:
        if isinstance(op, ast.Pow):
            small = numbers and abs(x) < LARGEST and 0 <= y < 64
            return _kept(x**y) if small else ANY
        if isinstance(op, ast.LShift) and not (isinstance(y, int) and y < 64):
            return ANY
        if numbers or (isinstance(x, str) and isinstance(y, str) and isinstance(op, ast.Add)):
            return _kept(ARITHMETIC[type(op)](x, y)) if type(op) in ARITHMETIC else ANY
    except (ArithmeticError, TypeError, ValueError):
        return NEVER
    return ANY


def _kept(v: Any) -> Node:
    return Value(v) if (len(v) <= LONGEST if isinstance(v, str) else abs(v) < LARGEST) else ANY


def size_of(v: Any) -> Sum | None:
    """What a size is, in names."""
    if isinstance(v, Missing):
        return v.size
    return Sum((), v.value) if isinstance(v, Value) and type(v.value) is int else None


def sized(op: ast.operator, a: Any, b: Any) -> Any:
    """`a op b`, where one of them is a size that has a name; None where what it gives has none."""
    x, y = size_of(a), size_of(b)
    if x is None or y is None:
        return None
    match op:
        case ast.Add():
            found = added(x, y)
        case ast.Sub():
            found = added(x, y, -1)
        case ast.Mult():
            found = times(x, y)
        case ast.FloorDiv():
            found = called(x, "//", y)
        case _:
            return None
    whole = is_integer(a) and is_integer(b)
    if found is None or (not found.terms and not whole):
        return None
    return Missing("int" if whole else "any", found) if found.terms else Value(found.plus)


def unary(op: ast.unaryop, found: Any, truth: bool | None) -> Any:
    """`op found`."""
    match op, found:
        case ast.Not(), _:
            return BOOL if truth is None else Value(not truth)
        case ast.USub(), Value(int() | float() as n):
            return Value(-n)
        case ast.UAdd(), Value(int() | float()):
            return found
        case ((ast.USub() | ast.UAdd()), Missing("int" | "float")):
            return found
        case _:
            return ANY
