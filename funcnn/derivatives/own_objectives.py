"""Objectives of people's own, `(params, batch, rng) -> (value, gradients)`: looked at when they are given, and run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from funcnn.cotangents import described
from funcnn.errors import brief
from funcnn.keys import Key, as_key
from funcnn.networks import Layer
from funcnn.params import ArrayTree, Gradients, Params
from funcnn.types import is_array, is_mapping, is_scalar, is_tuple


def checked_function(caller: str, function: object) -> Callable[..., Any]:
    """Refuse what is no objective.

    Errors
        TypeError   with what to take instead
    """
    wanted = f"{caller} takes an objective first, value_and_grad(...) or any (params, batch, rng) -> (value, gradients)"
    given: object = function
    if not callable(function) or isinstance(function, Layer):
        raise TypeError(f"{wanted}, got {brief(given)}")
    try:
        inspect.signature(function).bind(0, 0, 0)
    except TypeError:
        raise TypeError(f"{wanted}, got {brief(function)}, which does not take three arguments") from None
    except ValueError:  # of some built-in functions nothing is known
        pass
    return function


def as_key_of_batch(rng: object) -> Key:
    """The key of an objective `(params, batch, rng)`; an array in its place is a target beside x.

    Errors
        TypeError   it is none, with the fix
    """
    if is_array(rng) or is_tuple(rng) or is_mapping(rng):
        raise TypeError(
            f"an objective (params, batch, rng) takes its data as one batch, got {described(rng)} where the key "
            "belongs; write (params, (x, target), rng)"
        )
    return as_key(rng)


def promised(function: Callable[..., Any]) -> Callable[[Params, Any, Any], tuple[float, Gradients]]:
    """The function, held to give a number and a tree."""
    name = getattr(function, "__name__", type(function).__name__)

    def run(params: Params, batch: Any, rng: Any) -> tuple[float, Any]:
        pair: object = function(params, batch, rng)
        if not is_tuple(pair) or len(pair) != 2 or not is_mapping(pair[1]):
            raise TypeError(
                f"the objective {name} must return the pair (value, gradients), a number and a tree like the params, "
                f"got {described(pair)}"
            )
        value, gradients = pair
        if is_array(value) and value.ndim == 0:
            value = value[()]
        if not (isinstance(value, (int, float)) or is_scalar(value)):
            raise TypeError(f"the objective {name} must return one number as its value, got {described(pair[0])}")
        return float(value), gradients if isinstance(gradients, ArrayTree) else Gradients(gradients)

    return run
