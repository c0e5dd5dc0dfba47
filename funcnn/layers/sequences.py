"""What layers over (batch, time, features) take: a sequence, and beside it, where they say so, a mask and a state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from funcnn.errors import ShapeError
from funcnn.inputs import Kind
from funcnn.shapes import axes, branches, display, same
from funcnn.types import Shape

SEQUENCE: Final = "(batch, time, features)"


def expected(layer: str, shape: Shape, wanted: Shape, what: str) -> None:
    """Refuse what has not this shape, or this nesting, as far as both are known.

    >>> expected("LSTM", (2, 3), (2, 4), "its mask is (batch, time)")
    Traceback (most recent call last):
        ...
    funcnn.errors.ShapeError: LSTM: its mask is (batch, time): expected (2, 4), got (2, 3)
    """
    if not alike(shape, wanted):
        raise ShapeError(f"{layer}: {what}: expected {display(wanted)}, got {display(shape)}")


def alike(a: Shape, b: Shape) -> bool:
    """Are these the same shapes, as far as they are known?"""
    if len(a) != len(b):
        return False
    for u, v in zip(a, b, strict=True):
        if isinstance(u, tuple) or isinstance(v, tuple):
            if not (isinstance(u, tuple) and isinstance(v, tuple) and alike(u, v)):
                return False
        elif not same(u, v):
            return False
    return True


def is_nested(shape: Shape) -> bool:
    """Is it the shape of a tuple?"""
    return any(isinstance(d, tuple) for d in shape)


def items(layer: str, shape: Shape, names: tuple[str, ...], options: Mapping[str, str]) -> tuple[Shape, ...]:
    """The shapes of what a layer takes, one for each name: those of a tuple, or that of one array alone.

    `options` are the arguments of the layer that add an item, by the name of that item.

    Errors
        ShapeError   there are more items, or fewer, with the argument that says so

    >>> items("LSTM", ((2, 3, 4), (2, 3)), ("x",), {"mask": "masked=True"})
    Traceback (most recent call last):
        ...
    funcnn.errors.ShapeError: LSTM takes one array x, got a tuple of 2, ((2, 3, 4), (2, 3)); masked=True adds a mask
    """
    nested = is_nested(shape)
    given: tuple[Shape, ...] = branches(layer, shape) if nested else (shape,)
    if len(given) == len(names) and nested == (len(names) > 1):
        return given
    wanted = f"the tuple ({', '.join(names)})" if len(names) > 1 else f"one array {', '.join(names)}"
    got = f"a tuple of {len(given)}, {display(shape)}" if nested else f"one array of shape {display(shape)}"
    more = len(given) > len(names)
    told = [f"{option} {'adds' if more else 'wants'} a {n}" for n, option in options.items() if (n in names) != more]
    raise ShapeError(f"{layer} takes {wanted}, got {got}{'; ' if told else ''}{', '.join(told)}")


def kinds(names: tuple[str, ...]) -> Kind:
    """What these items are for: the mask is one, all others are computed with; one array alone is no tuple.

    >>> kinds(("x", "mask", "state")), kinds(("x",))
    ({0: 'features', 1: 'mask', 2: 'features'}, 'features')
    """
    each: dict[int, Kind] = {i: "mask" if name == "mask" else "features" for i, name in enumerate(names)}
    return each if len(names) > 1 else "features"


def sequence(layer: str, shape: Shape) -> tuple[int, int, int]:
    """Batch, time and features of a sequence, which may have no steps.

    Errors
        ShapeError   it is none
    """
    batch, time, features = axes(layer, shape, exactly=3, like=SEQUENCE, empty=2)
    return batch, time, features


def masked_steps(layer: str, shape: Shape, batch: int, time: int, steps: str = "time") -> None:
    """Refuse a mask that has not one truth value a step."""
    expected(layer, shape, (batch, time), f"its mask has one truth value a step, (batch, {steps})")
