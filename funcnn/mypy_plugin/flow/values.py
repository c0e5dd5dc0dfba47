"""What a program's values are to a reader who does not run it: recipes, and the containers and functions around them.

A value is a node of a recipe, or one of the classes here. Containers have an identity, as in Python: what is appended
through one name is seen through the other. What cannot be told is `ANY`, or a `Missing` of a kind.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

from funcnn.mypy_plugin.recipes import (
    ANY, Call, Choice, Fork, Items, Missing, Node, Pairs, Place, Ref, Turned, Value, form,
)  # fmt: skip

NODES = (Value, Items, Pairs, Turned, Choice, Missing, Ref, Call, Fork)
OPTIONS = 16  # of one value; with more it is unknown
PARTS = 10_000  # of an argument


@dataclass(eq=False)
class Row:
    """A tuple, or a list, which may be changed; `items` is a tuple, or one of several."""

    items: Any
    mutable: bool = False
    source: Place | None = None  # of the array whose shape it is
    lazy: bool = False  # what a generator will give if it is asked at once; later it may give something else


@dataclass(eq=False)
class Table:
    """A dictionary of known keys; `items` is a dict that nobody changes, or one of several."""

    items: Any


@dataclass(eq=False)
class Either:
    """One of two values, as a condition decides that is not known; the same condition decides alike everywhere."""

    condition: str
    then: Any
    otherwise: Any

    def __post_init__(self) -> None:
        self.options: int = options(self.then) + options(self.otherwise)


@dataclass(eq=False)
class Function:
    """A function of the program, or a lambda, with what it can see."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    frame: Any  # where it was defined
    defaults: dict[str, Any]
    composite: bool = False  # decorated with `layer`
    instance: Any = None  # what it is bound to


@dataclass(eq=False)
class Class:
    """A class of the program."""

    name: str
    members: dict[str, Any]
    fields: dict[str, Any] | None = None  # with their defaults, in order, of a dataclass or a named tuple
    understood: bool = True  # its bases and decorators are known
    table: bool = False  # a TypedDict
    properties: frozenset[str] = frozenset()
    stored: frozenset[str] = frozenset()  # attributes that its methods bind after `__init__`, or more than once
    parents: tuple[Class, ...] = ()
    options: tuple[str, ...] = ()  # the members of an enumeration


def descends(kind: Class, other: Class) -> bool:
    """Is it this class, or one below it?"""
    return kind is other or any(descends(parent, other) for parent in kind.parents)


@dataclass(eq=False)
class Thing:
    """An instance of a class of the program."""

    kind: Class
    fields: dict[str, Any]
    spoiled: bool = False  # it may have been changed where nobody looked


@dataclass(eq=False)
class Partial:
    """`functools.partial(make, *args, **kwargs)`."""

    make: Any
    args: tuple[Given, ...]
    kwargs: dict[str, Given]


@dataclass(frozen=True)
class Given:
    """An argument, and where it stands."""

    value: Any
    place: Place


@dataclass(frozen=True)
class Name:
    """What a module that is not read has under this name, `numpy.zeros`; the module itself, too."""

    full: str


@dataclass(frozen=True, eq=False)
class Method:
    """A method of a layer, of a list or of a dictionary."""

    of: Any
    name: str


@dataclass(frozen=True, eq=False)
class Parent:
    """`super()`: a thing, as an instance of the class above."""

    of: Thing
    kind: Class


INT, BOOL, FLOAT, SOME, LAYER = map(Missing, ("int", "bool", "float", "value", "layer"))
DOUBTED = Missing("bool")  # what a stranger answers; equal to BOOL, but told apart by `is`
DOUBT = "doubt"  # what conditions begin with that a stranger decides: nothing is said of either way
KINDS = {"int": INT, "bool": BOOL, "float": FLOAT, "str": SOME}  # what an annotation says; `Layer[...]` too
NONE = Value(None)
AUTO = Missing("value")  # of a member of an enumeration
DOORS = {"init", "apply", "out_shape", "named"}  # of a layer


def is_kind(value: Any, *kinds: Missing) -> bool:
    """Is nothing known of it but that? (Named tuples of different classes may be equal.)"""
    return isinstance(value, Missing) and value in kinds


def listed(items: Any) -> TypeGuard[tuple[Any, ...]]:
    """Are these items known, and the same on every way? (Recipes are tuples of another kind.)"""
    return type(items) is tuple


