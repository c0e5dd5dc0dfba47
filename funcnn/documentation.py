"""What `help` tells about values: about Relu what stands under its assignment, about `Dense(3)` what Dense says."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any, Final, TypeAlias

Places: TypeAlias = "Iterable[tuple[str, str]]"
"""Modules, and the name of a value there."""


class OwnDoc:
    """A `__doc__` that a class shares with its values: theirs is that of what made them."""

    def __init__(self, of_class: str | None, places: Callable[[Any], Places]) -> None:
        self.of_class, self.places = of_class, places

    def __get__(self, value: object, owner: type) -> str | None:
        if value is None:
            return self.of_class
        return next(filter(None, (documented(*place) for place in self.places(value))), self.of_class)


def tells_of_itself(cls: type, places: Callable[[Any], Places]) -> None:
    """Give the values of a class a documentation of their own; `places` says where each may have one."""
    found: Final = OwnDoc(cls.__doc__, places)
    setattr(cls, "__doc__", found)  # noqa: B010  (type checkers know of text alone)


def of_name(value: object, name: str) -> Places:
    """Where a value may have been assigned to this name."""
    return [(known, name) for known, module in list(sys.modules.items()) if vars(module).get(name) is value]


def documented(module: str, name: str) -> str | None:
    """The documentation of what has this name in a module: its own, or the text under its assignment.

    >>> documented("funcnn.layers.activations", "Relu").partition(",")[0]
    'The positive part'
    """
    value = getattr(sys.modules.get(module), name, None)
    if inspect.isroutine(value) or inspect.isclass(value):
        return value.__doc__
    try:
        body = ast.parse(inspect.getsource(sys.modules[module])).body
    except (KeyError, OSError, TypeError, SyntaxError):  # nobody has its source
        return None
    for before, after in pairwise(body):
        targets = [before.target] if isinstance(before, ast.AnnAssign) else getattr(before, "targets", [])
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            text = after.value if isinstance(after, ast.Expr) else None
            return text.value if isinstance(text, ast.Constant) and isinstance(text.value, str) else None
    return None
