"""What people take for a layer, or a layer for, and what they cannot nest."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from funcnn.errors import brief
from funcnn.foreign.lookups import spelled
from funcnn.networks.definitions import Definition

_RESERVE = 150  # frames, for who calls


def no_layer(value: Any, where: str, i: int) -> TypeError:
    """What to say to something that is no layer, and what to write instead."""
    if issubclass(type(value), (list, tuple)):
        hint = "; give layers directly, one argument each"
    elif isinstance(getattr(value, "definition", None), Definition):
        hint = "; give the whole layer, init and apply together"
    elif value is None:
        hint = "; leave it out, a place that does nothing is Identity"
    elif told := spelled(value):
        hint = told
    elif not callable(value) or not hasattr(value, "__name__"):
        hint = ""
    elif "Layer" in str(getattr(value, "__annotations__", {}).get("return", "")):
        hint = f"; call it, {value.__name__}(...)"
    else:
        hint = "; make a function a layer with elementwise(f, df), or with Layer.lift"
    return TypeError(f"{where} takes layers, argument {i} is {type(value).__name__} {brief(value)}{hint}")


def called(layer: Any, *args: object, **options: object) -> NoReturn:
    """What a layer says that is called like a function.

    Errors
        TypeError   with what to call
    """
    shown = repr(layer)
    raise TypeError(
        f"{shown if len(shown) < 60 else layer.init.name} is a layer, and no function: call its apply, "
        f".apply(params, x); put it in a network as it is, without ()"
    )


def too_deep(depth: int, where: str, frames: int = 2) -> None:
    """Refuse layers within layers that could not run; a level takes so many frames of Python's stack.

    Errors
        ValueError   Python's stack is too short for them
    """
    limit = sys.getrecursionlimit()
    if depth * frames + _RESERVE > limit:
        raise ValueError(
            f"{where}: layers lie in layers {depth} levels deep, and Python's recursion limit of {limit} allows "
            f"{(limit - _RESERVE) // frames}; put them side by side in one serial, or raise the limit with "
            f"sys.setrecursionlimit({depth * frames + 2 * _RESERVE}) before the network is made"
        )