def tabled(items: Any) -> TypeGuard[dict[Any, Any]]:
    """Are the items of this dictionary known, and the same on every way?"""
    return isinstance(items, dict)


def is_network(value: Any) -> bool:
    """Is this a layer that something is known of?"""
    return isinstance(value, (Call, Ref))


def node_of(value: Any) -> Node:
    """A value as an argument of a constructor; unknown where there is too much in it, as in pairs of pairs of pairs."""
    if isinstance(value, NODES):
        return value
    try:
        return _node(value, iter(range(PARTS)))
    except OverflowError:
        return ANY


def _node(value: Any, left: Iterator[int]) -> Node:
    if next(left, None) is None:
        raise OverflowError
    match value:
        case Row(items, False) if listed(items):
            return Items(tuple(_node(v, left) for v in items))
        case Table(items) if tabled(items) and all(isinstance(name, str) for name in items):
            return Pairs(tuple((name, _node(v, left)) for name, v in items.items()))
        case Row() | Table():
            return SOME
        case Either(condition, then, otherwise):
            return Fork(condition, _node(then, left), _node(otherwise, left))
        case Function() | Class() | Partial() | Name():
            return Missing("function")
        case _:
            return value if isinstance(value, NODES) else ANY


# what may be one of several -------------------------------------------------------------------------------------------
def mapped(f: Callable[[Any], Any], value: Any) -> Any:
    """`f` of a value, and of each one that it may be."""
    if not isinstance(value, Either):
        return f(value)
    return either(value.condition, mapped(f, value.then), mapped(f, value.otherwise))


def combined(f: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """`f` of two values, and of every two that they may be together."""
    return mapped(lambda x: mapped(lambda y: f(x, y), b), a)


def either(condition: str, then: Any, otherwise: Any) -> Any:
    """What a condition decides; nothing known where there would be too many possibilities."""
    then, otherwise = chosen(then, condition, True), chosen(otherwise, condition, False)
    if same(then, otherwise):
        return then
    if condition.startswith(DOUBT):
        return ANY
    made = Either(condition, then, otherwise)
    return made if made.options <= OPTIONS else ANY


def same(a: Any, b: Any) -> bool:
    """Are these the same value?"""
    if a is b or type(a) is not type(b):
        return a is b
    if isinstance(a, Name):
        return bool(a == b)
    return isinstance(a, NODES) and form(a, placed=True) == form(b, placed=True)


def chosen(value: Any, condition: str, decided: bool) -> Any:
    """A value once a condition is decided."""
    if not isinstance(value, Either):
        return value
    if value.condition == condition:
        return chosen(value.then if decided else value.otherwise, condition, decided)
    then, otherwise = chosen(value.then, condition, decided), chosen(value.otherwise, condition, decided)
    if then is value.then and otherwise is value.otherwise:
        return value
    return then if same(then, otherwise) else Either(value.condition, then, otherwise)


def options(value: Any) -> int:
    """How many values this may be."""
    return value.options if isinstance(value, Either) else 1


def spoil(values: Iterable[Any], seen: set[int] | None = None) -> None:
    """What somebody may have changed is known no more."""
    seen = set() if seen is None else seen
    for value in values:
        if id(value) in seen:
            continue
        seen.add(id(value))
        match value:
            case Row(items, mutable):
                inside = parts_of(items)
                value.items = ANY if mutable else items
                spoil(inside, seen)
            case Table(items):
                value.items = ANY
                spoil(parts_of(items), seen)
            case Thing(_, fields):
                value.spoiled = True
                spoil(fields.values(), seen)
            case Either(_, then, otherwise):
                spoil((then, otherwise), seen)
            case Partial(_, args, kwargs):
                spoil((g.value for g in (*args, *kwargs.values())), seen)
            case _:
                pass


def parts_of(items: Any) -> list[Any]:
    """The items of a container, on whatever way."""
    if isinstance(items, Either):
        return [*parts_of(items.then), *parts_of(items.otherwise)]
    return list(items.values()) if tabled(items) else list(items) if listed(items) else []


def place_in(node: ast.AST) -> Place:
    """Where an expression or a statement stands, in the terms of mypy."""
    if isinstance(node, (ast.expr, ast.stmt)) and node.end_lineno is not None and node.end_col_offset is not None:
        return Place(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    return Place(line, column, line, column)
