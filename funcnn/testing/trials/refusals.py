"""Refusing what cannot be held to laws, at once and with the way out: constructors that were not called, above all."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any

from funcnn.arguments import is_integer
from funcnn.errors import brief
from funcnn.networks import Layer
from funcnn.testing.drawing.contents import Domain, several
from funcnn.types import is_tuple

_WAYS_OUT = {
    "a layer": "call it if it makes layers: {name}(...)",
    "a loss": "a loss is a function decorated with @loss; call it if it makes losses: {name}(...)",
    "a metric": "call it if it makes metrics: {name}(...); metric(...) makes one of a function of all rows",
    "an optimizer": "call it if it makes optimizers: {name}(...)",
}


def demand(value: object, what: str, *types: type) -> None:
    """Refuse what is not of these types; `what` says it in words.

    Errors
        TypeError   says what came, what is wanted, and what to do
    """
    if isinstance(value, types):
        return
    wanted = f"{what}, or a Hypothesis strategy of layers," if len(types) > 1 else what
    raise TypeError(f"{wanted} is to be held to the laws, got {got(value, what)}")


def got(value: object, what: str = "a layer") -> str:
    """What came instead, and what to do about it."""
    if inspect.isclass(value) or inspect.isroutine(value):
        kind = "class" if inspect.isclass(value) else "function"
        return f"the {kind} {value.__name__}: {_WAYS_OUT[what].format(name=value.__name__)}"
    if is_tuple(value) and [*map(type, value)][:1] == [Layer]:
        return f"{brief(value)}: the layer is its first part"
    return f"{brief(value)}, {_article(type(value).__name__)}"


def _article(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def demand_list(layers: Sequence[Any]) -> None:
    """Refuse what is no list of layers. A layer, a named tuple, would pass for one.

    Errors
        TypeError    says what came, what is wanted, and what to do
        ValueError   there are none
    """
    if isinstance(layers, Layer) or not isinstance(layers, (list, tuple)):
        shown = brief(layers)  # pyright: ignore[reportUnknownArgumentType]
        raise TypeError(f"parametrize_with_laws takes a list of layers, got {shown}; write [{shown}]")
    if not layers:
        raise ValueError("parametrize_with_laws got no layers: there is nothing to try")
    for value in layers:
        demand(value, "a layer", Layer)


def demand_cases(examples: object) -> None:
    """Refuse a number of cases that is none.

    Errors
        TypeError    it is no integer
        ValueError   it is less than one
    """
    if examples is None:
        return
    if not is_integer(examples):
        raise TypeError(f"examples is how many cases a law is tried on, got {brief(examples)}")
    if examples < 1:
        raise ValueError(f"examples is at least 1, got {examples}: with no case nothing is tried")


def demand_domain(domain: Domain) -> None:
    """Refuse two ends between which no number lies.

    Errors
        TypeError    it is neither two numbers nor a function nor a tuple of these
        ValueError   the ends are not finite, or the first is not below the second
    """
    if domain is None or callable(domain):
        return
    if several(domain):
        for each in domain:
            demand_domain(each)
        return
    said: object = domain
    ends: list[Any] = list(said) if is_tuple(said) else []
    if len(ends) != 2 or not all(isinstance(end, (int, float)) for end in ends):
        raise TypeError(f"domain takes two numbers, a function of (rng, shape), or a tuple of these, got {brief(said)}")
    if not (all(map(math.isfinite, ends)) and ends[0] < ends[1]):
        raise ValueError(f"domain takes two finite numbers, the lower one first, got {brief(said)}")
