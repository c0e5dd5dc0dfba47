"""The rule of a layer: how it is called, what it is held to, and what stands in for what an author left out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeAlias, TypeVar, Union

from funcnn.calculus import Later
from funcnn.keys import Key
from funcnn.networks.by_parts import apart, is_apart
from funcnn.networks.definitions import EMPTY
from funcnn.promises import checked, ours, paired
from funcnn.types import Shape, Tree

A = TypeVar("A")
B = TypeVar("B")

Rule: TypeAlias = Union[
    Callable[[Tree, A], "tuple[B, Callable[[B], tuple[Tree, Union[A, Later[A]]]]]"],
    Callable[[Tree, A, "Key | None"], "tuple[B, Callable[[B], tuple[Tree, Union[A, Later[A]]]]]"],
]
"""The rule of a layer: params, input and, where it wants it, the key, to the value and the pullback."""


def takes_key(rule: Callable[..., Any]) -> bool:
    """Does this layer's rule take the key? It says so by a third parameter named `rng`.

    Errors
        TypeError   there is another third parameter
    """
    if isinstance(rule, FunctionType) and not hasattr(rule, "__wrapped__") and not rule.__code__.co_kwonlyargcount:
        names = rule.__code__.co_varnames[: rule.__code__.co_argcount]  # much cheaper than a signature
    else:
        wanted = inspect.signature(rule).parameters.values()  # options with a default stay what they are
        names = tuple(
            p.name if p.kind is not p.KEYWORD_ONLY else f"*, {p.name}"
            for p in wanted
            if p.kind is not p.KEYWORD_ONLY or p.name == "rng" or p.default is p.empty
        )
    if len(names) == 2 or (len(names) == 3 and names[2] == "rng"):
        return len(names) == 3
    raise TypeError(f"a rule takes (params, x) or (params, x, rng), got ({', '.join(names)}); the key is named rng")


def held(
    rule: Callable[..., Any], value: Callable[..., Any] | None, out_shape: Callable[[Shape], Shape]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The rule and the value of a layer; those that are not the library's own are held to what they promise."""
    if not ours(rule, value):
        return checked(rule, value, out_shape)
    return rule, value or (lambda *args: rule(*args)[0])


def lifted(
    f: Callable[[Any], Any], value: Callable[[Any], Any] | None, out_shape: Callable[[Shape], Shape]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The rule and the value of a layer without params, out of `x -> (y, pullback)`."""
    bare = ours(f, value)
    run = f if bare else paired(f)

    def rule(params: Tree, x: Any) -> tuple[Any, Callable[[Any], tuple[Tree, Any]]]:
        y, pullback = run(x)
        return y, lambda dy: (EMPTY, pullback(dy))

    def plain(params: Tree, x: Any) -> Any:
        return f(x)[0] if value is None else value(x)

    if is_apart(f):
        apart(rule)
    return (rule, plain) if bare else checked(rule, None if value is None else plain, out_shape)
