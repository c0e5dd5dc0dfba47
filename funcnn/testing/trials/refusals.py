"""Refusing what cannot be held to laws, at once and with the way out: constructors that were not called, above all."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from funcnn.errors import brief
from funcnn.networks import Layer
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
        TypeError   says what came, what is wanted, and what to do
    """
    if isinstance(layers, Layer) or not isinstance(layers, (list, tuple)):
        shown = brief(layers)  # pyright: ignore[reportUnknownArgumentType]
        raise TypeError(f"parametrize_with_laws takes a list of layers, got {shown}; write [{shown}]")
    for value in layers:
        demand(value, "a layer", Layer)
