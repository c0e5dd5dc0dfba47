"""Rules: what they take, which is read off their signatures, and their values alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, TypeAlias, TypeVar, Union

from funcnn.cotangents import Later
from funcnn.keys import Key
from funcnn.types import Tree

A = TypeVar("A")
B = TypeVar("B")

Rule: TypeAlias = Union[
    Callable[[Tree, A], "tuple[B, Callable[[B], tuple[Tree, Union[A, Later[A]]]]]"],
    Callable[[Tree, A, "Key | None"], "tuple[B, Callable[[B], tuple[Tree, Union[A, Later[A]]]]]"],
]
"""The rule of a layer: params, input and, where it wants it, the key, to the value and the pullback."""


def check_options(name: str, rule: Callable[..., Any], options: dict[str, object]) -> None:
    """Refuse keyword options the rule does not have."""
    parameters = inspect.signature(rule).parameters.values()
    known = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    if unknown := sorted(options.keys() - set(known)):
        raise TypeError(f"{name} has no option {', '.join(unknown)}; it has {', '.join(known) or 'none'}")


def takes_key(rule: Callable[..., Any]) -> bool:
    """Does this layer's rule take the key? It says so by a third parameter named `rng`.

    Errors
        TypeError   there is another third parameter
    """
    if isinstance(rule, FunctionType) and not hasattr(rule, "__wrapped__") and not rule.__code__.co_kwonlyargcount:
        names = rule.__code__.co_varnames[: rule.__code__.co_argcount]  # much cheaper than a signature
    else:
        names = tuple(_wanted(inspect.signature(rule)))
    if len(names) == 2 or (len(names) == 3 and names[2] == "rng"):
        return len(names) == 3
    raise TypeError(f"a rule takes (params, x) or (params, x, rng), got ({', '.join(names)}); the key is named rng")


def value_of(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The value of a rule, without its pullback."""

    def value(*args: Any) -> Any:
        return rule(*args)[0]

    return value


def _wanted(signature: inspect.Signature) -> Iterator[str]:
    """The parameters that a call has to hand over, or might; options with a default stay what they are."""
    for p in signature.parameters.values():
        if p.kind is not p.KEYWORD_ONLY:
            yield p.name
        elif p.name == "rng" or p.default is p.empty:
            yield f"*, {p.name}"
